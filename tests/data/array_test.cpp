// Proves what all formats share: references to arrays, recognition by first bytes, IDX files as
// arrays against idx_builder's numbers, and, for every reader, that paths which are no files, and
// files that claim sizes they do not have, are refused without waiting and without taking memory.
#include "core/data/array.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/data/idx_array.hpp"
#include "core/data/npy.hpp"
#include "core/data/safetensors.hpp"
#include "tests/data/array_builder.hpp"
#include "tests/data/array_expect.hpp"
#include "tests/data/idx_builder.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

TEST(ArrayShape, CountsAndNamesItself) {
  EXPECT_EQ((ArrayShape{ArrayType::kF64, {7, 37}}).bytes(), 7u * 37u * 8u);
  EXPECT_EQ((ArrayShape{ArrayType::kBf16, {}}).bytes(), 2u);
  EXPECT_EQ(shape_text({ArrayType::kI16, {7, 1}}), "i16 [7, 1]");
  EXPECT_TRUE(check_array_shape({ArrayType::kU8, {INT64_C(1) << 48, 32767}}).ok());
  EXPECT_FALSE(check_array_shape({ArrayType::kU8, {INT64_C(1) << 48, 32768}}).ok());  // 2^63
  EXPECT_FALSE(check_array_shape({ArrayType::kU8, {-1}}).ok());
  EXPECT_FALSE(check_array_shape({ArrayType::kU8, {1, 0}}).ok());
  EXPECT_FALSE(check_array_shape({ArrayType::kU8, std::vector<std::int64_t>(9, 1)}).ok());
}

TEST(ArrayRef, TakesTheLastMarkUnlessTheWholeIsAFile) {
  const TemporaryFolder folder;
  const auto expect = [](const std::string& text, const std::string& path,
                         const std::string& dataset) {
    const ArrayRef ref = parse_array_ref(text);
    EXPECT_EQ(ref.path, path) << text;
    EXPECT_EQ(ref.dataset, dataset) << text;
  };
  expect("a.h5", "a.h5", "");
  expect("a.h5#/group/x", "a.h5", "/group/x");
  expect("a#b#c", "a#b", "c");
  expect("a#", "a#", "");
  expect("#a", "#a", "");
  expect("", "", "");
  const std::string odd = folder.write("x#1.npy", std::string_view("x"));
  expect(odd, odd, "");
  expect(odd + "#w", odd, "w");
}

TEST(OpenArray, KnowsFilesByTheirFirstBytes) {
  const TemporaryFolder folder;
  const std::string idx = idx_bytes<std::uint8_t>({3}, {97, 98, 99});
  const std::string tensors =
      safetensors_file("{" + tensor_json("a", "U8", "3", "0,3") + "}", "abc");
  for (const std::string& bytes : {idx, gzipped(idx), npy_file("|u1", "(3,)", "abc"), tensors}) {
    // The name says nothing.
    const Result<std::string> read = read_whole(folder.write("file.txt", bytes));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(read.value(), "abc");
  }
  // A header whose length looks like an IDX magic number is still that of a safetensors file: its
  // third byte would be IDX's type.
  std::string padded = "{" + tensor_json("a", "U8", "3", "0,3") + "}";
  padded.append((8 << 16) - padded.size(), ' ');
  ASSERT_EQ(padded.size() & 0xffff, 0u);
  EXPECT_EQ(read_whole(folder.write("x", safetensors_file(padded, "abc"))).value(), "abc");
}

TEST(OpenArray, LeavesHdf5ToItsHook) {
  const TemporaryFolder folder;
  const std::string magic = "\x89HDF\r\n\x1a\n";
  const std::string path = folder.write("x", magic + "rest");
  const std::string behind =
      folder.write("y", "MATLAB 7.3" + std::string(1014, ' ') + magic + "rest");
  for (const std::string& name : {path, behind}) {
    expect_input_fault(read_whole(name).status(), name, "is an HDF5 file");
    ArrayRef seen;
    const auto opened = open_array({name, "/d"}, [&](const ArrayRef& ref) {
      seen = ref;
      return Result<std::unique_ptr<ArrayFile>>(Status::input("hook"));
    });
    EXPECT_EQ(opened.status().message(), "hook");
    EXPECT_EQ(seen.path, name);
    EXPECT_EQ(seen.dataset, "/d");
  }
}

