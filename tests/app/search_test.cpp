// `aesweep search` on files of random codes: every kind of file in and out, against sorting the
// database; and what it says about codes that do not fit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "core/data/npy.hpp"
#include "runner/store/code_file.hpp"
#include "runner/store/h5.hpp"
#include "tests/app/program.hpp"
#include "tests/codes/random_codes.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

using Lines = std::vector<std::vector<std::int64_t>>;  // query, rank, row, distance

// The first k, or all, up to a distance, in the order that search promises.
Lines expected_lines(const PackedCodes& queries, const PackedCodes& database, std::size_t k,
                     int radius) {
  Lines lines;
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    std::vector<std::pair<int, std::int64_t>> found;
    for (std::int64_t i = 0; i < database.rows; ++i) {
      int distance = 0;
      for (int j = 0; j < database.bits; ++j) {
        distance += queries.bit(q, j) != database.bit(i, j) ? 1 : 0;
      }
      if (distance <= radius) found.emplace_back(distance, i);
    }
    std::sort(found.begin(), found.end());
    for (std::size_t rank = 0; rank < std::min(k, found.size()); ++rank) {
      lines.push_back({q, static_cast<std::int64_t>(rank), found[rank].second, found[rank].first});
    }
  }
  return lines;
}

std::string table(const Lines& lines, const char* separator) {
  std::string out = text("query", separator, "rank", separator, "row", separator, "distance\n");
  for (const auto& line : lines) {
    out += text(line[0], separator, line[1], separator, line[2], separator, line[3], "\n");
  }
  return out;
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string write(const TemporaryFolder& folder, const std::string& name,
                  const PackedCodes& codes) {
  StoredCodes stored;
  stored.packed = codes;
  const Status written = write_codes(folder.path(name), stored);
  EXPECT_TRUE(written.ok()) << written.message();
  return folder.path(name);
}

// Searches, and wants the table on stdout.
void expect_table(std::vector<std::string> arguments, const Lines& lines) {
  arguments.insert(arguments.begin(), "search");
  const Answer answer = aesweep(arguments);
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(answer.err, "");
  EXPECT_TRUE(answer.out == table(lines, "\t")) << text(arguments[1]) << "\n" << answer.out;
}

class Search : public testing::Test {
 protected:
  TemporaryFolder folder_;
  PackedCodes database_ = test::random_codes(301, 16, 1);
  PackedCodes queries_ = test::random_codes(37, 16, 2);
  std::string all_ = write(folder_, "all.h5", database_);
  std::string some_ = write(folder_, "some.npy", queries_);
};

TEST_F(Search, ShowsTheNearestAndTheNear) {
  const std::string faiss = write(folder_, "all.faiss", database_);
  for (const std::string& database : {all_, faiss}) {
    expect_table({database, "--queries", some_, "-k", "7"},
                 expected_lines(queries_, database_, 7, 16));
    expect_table({database, "--queries", some_, "--radius", "2"},
                 expected_lines(queries_, database_, 301, 2));
  }
  // As many as there are; the same file; nothing at all; more bits than a word.
  expect_table({some_, "--queries", some_, "-k", "1000000000"},
               expected_lines(queries_, queries_, 37, 16));
  PackedCodes ones = empty_codes(2, 16);
  ones.words = {0xffff, 0xffff};
  expect_table({write(folder_, "zeros.npy", empty_codes(3, 16)), "--queries",
                write(folder_, "ones.npy", ones), "--radius", "15"},
               {});
  const PackedCodes wide = test::random_codes(600, 130, 3);
  const std::string wide_path = write(folder_, "wide.h5", wide);
  expect_table({wide_path, "--queries", wide_path, "-k", "3"}, expected_lines(wide, wide, 3, 130));
  expect_table({wide_path, "--queries", wide_path, "--radius", "40"},
               expected_lines(wide, wide, 600, 40));
}

TEST_F(Search, WritesTheSameLinesIntoFiles) {
  const Lines lines = expected_lines(queries_, database_, 5, 16);
  for (const char* name : {"out.csv", "out.npy", "out.h5"}) {
    const Answer answer =
        aesweep({"search", all_, "--queries", some_, "-k", "5", "--out", folder_.path(name)});
    ASSERT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(answer.out, folder_.path(name) + ": 185 neighbours of 37 queries\n");
  }
  EXPECT_EQ(content(folder_.path("out.csv")), table(lines, ","));

  const auto array = open_npy(folder_.path("out.npy"));
  ASSERT_TRUE(array.ok()) << array.status().message();
  const ArrayShape& shape = array.value()->shape();
  ASSERT_EQ(shape_text(shape), "i64 [185, 4]");
  std::vector<std::int64_t> numbers(185 * 4);
  ASSERT_TRUE(array.value()->read(0, std::as_writable_bytes(std::span(numbers))).ok());
  const h5::Session session;
  Result<h5::Node> file = h5::open_file(folder_.path("out.h5"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(h5::text_attribute(*file, "format").value(), "aesweep neighbours");
  const char* const names[] = {"query", "rank", "row", "distance"};
  for (std::size_t c = 0; c < 4; ++c) {
    const Result<h5::Array> column = h5::read_array(*file, names[c]);
    ASSERT_TRUE(column.ok()) << column.status().message();
    ASSERT_EQ(column.value().shape, std::vector<std::int64_t>{185});
    std::vector<std::int64_t> values(185);
    std::memcpy(values.data(), column.value().bytes.data(), 185 * sizeof(std::int64_t));
    for (std::size_t i = 0; i < 185; ++i) {
      ASSERT_EQ(numbers[4 * i + c], lines[i][c]) << names[c] << ' ' << i;
      ASSERT_EQ(values[i], lines[i][c]) << names[c] << ' ' << i;
    }
  }
  EXPECT_TRUE(file->close().ok());
}

TEST_F(Search, RefusesWhatDoesNotFit) {
  const std::string wide = write(folder_, "wide.h5", test::random_codes(3, 17, 4));
  StoredCodes real;
  real.real = {"codes", {2, 2}, Scalar::kF32, std::vector<std::byte>(16)};
  ASSERT_TRUE(write_codes(folder_.path("real.npy"), real).ok());
  const struct {
    std::string database, queries, words;
  } table[] = {{all_, wide, "codes of 17 bits, but those of " + all_ + " have 16"},
               {folder_.path("real.npy"), some_, "holds real codes"},
               {all_, folder_.path("real.npy"), "encode --binarize"}};
  for (const auto& [database, queries, words] : table) {
    const Answer answer = aesweep({"search", database, "--queries", queries, "-k", "1"});
    EXPECT_EQ(answer.status, 2);
    EXPECT_EQ(answer.out, "");
    EXPECT_EQ(count_of(answer.err, "\n"), 1);
    EXPECT_NE(answer.err.find(words), std::string::npos) << answer.err;
  }
  const Answer answer = aesweep(
      {"search", all_, "--queries", some_, "-k", "1", "--out", folder_.path("absent/out.npy")});
  EXPECT_EQ(answer.status, 3) << answer.err;
  EXPECT_EQ(count_of(answer.err, "\n"), 1);
}

TEST_F(Search, RefusesWrongCalls) {
  const std::string absent = folder_.path("absent.h5");
  const std::string other = folder_.write("other.npy", "neither this nor that");
  const struct {
    std::vector<std::string> arguments;
    std::string words;
  } table[] = {{{all_, "-k", "1"}, "--queries is required; see aesweep search --help"},
               {{"--queries", all_, "-k", "1"}, "DATABASE is required"},
               {{all_, "--queries", some_}, "give -k N or --radius R; see aesweep search --help"},
               {{all_, "--queries", some_, "-k", "1", "--radius", "1"}, "-k excludes --radius"},
               {{all_, "--queries", some_, "-k", "0"}, "0 not in range"},
               {{all_, "--queries", some_, "--radius", "-1"}, "-1 not in range"},
               {{all_, "--queries", some_, "-k", "1", "--out", "a.txt"},
                "a.txt: neighbours are written as .csv, .npy or .h5"},
               {{absent, "--queries", some_, "-k", "1"}, absent},
               {{other, "--queries", some_, "-k", "1"}, "neither .npy nor .h5 nor .faiss"}};
  for (auto [arguments, words] : table) {
    arguments.insert(arguments.begin(), "search");
    const Answer answer = aesweep(arguments);
    EXPECT_EQ(answer.status, 2) << answer.err;
    EXPECT_EQ(answer.out, "");
    EXPECT_EQ(count_of(answer.err, "\n"), 1);
    EXPECT_NE(answer.err.find(words), std::string::npos) << answer.err;
  }
}

}  // namespace
}  // namespace aesweep
