// Proves the rules about files that become code, also those that only another owner could break,
// and that odd things under a name (pipes, folders, huge files) are refused without waiting or
// reading.
#include "runner/plugin_host/trusted_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kBytesMax = 1000;

struct stat facts_of(unsigned mode, unsigned owner, std::int64_t bytes) {
  struct stat facts = {};
  facts.st_mode = mode;
  facts.st_uid = owner;
  facts.st_size = bytes;
  return facts;
}

struct Case {
  unsigned mode;
  unsigned owner;
  std::int64_t bytes;
  const char* words;  // Empty: accepted.
};

TEST(CheckTrusted, FollowsTheTable) {
  constexpr unsigned kUser = 1000;
  const std::vector<Case> table = {
      {S_IFREG | 0755, kUser, 1000, ""},
      {S_IFREG | 0444, 0, 0, ""},  // Root's.
      {S_IFREG | 0644, 1001, 10, "belongs to user 1001, expected root or user 1000"},
      {S_IFREG | 0664, kUser, 10, "writable by others"},
      {S_IFREG | 0646, 0, 10, "writable by others"},
      {S_IFREG | 0644, kUser, 1001, "has 1001 bytes, the limit is 1000"},
      {S_IFDIR | 0755, kUser, 10, "not a regular file"},
      {S_IFCHR | 0600, kUser, 0, "not a regular file"},
  };
  for (const Case& one : table) {
    const Status status = check_trusted(facts_of(one.mode, one.owner, one.bytes), kUser, kBytesMax);
    EXPECT_EQ(status.ok(), *one.words == '\0') << one.words << ": " << status.message();
    EXPECT_NE(status.message().find(one.words), std::string::npos) << status.message();
  }
}

TEST(CheckTrustedFolder, FollowsTheTable) {
  constexpr unsigned kUser = 1000;
  const std::vector<Case> table = {
      {S_IFDIR | 0755, kUser, 0, ""},
      {S_IFDIR | 0755, 0, 0, ""},
      {S_IFDIR | 01777, 0, 0, ""},  // As /tmp.
      {S_IFDIR | 02755, kUser, 0, ""},
      {S_IFDIR | 0755, 1001, 0, "belongs to user 1001, expected root or user 1000"},
      {S_IFDIR | 01777, 1001, 0, "belongs to user 1001"},  // Its owner may exchange files, too.
      {S_IFDIR | 0775, kUser, 0, "is writable by its group"},
      {S_IFDIR | 0775, 0, 0, "is writable by its group"},
      {S_IFDIR | 0757, kUser, 0, "is writable by everyone"},
  };
  for (const Case& one : table) {
    const Status status = check_trusted_folder(facts_of(one.mode, one.owner, 0), kUser);
    EXPECT_EQ(status.ok(), *one.words == '\0') << one.words << ": " << status.message();
    EXPECT_NE(status.message().find(one.words), std::string::npos) << status.message();
  }
}

TEST(ProgramPlace, IsTrustedAsTheProgramIs) {
  constexpr unsigned kUser = 0;
  constexpr unsigned kProgramOwner = 1001;
  EXPECT_TRUE(check_trusted_folder(facts_of(S_IFDIR | 0755, 1001, 0), kUser, kProgramOwner).ok());
  EXPECT_FALSE(check_trusted_folder(facts_of(S_IFDIR | 0755, 1002, 0), kUser, kProgramOwner).ok());
  EXPECT_TRUE(
      check_trusted(facts_of(S_IFREG | 0644, 1001, 9), kUser, kBytesMax, kProgramOwner).ok());
  TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0775), 0);
  const std::string path = folder.write("file", "bytes");
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_FALSE(open_trusted_file(path, kBytesMax).ok());
  EXPECT_TRUE(open_trusted_file(path, kBytesMax, {0, folder.path()}).ok());
  // A folder of which the place's name is only a beginning is not above the place.
  EXPECT_FALSE(open_trusted_file(path, kBytesMax, {0, folder.path() + "x"}).ok());
}

TEST(OpenTrustedFile, RefusesWhatIsNoFileWithoutWaiting) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_NE(open_trusted_file(folder.path("pipe"), kBytesMax)
                .status()
                .message()
                .find("not a regular file"),
            std::string::npos);
  EXPECT_NE(open_trusted_file(folder.path(), kBytesMax).status().message().find("regular file"),
            std::string::npos);
  for (const char* last : {"/", "/.", "/.."}) {
    EXPECT_NE(open_trusted_file(folder.path() + last, kBytesMax)
                  .status()
                  .message()
                  .find("names a folder"),
              std::string::npos);
  }
  // The system would see the name end at the zero byte, and open the file.
  const std::string path = folder.write("file", "bytes");
  EXPECT_FALSE(open_trusted_file(path + std::string("\0.so", 4), kBytesMax).ok());
  EXPECT_NE(open_trusted_file("/dev/zero", kBytesMax).status().message().find("regular file"),
            std::string::npos);
}

TEST(OpenTrustedFile, KeepsTheFileItOpenedWhenTheNameMovesOn) {
  TemporaryFolder folder;
  const std::string path = folder.write("file", "first");
  const Result<TrustedFile> file = open_trusted_file(path, kBytesMax);
  ASSERT_TRUE(file.ok()) << file.status().message();
  std::filesystem::remove(path);
  folder.write("file", "other");
  std::string bytes(5, ' ');
  ASSERT_TRUE(read_at(file.value(), 0, std::as_writable_bytes(std::span(bytes))).ok());
  EXPECT_EQ(bytes, "first");
  // sha256sum of "first".
  EXPECT_EQ(hash_trusted_file(file.value()).value(),
            "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e");
}

TEST(ReadAt, SaysThatAFileIsTooShort) {
  TemporaryFolder folder;
  const Result<TrustedFile> file = open_trusted_file(folder.write("file", "1234567"), kBytesMax);
  std::vector<std::byte> out(7);
  EXPECT_TRUE(read_at(file.value(), 0, out).ok());
  EXPECT_NE(read_at(file.value(), 1, out).message().find("became shorter"), std::string::npos);
}

}  // namespace
}  // namespace aesweep