TEST(OpenArray, SaysWhatItDoesNotRead) {
  expect_file_refused("", "is empty");
  expect_file_refused("x", "starts with 'x', which is neither IDX, .npy, safetensors nor HDF5");
  expect_file_refused("P5 28 28\n255\n", "starts with 'P5 28 28'");
  expect_file_refused("PK\x03\x04rest of a zip archive", "numpy.load('x.npz')['name']");
  expect_file_refused(std::string(2000, 'x'), "neither");
  expect_file_refused(std::string("\0\0\x07\x01xxxx", 8), "IDX type code 7");
  expect_file_refused(gzipped("no IDX file"), "no IDX file");
  expect_file_refused(npy_file("|u1", "(1,)", "a"), "leave out #w", "w");
  expect_file_refused(idx_bytes<std::uint8_t>({1}, {1}), "leave out #w", "w");
}

template <class T>
void expect_idx_array(ArrayType type, const std::vector<T>& elements) {
  const TemporaryFolder folder;
  const auto count = static_cast<std::uint32_t>(elements.size());
  const std::string bytes = idx_bytes<T>({1, count}, elements);
  for (const bool packed : {false, true}) {
    const std::string path = folder.write("x", packed ? gzipped(bytes) : bytes);
    const auto array = open_idx(path);
    ASSERT_TRUE(array.ok()) << array.status().message();
    EXPECT_EQ(array.value()->shape(), (ArrayShape{type, {1, count}}));
    EXPECT_EQ(array.value()->name(), path);
    EXPECT_EQ(array.value()->raw().has_value(), !packed && sizeof(T) == 1);
    EXPECT_EQ(array.value()->raw().value_or(RawBytes{path, 12}).offset, 12u);
    // Every piece.
    for (std::size_t first = 0; first <= elements.size(); ++first) {
      for (std::size_t last = first; last <= elements.size(); ++last) {
        std::vector<T> out(last - first);
        const Status status = array.value()->read(first, std::as_writable_bytes(std::span(out)));
        ASSERT_TRUE(status.ok()) << status.message();
        EXPECT_EQ(out, std::vector<T>(elements.begin() + first, elements.begin() + last));
      }
    }
  }
}

TEST(IdxArray, ReadsAnyPieceOfAnyType) {
  expect_idx_array<std::uint8_t>(ArrayType::kU8, {0, 1, 127, 128, 255});
  expect_idx_array<std::int8_t>(ArrayType::kI8, {-128, 0, 127});
  expect_idx_array<std::int16_t>(ArrayType::kI16, {-32768, -2, 258});
  expect_idx_array<std::int32_t>(ArrayType::kI32, {-5, 16909060, 7});
  expect_idx_array<float>(ArrayType::kF32, {-1.5F, 3e38F, 1e-40F});
  expect_idx_array<double>(ArrayType::kF64, {-1.5, 1e308, 5e-324});
}

TEST(IdxArray, SeesDamageBehindThePieceThatIsRead) {
  const TemporaryFolder folder;
  std::string bytes = gzipped(idx_bytes<std::uint8_t>({3}, {1, 2, 3}));
  bytes[bytes.size() - 5] ^= 1;  // In the CRC.
  const std::string path = folder.write("x", bytes);
  const auto array = open_idx(path);
  ASSERT_TRUE(array.ok()) << array.status().message();
  std::byte out{};
  expect_input_fault(array.value()->read(0, std::span(&out, 1)), path, "damaged gzip data");
}

Status open_as_safetensors(const std::string& path) { return SafetensorsFile::open(path).status(); }
Status open_as_npy(const std::string& path) { return open_npy(path).status(); }
Status open_as_idx(const std::string& path) { return open_idx(path).status(); }
Status open_as_any(const std::string& path) { return open_array({path, ""}).status(); }

TEST(Readers, RefuseWhatIsNoFileWithoutWaiting) {
  const TemporaryFolder folder;
  const std::string fifo = folder.path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (auto* const open : {open_as_safetensors, open_as_npy, open_as_idx, open_as_any}) {
    expect_input_fault(open(fifo), fifo, "is a pipe");
    expect_input_fault(open(folder.path()), folder.path(), "is a folder");
    expect_input_fault(open("/dev/zero"), "/dev/zero", "is a character device");
    expect_input_fault(open(folder.path("none")), folder.path("none"), "cannot open");
  }
}

