// Proves that StreamFile gives the bytes that stand in the file, and refuses a file that is too
// short, at once as bad input, later as a fault of the world.
#include "core/data/stream_file.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::vector<std::byte> counted(std::size_t bytes) {
  std::vector<std::byte> out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::byte>(i * 131 % 251);
  return out;
}

TEST(StreamFile, ReadsRows) {
  const TemporaryFolder folder;
  const std::vector<std::byte> bytes = counted(5 + 7 * 11 + 3);
  const auto file = StreamFile::open(folder.write("a", bytes), 5, 7, 11);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->row_bytes(), 7u);
  EXPECT_EQ(file->rows(), 11);
  for (const auto& [first, count] : {std::pair{0, 11}, {0, 0}, {11, 0}, {3, 2}, {10, 1}}) {
    std::vector<std::byte> out(static_cast<std::size_t>(count * 7));
    ASSERT_TRUE(file->read_rows(first, out).ok());
    const auto from = bytes.begin() + 5 + first * 7;
    EXPECT_EQ(out, std::vector<std::byte>(from, from + count * 7));
  }
}

TEST(StreamFile, RefusesAFileThatIsTooShort) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a", counted(5 + 7 * 11));
  EXPECT_TRUE(StreamFile::open(path, 5, 7, 11).ok());
  struct Case {
    std::uint64_t offset;
    std::uint64_t row_bytes;
    std::int64_t rows;
  };
  constexpr auto kOffsetMax = std::numeric_limits<std::uint64_t>::max();
  constexpr auto kRowsMax = std::numeric_limits<std::int64_t>::max();
  for (const Case& c : {Case{6, 7, 11},
                        {5, 8, 11},
                        {5, 7, 12},
                        {kOffsetMax, 7, 11},
                        {5, 7, kRowsMax},
                        {kOffsetMax - 6, 7, 1}}) {
    const auto file = StreamFile::open(path, c.offset, c.row_bytes, c.rows);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.status().fault(), Fault::kInput);
    EXPECT_EQ(file.status().message().find(path + ": has 82 bytes; "), 0u)
        << file.status().message();
  }
  EXPECT_EQ(StreamFile::open(folder.path("none"), 0, 1, 1).status().fault(), Fault::kInput);
}

TEST(StreamFile, BlamesTheWorldForAFileThatShrank) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a", counted(5 + 7 * 11));
  const auto file = StreamFile::open(path, 5, 7, 11);
  ASSERT_TRUE(file.ok());
  std::filesystem::resize_file(path, 5 + 7 * 11 - 1);
  std::vector<std::byte> out(14);
  EXPECT_TRUE(file->read_rows(8, out).ok());
  const Status status = file->read_rows(9, out);
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_EQ(status.message(),
            path +
                ": ends at byte 81 where byte 82 was expected; samples 9 to 10 were being read, of "
                "a file that must stay as it is during a run");
}

TEST(StreamFile, KnowsAFileThatWasWrittenTo) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a", counted(77));
  const auto file = StreamFile::open(path, 0, 7, 11);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->check_unchanged().ok());
  const FileState seen = InputFile::open(path)->state().value();
  EXPECT_TRUE(StreamFile::open(path, 0, 7, 11, seen).ok());
  // Of the same length, later.
  folder.write("a", counted(77));
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(3));
  const Status changed = file->check_unchanged();
  EXPECT_EQ(changed.fault(), Fault::kWorld);
  EXPECT_EQ(changed.message().find(path + ": changed since it was opened"), 0u)
      << changed.message();
  const auto other = StreamFile::open(path, 0, 7, 11, seen);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.status().fault(), Fault::kInput);
  EXPECT_EQ(other.status().message().find(path + ": changed since its header was read"), 0u);
}

// Another file of the same length in its place: the one that is open is still the old one.
TEST(StreamFile, KnowsAnotherFileByTheSameName) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a", counted(77));
  const auto file = StreamFile::open(path, 0, 7, 11);
  const FileState seen = InputFile::open(path)->state().value();
  std::filesystem::rename(folder.write("b", counted(77)), path);
  EXPECT_TRUE(file->check_unchanged().ok());
  EXPECT_FALSE(StreamFile::open(path, 0, 7, 11, seen).ok());
}

TEST(StreamFileDeathTest, StopsOnRowsThatAreNotThere) {
  const TemporaryFolder folder;
  const auto file = StreamFile::open(folder.write("a", counted(77)), 0, 7, 11);
  ASSERT_TRUE(file.ok());
  std::vector<std::byte> out(14);
  EXPECT_DEATH(static_cast<void>(file->read_rows(10, out)), "whole rows that are there");
  EXPECT_DEATH(static_cast<void>(file->read_rows(-1, out)), "whole rows that are there");
  EXPECT_DEATH(static_cast<void>(file->read_rows(0, std::span(out).first(13))),
               "whole rows that are there");
}

}  // namespace
}  // namespace aesweep
