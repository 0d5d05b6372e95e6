// Proves that data sets are read exactly, whole and in pieces, and that neither damaged files nor a
// reader that lies, dies, hangs or talks without end harm the process that asked: by files made
// here with libhdf5, changed at fixed places, and by shell scripts in the reader's place.
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <thread>

#include "runner/hdf5_reader/confine.hpp"
#include "runner/hdf5_reader/hdf5_array.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::vector<std::int32_t> counted(std::size_t count) {
  std::vector<std::int32_t> values(count);
  std::iota(values.begin(), values.end(), -3);
  return values;
}

// A file with one data set /images of i32. chunks empty: contiguous.
std::string write_images(const TemporaryFolder& folder, const std::vector<hsize_t>& dims,
                         const std::vector<hsize_t>& chunks, hid_t type = H5T_STD_I32LE) {
  const std::string path = folder.path("images.h5");
  std::size_t count = 1;
  for (const hsize_t size : dims) count *= size;
  const std::vector<std::int32_t> values = counted(count);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  if (!chunks.empty()) {
    EXPECT_GE(H5Pset_chunk(list, static_cast<int>(chunks.size()), chunks.data()), 0);
    EXPECT_GE(H5Pset_shuffle(list), 0);
    EXPECT_GE(H5Pset_deflate(list, 4), 0);
    EXPECT_GE(H5Pset_fletcher32(list), 0);
  }
  const hid_t set = H5Dcreate2(file, "images", type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  EXPECT_GE(H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
  EXPECT_GE(H5Dclose(set), 0);
  EXPECT_GE(H5Pclose(list), 0);
  EXPECT_GE(H5Sclose(space), 0);
  EXPECT_GE(H5Fclose(file), 0);
  return path;
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_no_children() {
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a reader is left";
  EXPECT_EQ(errno, ECHILD);
}

TEST(Hdf5Array, PiecesAreThoseOfTheWhole) {
  const TemporaryFolder folder;
  const std::string path = write_images(folder, {5, 3, 4}, {2, 2, 3}, H5T_STD_I32BE);
  const std::vector<std::int32_t> values = counted(60);
  {
    const auto array = open_hdf5_array({path, "images"});
    ASSERT_TRUE(array.ok()) << array.status().message();
    EXPECT_EQ(array.value()->shape(), (ArrayShape{ArrayType::kI32, {5, 3, 4}}));
    EXPECT_EQ(array.value()->name(), path + "#images");
    EXPECT_FALSE(array.value()->raw().has_value());
    for (std::size_t first = 0; first <= 60; ++first) {
      for (std::size_t count = 0; count <= 60 - first; ++count) {
        std::vector<std::int32_t> out(count);
        ASSERT_TRUE(array.value()->read(first, std::as_writable_bytes(std::span(out))).ok());
        ASSERT_TRUE(std::equal(out.begin(), out.end(), values.begin() + first))
            << first << " " << count;
      }
    }
  }
  expect_no_children();
}

TEST(Hdf5Array, ManyBlocksFromTwoThreads) {
  const TemporaryFolder folder;
  const std::string path = write_images(folder, {1001, 787}, {100, 300});
  const std::vector<std::int32_t> values = counted(1001 * 787);
  const auto array = open_hdf5_array({path, "images"});
  ASSERT_TRUE(array.ok()) << array.status().message();
  const auto check = [&](std::size_t first) {
    std::vector<std::int32_t> out(values.size() - first);
    EXPECT_TRUE(array.value()->read(first, std::as_writable_bytes(std::span(out))).ok());
    EXPECT_TRUE(std::equal(out.begin(), out.end(), values.begin() + first));
  };
  std::jthread other([&] { check(12345); });
  check(0);
}

TEST(Hdf5Array, AContiguousSetIsReadInPlace) {
  const TemporaryFolder folder;
  const std::string path = write_images(folder, {7, 5}, {});
  const auto array = open_hdf5_array({path, "images"});
  ASSERT_TRUE(array.ok()) << array.status().message();
  expect_no_children();  // Nothing is needed of the reader any more.
  const std::optional<RawBytes> raw = array.value()->raw();
  ASSERT_TRUE(raw.has_value());
  EXPECT_EQ(raw->path, path);
  const std::vector<std::int32_t> values = counted(35);
  EXPECT_EQ(contents(path).substr(raw->offset, 140),
            std::string(reinterpret_cast<const char*>(values.data()), 140));
}

// Opens and reads; true if all went well. Anything else than a fault of the input fails the test.
bool reads(const std::string& path, std::size_t count) {
  const auto array = open_hdf5_array({path, "images"});
  Status status = array.status();
  if (array.ok()) {
    std::vector<std::byte> out(
        std::min<std::uint64_t>(array.value()->shape().bytes(), count * sizeof(std::int32_t)));
    out.resize(out.size() / 8 * 8);
    status = array.value()->read(0, out);
  }
  if (status.ok()) return true;
  EXPECT_EQ(status.fault(), Fault::kInput) << status.message();
  EXPECT_TRUE(status.message().starts_with(path)) << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  return false;
}

TEST(Hdf5Array, CutFilesAreRefused) {
  const TemporaryFolder folder;
  for (const std::vector<hsize_t>& chunks : {std::vector<hsize_t>(), std::vector<hsize_t>{3, 5}}) {
    const std::string whole = contents(write_images(folder, {8, 5}, chunks));
    ASSERT_TRUE(reads(folder.path("images.h5"), 40));
    for (std::size_t end = 8; end < whole.size(); end += 97) {
      EXPECT_FALSE(reads(folder.write("cut.h5", whole.substr(0, end)), 40)) << end;
    }
  }
  expect_no_children();
}

TEST(Hdf5Array, FlippedBitsHarmNobody) {
  const TemporaryFolder folder;
  int refused = 0;
  for (const std::vector<hsize_t>& chunks : {std::vector<hsize_t>(), std::vector<hsize_t>{3, 5}}) {
    const std::string whole = contents(write_images(folder, {8, 5}, chunks));
    const Clock::time_point begin = Clock::now();
    for (std::size_t i = 0; i < 150; ++i) {
      std::string changed = whole;
      // Metadata lies at the start and, with chunks, in the middle.
      const std::size_t at = i * 7919 % (i % 2 == 0 ? std::size_t{800} : changed.size());
      changed[at] = static_cast<char>(changed[at] ^ 1 << i % 8);
      refused += reads(folder.write("flipped.h5", changed), 40) ? 0 : 1;
    }
    EXPECT_LT(Clock::now() - begin, 60s);
  }
  EXPECT_GT(refused, 30);
  expect_no_children();
}

// A program in the reader's place, whose arguments are: hdf5-read PATH DATASET.
ReaderProgram script(const TemporaryFolder& folder, const std::string& lines,
                     std::chrono::milliseconds patience = 20s) {
  const std::string path = folder.write("reader.sh", "#!/bin/sh\n" + lines + "\n");
  EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
  return {path, patience};
}

std::string header(const TemporaryFolder& folder, const char* name, const Reply& reply) {
  return folder.write(name, encode_reply(reply));
}

Reply eight_bytes() {
  Reply reply;
  reply.kind = ReplyKind::kArray;
  reply.type = static_cast<std::uint32_t>(ArrayType::kU8);
  reply.dimensions = 1;
  reply.dims[0] = 8;
  return reply;
}

struct Lie {
  const char* lines;
  const char* words;
  Fault fault;
};

TEST(ReaderProcess, AReaderThatLiesOrDiesIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.h5", "nothing that anybody reads");
  const std::vector<Lie> lies = {
      {"exit 0", "ended with status 0", Fault::kWorld},
      {"exit 3", "ended with status 3", Fault::kWorld},
      {"kill -SEGV $$", "was ended by SIGSEGV: the file is damaged or hostile", Fault::kInput},
      {"kill -ABRT $$", "SIGABRT", Fault::kInput},
      {"kill -XCPU $$", "too much processor time", Fault::kInput},
      {"kill -KILL $$", "by SIGKILL from outside", Fault::kWorld},
      {"printf AESWH5R", "ended with status 0", Fault::kWorld},
      {"exec cat /dev/zero", "other bytes than its own", Fault::kInput},
      {"exec yes", "other bytes than its own", Fault::kInput}};
  for (const Lie& lie : lies) {
    const auto array = open_hdf5_array({path, "x"}, script(folder, lie.lines));
    ASSERT_FALSE(array.ok()) << lie.lines;
    EXPECT_EQ(array.status().fault(), lie.fault) << array.status().message();
    EXPECT_TRUE(array.status().message().starts_with(path + "#x: ")) << array.status().message();
    EXPECT_NE(array.status().message().find(lie.words), std::string::npos)
        << array.status().message();
  }
  expect_no_children();
}

TEST(ReaderProcess, AReaderThatSaysLittleIsEnded) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.h5", "");
  header(folder, "header", eight_bytes());
  const std::string drip = "while :; do printf A; sleep 0.05; done";
  for (const std::string& lines :
       {std::string("exec sleep 600"), drip, std::string("exec 0<&- 1>&-; exec sleep 600")}) {
    const Clock::time_point begin = Clock::now();
    const auto array = open_hdf5_array({path, "x"}, script(folder, lines, 150ms));
    EXPECT_FALSE(array.ok()) << lines;
    EXPECT_EQ(array.status().fault(), Fault::kInput) << array.status().message();
    EXPECT_LT(Clock::now() - begin, 10s) << lines;
    expect_no_children();
  }
}

TEST(ReaderProcess, ElementsThatAreTooManyOrTooFewAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.h5", "some bytes, so that 8 can be in it");
  const std::string first = "cat " + header(folder, "array", eight_bytes()) + "; ";
  Reply block;
  block.kind = ReplyKind::kBlock;
  block.length = 8;
  const std::string good = "cat " + header(folder, "block", block) + "; ";
  block.length = 9;
  const std::string nine = "cat " + header(folder, "nine", block) + "; ";
  const auto read = [&](const std::string& lines) {
    const auto array = open_hdf5_array({path, "x"}, script(folder, lines, 300ms));
    EXPECT_TRUE(array.ok()) << array.status().message();
    std::array<std::byte, 8> out{};
    return array.value()->read(0, out).message();
  };
  EXPECT_EQ(read(first + good + "printf 01234567; exec sleep 9"), "");
  EXPECT_EQ(read(first + good + "exec yes 01234567"), "");  // What follows is nobody's.
  EXPECT_NE(read(first + nine + "printf 012345678"), "");
  EXPECT_NE(read(first + good + "printf 0123456"), "");
  EXPECT_NE(read(first + good + "printf 0123; exec sleep 600"), "");
  EXPECT_NE(read(first + "exec sleep 600"), "");
  EXPECT_NE(read(first + "kill -SEGV $$"), "");
  expect_no_children();
}

TEST(ReaderProcess, APlaceOutsideOfTheFileIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.h5", std::string(100, 'x'));
  for (const std::int64_t offset : {std::int64_t{93}, std::int64_t{101}, INT64_MAX}) {
    Reply reply = eight_bytes();
    reply.offset = offset;
    const auto array =
        open_hdf5_array({path, "x"}, script(folder, "cat " + header(folder, "array", reply)));
    EXPECT_FALSE(array.ok()) << offset;
  }
  Reply reply = eight_bytes();
  reply.offset = 92;
  const auto last =
      open_hdf5_array({path, "x"}, script(folder, "cat " + header(folder, "array", reply)));
  EXPECT_TRUE(last.ok()) << last.status().message();
  reply.offset = -1;
  reply.dims[0] = 100 * 1032 + 1032;
  const auto bomb =
      open_hdf5_array({path, "x"}, script(folder, "cat " + header(folder, "array", reply)));
  EXPECT_FALSE(bomb.ok());
}

TEST(ReaderProcess, ALaunchersVariablesAndDescriptorsStayHere) {
  const TemporaryFolder folder;
  ASSERT_EQ(::setenv("OMPI_COMM_WORLD_RANK", "3", 1), 0);
  ASSERT_EQ(::setenv("PMIX_RANK", "3", 1), 0);
  ASSERT_EQ(::setenv("HDF5_PLUGIN_PATH", "/tmp", 1), 0);
  const std::string path = folder.write("x.h5", "");
  const auto array = open_hdf5_array({path, "x"}, script(folder, "env > $2.env"));
  EXPECT_FALSE(array.ok());
  const std::string environment = contents(path + ".env");
  EXPECT_NE(environment.find("AESWEEP_HDF5_READER=1"), std::string::npos);
  for (const char* name : {"OMPI_COMM", "PMIX_RANK", "HDF5_PLUGIN_PATH"}) {
    EXPECT_EQ(environment.find(name), std::string::npos) << name;
  }
  const auto none = open_hdf5_array({path, "x"}, ReaderProgram{folder.path("missing"), 1s});
  EXPECT_EQ(none.status().fault(), Fault::kWorld);
}

TEST(ReaderProcess, AReaderStartsNoOther) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.h5", "");
  ASSERT_EQ(::setenv("AESWEEP_HDF5_READER", "1", 1), 0);
  const auto array = open_hdf5_array({path, "x"});
  ASSERT_EQ(::unsetenv("AESWEEP_HDF5_READER"), 0);
  EXPECT_EQ(array.status().fault(), Fault::kWorld);
  expect_no_children();
}

TEST(ConfineProcess, LimitsHold) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!confine_process().ok()) ::_exit(1);
    const auto is = [](__rlimit_resource_t resource, rlim_t least, rlim_t most) {
      rlimit now{};
      return ::getrlimit(resource, &now) == 0 && now.rlim_cur >= least && now.rlim_cur <= most;
    };
    if (!is(RLIMIT_CORE, 0, 0) || !is(RLIMIT_FSIZE, 0, 0)) ::_exit(2);
    if (!is(RLIMIT_NOFILE, 3, 16) || !is(RLIMIT_CPU, 1, 3600)) ::_exit(3);
    if (::lseek(3, 0, SEEK_CUR) != -1 || errno != EBADF) ::_exit(4);
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Hdf5Array, WhatIsNoFileIsRefusedBeforeAReaderStarts) {
  const TemporaryFolder folder;
  for (const std::string& path :
       {folder.path("missing"), folder.path(), std::string("/dev/zero")}) {
    const auto array = open_hdf5_array({path, "x"});
    EXPECT_EQ(array.status().fault(), Fault::kInput);
    EXPECT_TRUE(array.status().message().starts_with(path)) << array.status().message();
  }
}

}  // namespace
}  // namespace aesweep
