// Proves that only regular files are read, that nothing waits for a pipe, and that sizes are
// checked first: one file of each type, read whole, in part and past its end.
#include "core/base/file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/base/checked.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::string characters(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void expect_refused(const std::string& path, const std::string& reason) {
  const Result<InputFile> file = InputFile::open(path);
  ASSERT_FALSE(file.ok()) << path;
  EXPECT_EQ(file.status().fault(), Fault::kInput);
  EXPECT_EQ(file.status().message().rfind(path + ": ", 0), 0u) << file.status().message();
  EXPECT_NE(file.status().message().find(reason), std::string::npos) << file.status().message();
}

TEST(InputFile, ReadsAnyRange) {
  const TemporaryFolder folder;
  Result<InputFile> file = InputFile::open(folder.write("seven", "0123456"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->size(), 7u);
  for (std::size_t from = 0; from <= 7; ++from) {
    for (std::size_t to = from; to <= 7; ++to) {
      std::vector<std::byte> bytes(to - from);
      ASSERT_TRUE(file->read_at(from, bytes).ok());
      EXPECT_EQ(characters(bytes), std::string("0123456").substr(from, to - from));
    }
  }
}

TEST(InputFile, SaysWhereTheFileEnds) {
  const TemporaryFolder folder;
  const Result<InputFile> file = InputFile::open(folder.write("seven", "0123456"));
  ASSERT_TRUE(file.ok());
  std::vector<std::byte> bytes(5);
  const Status status = file->read_at(4, bytes);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.fault(), Fault::kInput);
  EXPECT_NE(status.message().find("ends at byte 7 where byte 9 was expected"), std::string::npos)
      << status.message();
}

TEST(InputFile, FollowsSymbolicLinks) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder.write("seven", "0123456"), folder.path("link"));
  const Result<InputFile> file = InputFile::open(folder.path("link"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->size(), 7u);
}

TEST(InputFile, Moves) {
  const TemporaryFolder folder;
  Result<InputFile> opened = InputFile::open(folder.write("seven", "0123456"));
  ASSERT_TRUE(opened.ok());
  InputFile file = std::move(opened).value();
  Result<InputFile> other = InputFile::open(folder.write("two", "ab"));
  ASSERT_TRUE(other.ok());
  file = std::move(other).value();
  std::vector<std::byte> bytes(2);
  ASSERT_TRUE(file.read_at(0, bytes).ok());
  EXPECT_EQ(characters(bytes), "ab");
}

TEST(InputFile, RefusesWhatIsNoRegularFile) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  expect_refused(folder.path("pipe"), "a pipe");
  expect_refused(folder.path(), "a folder");
  expect_refused("/dev/zero", "a character device");
  expect_refused(folder.path("nothing"), "No such file");
  std::filesystem::create_symlink(folder.path("loop"), folder.path("loop"));
  expect_refused(folder.path("loop"), "symbolic links");
}

TEST(InputFile, RefusesASocket) {
  const TemporaryFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path("socket");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_GE(descriptor, 0);
  ASSERT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_FALSE(InputFile::open(path).ok());
  ::close(descriptor);
}

TEST(InputFile, RefusesAZeroByteInThePath) {
  EXPECT_FALSE(InputFile::open(std::string("/dev/null\0x", 11)).ok());
}

TEST(ReadFile, ChecksTheLimitBeforeAllocating) {
  const TemporaryFolder folder;
  const std::string path = folder.write("seven", "0123456");
  EXPECT_EQ(characters(read_file(path, 7).value()), "0123456");
  EXPECT_FALSE(read_file(path, 6).ok());
  // A sparse file of 1 TiB: allocating that would fail or fill the memory.
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
  EXPECT_FALSE(read_file(path, 1 << 20).ok());
  EXPECT_EQ(read_file(folder.write("empty", ""), 0).value().size(), 0u);
}

TEST(Checked, FindsOverflow) {
  constexpr std::uint64_t kMax = ~std::uint64_t{0};
  EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_multiply(kMax / 3, 3), kMax);
  EXPECT_EQ(checked_multiply(std::uint64_t{1} << 32, std::uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(checked_product({}), 1u);
  EXPECT_EQ(checked_product({2, 3, 7}), 42u);
  EXPECT_EQ(checked_product({kMax, 2, 0}), std::nullopt);
  EXPECT_EQ(checked_align(0, 64), 0u);
  EXPECT_EQ(checked_align(1, 64), 64u);
  EXPECT_EQ(checked_align(64, 64), 64u);
  EXPECT_EQ(checked_align(kMax - 3, 64), std::nullopt);
}

}  // namespace
}  // namespace aesweep
