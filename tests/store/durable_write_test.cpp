// Proves that a durable write leaves the whole new file or the old state, never a temporary file,
// and says what to do: with ordinary files, file size limits, full and read-only disks.
#include "runner/store/durable_write.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/store/limited_child.hpp"
#include "tests/support/temporary_folder.hpp"

namespace {

// What the next fsyncs give instead of being made, and how many were asked for.
std::vector<int> fsync_errors;  // The next one last.
int fsyncs = 0;

}  // namespace

// Instead of the C library's.
extern "C" int fsync(int fd) {
  ++fsyncs;
  if (fsync_errors.empty()) return static_cast<int>(::syscall(SYS_fsync, fd));
  errno = fsync_errors.back();
  fsync_errors.pop_back();
  return -1;
}

namespace aesweep {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

TEST(DurableWrite, CreatesEverySize) {
  const TemporaryFolder folder;
  for (const std::size_t size : {0u, 1u, 37u, 70001u}) {
    const std::string path = folder.path("file." + std::to_string(size));
    const std::string text(size, 'x');
    const Status status = durable_write(path, bytes_of(text), WriteMode::kCreate);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(contents(path), text);
  }
  EXPECT_EQ(names_in(folder.path()).size(), 4u);
}

TEST(DurableWrite, AnInterruptedSyncIsMadeAgainAndAFailedOneIsNot) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  fsync_errors = {EINTR, EINTR};
  EXPECT_TRUE(durable_write(path, bytes_of("text"), WriteMode::kCreate).ok());
  EXPECT_TRUE(fsync_errors.empty());
  fsync_errors = {EINTR};
  EXPECT_TRUE(durable_write(path, bytes_of("text"), WriteMode::kCreate).ok()) << "it is adopted";
  fsyncs = 0;
  fsync_errors = {EIO};
  const Status failed = durable_write(path, bytes_of("other"), WriteMode::kReplace);
  EXPECT_NE(failed.message().find("the disk reports an error"), std::string::npos);
  EXPECT_EQ(fsyncs, 1);
  EXPECT_EQ(contents(path), "text");
}

TEST(DurableWrite, ReplacesWhole) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  for (const std::string text : {"a long first text", "short"}) {
    ASSERT_TRUE(durable_write(path, bytes_of(text), WriteMode::kReplace).ok());
    EXPECT_EQ(contents(path), text);
  }
  EXPECT_EQ(names_in(folder.path()), Names{"file"});
}

TEST(DurableWrite, ReaderKeepsTheOldFile) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  ASSERT_TRUE(durable_write(path, bytes_of("old"), WriteMode::kReplace).ok());
  std::ifstream reader(path);
  ASSERT_TRUE(durable_write(path, bytes_of("new"), WriteMode::kReplace).ok());
  std::string seen;
  reader >> seen;
  EXPECT_EQ(seen, "old");
}

TEST(DurableWrite, AdoptsTheSameBytesOnly) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  const std::string text(100000, 'y');
  ASSERT_TRUE(durable_write(path, bytes_of(text), WriteMode::kCreate).ok());
  EXPECT_TRUE(durable_write(path, bytes_of(text), WriteMode::kCreate).ok());
  std::string other = text;
  other.back() = 'z';
  for (const std::string& wrong : {other, text + "y", text.substr(1), std::string()}) {
    const Status status = durable_write(path, bytes_of(wrong), WriteMode::kCreate);
    EXPECT_EQ(status.fault(), Fault::kWorld);
    EXPECT_NE(status.message().find(path + ": it exists with other contents"), std::string::npos)
        << status.message();
  }
  EXPECT_EQ(contents(path), text);
  EXPECT_EQ(names_in(folder.path()), Names{"file"});
}

TEST(DurableWrite, PlacesByLinkWhereRenameCannot) {
  const TemporaryFolder folder;
  const std::string from = folder.write("from", "text"), to = folder.path("to");
  EXPECT_EQ(internal::place_by_link(from, to), 0);
  EXPECT_EQ(names_in(folder.path()), Names{"to"});
  EXPECT_EQ(internal::place_by_link(folder.write("from", "text"), to), EEXIST);
  EXPECT_EQ(internal::place_new(from, to), EEXIST);
}

TEST(DurableWrite, SaysWhatIsWrongWithThePath) {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "text");
  fs::create_directory(folder.path("sub"));
  struct Case {
    std::string path, expected;
  };
  const std::vector<Case> cases = {
      {folder.path("none/file"), "No such file or directory; create its folder first"},
      {file + "/file", "Not a directory; one part of its path is a file"},
      {folder.path("sub"), "Is a directory; a folder has that name"},
      {folder.path(std::string(300, 'n')), "File name too long; choose a shorter name"},
      {folder.path("sub/"), "Is a directory"},
  };
  for (const Case& c : cases) {
    const Status status = durable_write(c.path, bytes_of("text"), WriteMode::kReplace);
    EXPECT_EQ(status.fault(), Fault::kWorld);
    EXPECT_NE(status.message().find(c.expected), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(c.path), std::string::npos) << status.message();
  }
  EXPECT_EQ(names_in(folder.path()), (Names{"file", "sub"}));
}

TEST(DurableWrite, FileSizeLimitLeavesNothing) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  const ChildEnd end = run_in_child(
      [] { return limit_file_size(10000); },
      [&] {
        return durable_write(path, bytes_of(std::string(10001, 'x')), WriteMode::kCreate).message();
      });
  ASSERT_TRUE(end.exited);
  ASSERT_EQ(end.status, 0);
  EXPECT_EQ(end.output,
            "cannot write " + path +
                " (10001 bytes): File too large; raise the file size limit (ulimit -f)");
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(DurableWrite, FullDiskKeepsTheOldFile) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  const ChildEnd end = run_in_child(
      [&] { return mount_small_disk(folder.path()); },
      [&] {
        if (!durable_write(path, bytes_of("old"), WriteMode::kReplace).ok())
          return std::string("no");
        const Status full =
            durable_write(path, bytes_of(std::string(100000, 'x')), WriteMode::kReplace);
        Result<PendingFile> pending = PendingFile::create(path);
        const Status reserved = pending.ok() ? pending->reserve(200000) : pending.status();
        return full.message() + "\n" + reserved.message() + "\n" + contents(path) + "\n" +
               std::to_string(names_in(folder.path()).size());
      });
  ASSERT_TRUE(end.exited);
  if (end.status == 77) GTEST_SKIP() << "this process may not mount a tmpfs";
  const auto expected = [&](const char* bytes) {
    return "cannot write " + path + " (" + bytes +
           " bytes): No space left on device; free that much space there, or choose a folder on "
           "another disk\n";
  };
  // The pending file is still open when the names are counted.
  EXPECT_EQ(end.output, expected("100000") + expected("200000") + "old\n2");
}

TEST(DurableWrite, ReadOnlyFolder) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write to a read-only folder";
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0500), 0);
  const Status status = durable_write(folder.path("file"), bytes_of("x"), WriteMode::kCreate);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0700), 0);
  EXPECT_NE(status.message().find("Permission denied; choose a folder that you may write to"),
            std::string::npos)
      << status.message();
}

TEST(PendingFile, IsRemovedUnlessCommitted) {
  const TemporaryFolder folder;
  {
    Result<PendingFile> file = PendingFile::create(folder.path("file"));
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(names_in(folder.path()).size(), 1u);
    const PendingFile moved = std::move(*file);
    EXPECT_GE(moved.fd(), 0);
  }
  EXPECT_TRUE(names_in(folder.path()).empty());
}

}  // namespace
}  // namespace aesweep
