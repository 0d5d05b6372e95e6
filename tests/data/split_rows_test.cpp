// Proves which rows splits take: by fraction, by range, in file and random order, against rows
// counted by hand, and one message for each way of cutting that makes no sense.
#include "core/data/split_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace aesweep {
namespace {

SplitPart fraction(double value) { return {false, value, 0, 0}; }
SplitPart range(std::int64_t first, std::int64_t last) { return {true, 0.0, first, last}; }

std::vector<std::int64_t> rows_of(const RowList& list) {
  std::vector<std::int64_t> rows = list.picked;
  for (const RowSpan& span : list.spans) {
    for (std::int64_t i = 0; i < span.count; ++i) rows.push_back(span.first + i);
  }
  return rows;
}

using Rows = std::vector<std::int64_t>;

TEST(SplitRows, FollowEachOtherByFraction) {
  SplitSpec split;
  split.validation = fraction(0.2);
  split.test = fraction(0.3);
  Result<SplitRows> cut = split_rows(split, 11);  // 2.2 and 3.3 rows.
  ASSERT_TRUE(cut.ok()) << cut.status().message();
  EXPECT_EQ(rows_of(cut->train), (Rows{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(rows_of(cut->validation), (Rows{6, 7}));
  EXPECT_EQ(rows_of(cut->test), (Rows{8, 9, 10}));

  split = {};
  split.train = fraction(0.5);
  split.test = fraction(0.5);
  cut = split_rows(split, 5);  // Both 2.5, rounded up: the last gets what is left.
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(rows_of(cut->train), (Rows{0, 1, 2}));
  EXPECT_EQ(rows_of(cut->test), (Rows{3, 4}));

  split = {};
  split.train = fraction(0.7);
  split.validation = fraction(0.2);
  split.test = fraction(0.1);  // A sum above 1 in double.
  ASSERT_TRUE(split_rows(split, 10).ok());
  split.train = fraction(0.3);
  EXPECT_EQ(rows_of(split_rows(split, 10)->validation), (Rows{3, 4}));  // 4 rows are left over.
}

TEST(SplitRows, TakeRangesAndTrainTheRest) {
  SplitSpec split;
  split.validation = range(3, 5);
  split.test = range(6, 7);
  Result<SplitRows> cut = split_rows(split, 8);
  ASSERT_TRUE(cut.ok()) << cut.status().message();
  EXPECT_EQ(rows_of(cut->train), (Rows{0, 1, 2, 5, 7}));
  EXPECT_EQ(rows_of(cut->validation), (Rows{3, 4}));
  cut->train.limit(4);
  EXPECT_EQ(rows_of(cut->train), (Rows{0, 1, 2, 5}));
  cut->train.limit(2);
  EXPECT_EQ(cut->train.spans.size(), 1u);
  split.train = range(7, 8);
  EXPECT_EQ(rows_of(split_rows(split, 8)->train), (Rows{7}));
  EXPECT_EQ(rows_of(split_rows({}, 3)->train), (Rows{0, 1, 2}));
  EXPECT_EQ(split_rows({}, 3)->validation.count(), 0);
}

TEST(SplitRows, CutARandomOrderThatTheSeedGives) {
  SplitSpec split;
  split.validation = fraction(0.25);
  split.random = true;
  const SplitRows cut = split_rows(split, 100).value();
  EXPECT_EQ(cut.validation.count(), 25);
  Rows all = rows_of(cut.train);
  const Rows validation = rows_of(cut.validation);
  EXPECT_FALSE(std::is_sorted(all.begin(), all.end()));
  all.insert(all.end(), validation.begin(), validation.end());
  std::sort(all.begin(), all.end());
  Rows expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
  EXPECT_EQ(split_rows(split, 100)->train, cut.train);
  SplitSpec golden;  // By philox_reference.py.
  golden.random = true;
  golden.seed = 5;
  EXPECT_EQ(rows_of(split_rows(golden, 11)->train), (Rows{8, 0, 7, 2, 4, 3, 9, 6, 1, 5, 10}));
  split.seed = 1;
  EXPECT_NE(rows_of(split_rows(split, 100)->validation), validation);
  split.validation = range(75, 100);  // The same rows of the same order.
  split.seed = 0;
  EXPECT_EQ(rows_of(split_rows(split, 100)->validation), validation);
}

void expect_refused(const SplitSpec& split, std::int64_t rows, const std::string& reason) {
  const Result<SplitRows> cut = split_rows(split, rows);
  ASSERT_FALSE(cut.ok()) << reason;
  EXPECT_EQ(cut.status().fault(), Fault::kInput);
  EXPECT_NE(cut.status().message().find(reason), std::string::npos) << cut.status().message();
}

TEST(SplitRows, RefuseWhatMakesNoSense) {
  const auto with = [](std::optional<SplitPart> train, std::optional<SplitPart> validation,
                       std::optional<SplitPart> test = {}) {
    return SplitSpec{train, validation, test, false, 0};
  };
  expect_refused(with({}, range(50, 61)), 60,
                 "data.split.validation: [50, 61) is not within the 60 samples [0, 60)");
  expect_refused(with({}, range(-1, 3)), 60, "data.split.validation: [-1, 3) is not within");
  expect_refused(with(range(4, 4), {}), 60, "data.split.train: [4, 4) of 60 samples leaves");
  expect_refused(with({}, range(5, 3)), 60, "data.split.validation: [5, 3) of 60 samples");
  expect_refused(with(range(0, 10), {}, range(9, 20)), 60,
                 "data.split.test: [9, 20) overlaps data.split.train [0, 10) in rows [9, 10)");
  expect_refused(with(range(0, 10), fraction(0.1)), 60,
                 "data.split.validation: 0.1 beside data.split.train [0, 10)");
  expect_refused(with({}, fraction(0.004)), 100, "data.split.validation: 0.004 of 100 samples");
  expect_refused(with({}, fraction(0.0)), 100, "data.split.validation: 0 is not in (0, 1]");
  expect_refused(with({}, fraction(-0.5)), 100, "-0.5 is not in (0, 1]");
  expect_refused(with(fraction(0.8), {}, fraction(0.3)), 100, "add up to 1.1");
  expect_refused(with({}, fraction(0.5), fraction(0.5)), 100, "leave none for training");
  expect_refused(with({}, range(0, 7)), 7, "leave none for training");
}

}  // namespace
}  // namespace aesweep