// Whether `open` refuses the file, in a process that has no more than 64 MiB to take.
bool refused_in_little_memory(Status (*open)(const std::string&), const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::uint64_t pages = 0;
    FILE* const statm = std::fopen("/proc/self/statm", "r");
    if (statm == nullptr || std::fscanf(statm, "%lu", &pages) != 1) ::_exit(2);
    const rlim_t limit = pages * 4096 + (rlim_t{64} << 20);
    const rlimit memory{limit, limit};
    if (::setrlimit(RLIMIT_AS, &memory) != 0) ::_exit(3);
    ::_exit(open(path).fault() == Fault::kInput ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The file, made longer without taking space on the disk.
std::string sparse(const TemporaryFolder& folder, const std::string& start, std::uint64_t bytes) {
  const std::string path = folder.write("sparse", start);
  std::filesystem::resize_file(path, bytes);
  return path;
}

TEST(Readers, TakeNoMemoryForSizesThatAreOnlyClaimed) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer's shadow needs more memory than this test allows";
#endif
  constexpr std::uint64_t kTib = std::uint64_t{1} << 40;
  const TemporaryFolder folder;
  struct Case {
    Status (*open)(const std::string&);
    std::string start;
  };
  const Case cases[] = {
      {open_as_npy, npy_start("", 2).substr(0, 8) + stored<std::uint32_t>({0xffffffff})},
      {open_as_npy, npy_start("", 2).substr(0, 8) + stored<std::uint32_t>({1U << 30})},
      {open_as_npy, npy_file("<f8", "(281474976710656,)", "")},
      {open_as_safetensors, stored<std::uint64_t>({kTib - 8}) + "{"},
      {open_as_safetensors, stored<std::uint64_t>({(16 << 20) + 1}) + "{"},
      {open_as_safetensors, stored<std::uint64_t>({UINT64_MAX}) + "{"},
      {open_as_safetensors,
       safetensors_file("{" + tensor_json("a", "U8", "1099511627776", "0,1099511627776") + "}",
                        "")},
      {open_as_idx, idx_header(8, {1U << 31, 512})},
      {open_as_idx, idx_header(14, {1U << 31, 1U << 31, 1U << 31, 1U << 31})},
      {open_as_idx, std::string("\x1f\x8b\x08", 3)},
      {open_as_any, std::string(16, '\0')},
      {open_as_any, "nothing known"},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(refused_in_little_memory(c.open, sparse(folder, c.start, kTib))) << c.start;
  }
}

TEST(Readers, ReadPiecesOfAFileThatIsLargerThanMemory) {
  constexpr std::uint64_t kTib = std::uint64_t{1} << 40;
  const TemporaryFolder folder;
  const std::string header = npy_file("<f8", "(137438953472,)", "");
  const auto array = open_npy(sparse(folder, header, header.size() + kTib));
  ASSERT_TRUE(array.ok()) << array.status().message();
  double last = 1.0;
  ASSERT_TRUE(array.value()->read(137438953471, std::as_writable_bytes(std::span(&last, 1))).ok());
  EXPECT_EQ(last, 0.0);
}

TEST(Readers, SayThatAFileHasShrunk) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x", npy_file("|u1", "(3,)", "abc"));
  const auto array = open_npy(path);
  std::filesystem::resize_file(path, 20);
  std::byte out{};
  expect_input_fault(array.value()->read(2, std::span(&out, 1)), path, "ends at byte");
}

TEST(ReadersDeathTest, StopOnReadsBeyondTheArray) {
  const TemporaryFolder folder;
  const std::string half(3, 'x');
  for (const std::string& bytes :
       {npy_file("<i2", "(2,)", "abcd"), idx_bytes<std::int16_t>({2}, {1, 2})}) {
    const auto array = open_array({folder.write("x", bytes), ""});
    std::vector<std::byte> out(4);
    EXPECT_DEATH((void)array.value()->read(1, out), "whole elements");
    EXPECT_DEATH((void)array.value()->read(3, std::span(out).first(0)), "whole elements");
    EXPECT_DEATH((void)array.value()->read(UINT64_MAX, std::span(out).first(2)), "whole elements");
    EXPECT_DEATH((void)array.value()->read(0, std::span(out).first(3)), "whole elements");
  }
}

}  // namespace
}  // namespace aesweep
