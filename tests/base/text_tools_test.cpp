// Proves tables, edit distance, name suggestions and signal handlers' lines on cases written by
// hand.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/line.hpp"
#include "core/base/names.hpp"
#include "core/base/table.hpp"

namespace aesweep {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string table(const std::vector<std::string>& headers, const Rows& rows) {
  return format_table(headers, rows);
}

TEST(FormatTable, AlignsNumbersRightAndWordsLeft) {
  EXPECT_EQ(table({"trial", "activation", "loss"},
                  {{"0", "tanh", "0.25"}, {"10", "sigmoid", "-1e-05"}, {"2", "relu", "nan"}}),
            "trial  activation    loss\n"
            "-----  ----------  ------\n"
            "    0  tanh          0.25\n"
            "   10  sigmoid     -1e-05\n"
            "    2  relu           nan\n");
}

TEST(FormatTable, TakesShortRowsEmptyCellsAndDashes) {
  EXPECT_EQ(table({"a", "b", "c"}, {{"1", "x"}, {"", "y", "12"}, {"-", "z", "-"}}),
            "a  b   c\n"
            "-  -  --\n"
            "1  x\n"
            "   y  12\n"
            "-  z   -\n");
}

TEST(FormatTable, CountsCodePoints) {
  EXPECT_EQ(table({"λ", "x"}, {{"é", "a"}, {"ab", "b"}}),
            "λ   x\n"
            "--  -\n"
            "é   a\n"
            "ab  b\n");
}

TEST(FormatTable, WithoutRowsOrColumns) {
  EXPECT_EQ(table({"ab", "c"}, {}), "ab  c\n--  -\n");
  EXPECT_EQ(table({}, {{}}), "\n\n\n");
}

TEST(EditDistance, MatchesHandCounts) {
  struct Case {
    const char* a;
    const char* b;
    std::size_t distance;
  };
  const Case cases[] = {
      {"", "", 0},      {"", "abc", 3},           {"abc", "abc", 0},     {"abc", "acb", 1},
      {"ab", "ba", 1},  {"kitten", "sitting", 3}, {"ca", "abc", 3},      {"sunday", "saturday", 3},
      {"abcd", "d", 3}, {"epochs", "epoch", 1},   {"unist", "units", 1},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(edit_distance(c.a, c.b), c.distance) << c.a << " " << c.b;
    EXPECT_EQ(edit_distance(c.b, c.a), c.distance) << c.b << " " << c.a;
  }
}

TEST(Closest, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string> names = {"epochs", "batch_rows", "shard_rows", "seed", "lr"};
  EXPECT_EQ(closest("epoch", names), "epochs");
  EXPECT_EQ(closest("Epochs", names), "epochs");
  EXPECT_EQ(closest("batchrow", names), "batch_rows");
  EXPECT_EQ(closest("shadr_rows", names), "shard_rows");
  EXPECT_EQ(closest("rl", names), "lr");
  EXPECT_EQ(closest("learning_rate", names), "");
  EXPECT_EQ(closest("xy", names), "");
  EXPECT_EQ(closest("x", std::vector<std::string>{"y"}), "");
  EXPECT_EQ(closest("", names), "");
  EXPECT_EQ(closest("epochs", {}), "");
  EXPECT_EQ(did_you_mean("epoch", names), " (did you mean epochs?)");
  EXPECT_EQ(did_you_mean("learning_rate", names), "");
}

TEST(Closest, TakesTheFirstOfEquals) {
  EXPECT_EQ(closest("l3", std::vector<std::string>{"l1", "l2"}), "l1");
}

TEST(Line, PutsWordsAndNumbersTogetherAndCutsWhatDoesNotFit) {
  Line line;
  EXPECT_STREQ(line.c_str(), "");
  line << "rank " << std::uint64_t{0} << ", step " << std::uint64_t{18446744073709551615U};
  EXPECT_STREQ(line.c_str(), "rank 0, step 18446744073709551615");
  line.clear();
  line << std::string(8190, 'x').c_str() << "yz"
       << "no more" << std::uint64_t{7};
  EXPECT_EQ(std::string(line.c_str()), std::string(8190, 'x') + "yz");
}

}  // namespace
}  // namespace aesweep
