// Retrieval scores are what their definitions say: for small databases by trying every order within
// equal distances, for larger ones by the sums over places that the closed forms stand for.
#include "core/codes/retrieval.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/codes/random_codes.hpp"

namespace aesweep {
namespace {

struct Case {
  PackedCodes queries;
  std::vector<std::int32_t> query_labels;
  PackedCodes database;
  std::vector<std::int32_t> labels;
};

Case random_case(std::int64_t queries, std::int64_t rows, int bits, unsigned classes,
                 unsigned seed) {
  return {test::random_codes(queries, bits, seed), test::random_labels(queries, classes, seed + 1),
          test::random_codes(rows, bits, seed + 2), test::random_labels(rows, classes, seed + 3)};
}

std::vector<QueryScores> score_all(const Case& c, std::int64_t radius) {
  std::vector<QueryScores> scores(static_cast<std::size_t>(c.queries.rows));
  score_queries(c.queries, c.query_labels, c.database, c.labels, radius, 0, scores);
  return scores;
}

// Bit by bit: shares nothing with popcounts of words.
int distance(const Case& c, std::int64_t query, std::int64_t row) {
  int count = 0;
  for (int j = 0; j < c.database.bits; ++j) {
    count += c.queries.bit(query, j) != c.database.bit(row, j) ? 1 : 0;
  }
  return count;
}

double average_precision(const std::vector<bool>& ranking) {
  double sum = 0.0;
  int hits = 0;
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    if (ranking[i]) sum += ++hits / static_cast<double>(i + 1);
  }
  return hits == 0 ? 0.0 : sum / hits;
}

// Mean, least and largest average precision over all orders of all rows that respect distance.
TEST(Retrieval, AveragePrecisionIsTheMeanOverEveryOrderWithinTies) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    const Case c = random_case(3, 7, 1 + static_cast<int>(seed % 3), 2 + seed % 2, 10 * seed);
    const std::vector<QueryScores> scores = score_all(c, 0);
    for (std::int64_t q = 0; q < c.queries.rows; ++q) {
      std::vector<std::int64_t> order(7);
      std::iota(order.begin(), order.end(), 0);
      double sum = 0.0, worst = std::numeric_limits<double>::infinity(), best = 0.0;
      int orders = 0;
      do {
        if (!std::is_sorted(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
              return distance(c, q, a) < distance(c, q, b);
            })) {
          continue;
        }
        std::vector<bool> ranking;
        for (const std::int64_t row : order) {
          ranking.push_back(c.labels[static_cast<std::size_t>(row)] ==
                            c.query_labels[static_cast<std::size_t>(q)]);
        }
        const double ap = average_precision(ranking);
        sum += ap;
        worst = std::min(worst, ap);
        best = std::max(best, ap);
        ++orders;
      } while (std::next_permutation(order.begin(), order.end()));
      const QueryScores& s = scores[static_cast<std::size_t>(q)];
      // At most 5,040 orders are added.
      EXPECT_NEAR(s.average_precision, sum / orders, 1e-12);
      EXPECT_NEAR(s.average_precision_worst, worst, 1e-14);
      EXPECT_NEAR(s.average_precision_best, best, 1e-14);
    }
  }
}

// The formulae of McSherry & Najork written out place by place, for sizes that divide nothing and
// codes of several words.
TEST(Retrieval, LargerDatabasesGiveTheSumsOverPlaces) {
  for (const int bits : {1, 7, 37, 64, 65, 130}) {
    const Case c = random_case(5, 1237, bits, 4, static_cast<unsigned>(bits));
    const std::int64_t radius = bits / 3;
    const std::vector<QueryScores> scores = score_all(c, radius);
    for (std::int64_t q = 0; q < c.queries.rows; ++q) {
      std::vector<double> count(static_cast<std::size_t>(bits) + 1), hits(count.size());
      for (std::int64_t row = 0; row < c.database.rows; ++row) {
        const auto d = static_cast<std::size_t>(distance(c, q, row));
        count[d] += 1.0;
        hits[d] +=
            c.labels[static_cast<std::size_t>(row)] == c.query_labels[static_cast<std::size_t>(q)]
                ? 1.0
                : 0.0;
      }
      double before = 0.0, hits_before = 0.0, ap = 0.0, within = 0.0, hits_within = 0.0;
      double p100 = 0.0, p500 = 0.0;
      for (std::size_t d = 0; d < count.size(); ++d) {
        for (double i = 1.0; i <= count[d]; i += 1.0) {
          const double hit = hits[d] / count[d];
          const double others = count[d] == 1.0 ? 0.0 : (hits[d] - 1.0) / (count[d] - 1.0);
          ap += hit * (hits_before + 1.0 + (i - 1.0) * others) / (before + i);
          if (before + i <= 100.0) p100 += hit / 100.0;
          if (before + i <= 500.0) p500 += hit / 500.0;
        }
        before += count[d];
        hits_before += hits[d];
        if (static_cast<std::int64_t>(d) <= radius) {
          within = before;
          hits_within = hits_before;
        }
      }
      const QueryScores& s = scores[static_cast<std::size_t>(q)];
      // The closed form takes differences of harmonic numbers near 7, each good to some 1e-15,
      // times up to 1,237.
      EXPECT_NEAR(s.average_precision, ap / hits_before, 1e-11) << bits;
      EXPECT_NEAR(s.precision_100, p100, 1e-13);
      EXPECT_NEAR(s.precision_500, p500, 1e-13);
      EXPECT_EQ(s.empty, within == 0.0);
      EXPECT_EQ(s.precision_radius, within == 0.0 ? 0.0 : hits_within / within);
      EXPECT_LE(s.average_precision_worst, s.average_precision);
      EXPECT_LE(s.average_precision, s.average_precision_best);
    }
  }
}

// Codes that tell the labels apart give 1 exactly; a query whose label is not there gives 0.
TEST(Retrieval, PerfectCodesGiveOneAndUnknownLabelsZero) {
  Case c{empty_codes(2, 3), {1, 9}, empty_codes(5, 3), {1, 1, 0, 0, 0}};
  for (const std::int64_t row : {2, 3, 4}) c.database.words[static_cast<std::size_t>(row)] = 7;
  const std::vector<QueryScores> scores = score_all(c, 2);
  EXPECT_EQ(scores[0].average_precision, 1.0);
  EXPECT_EQ(scores[0].average_precision_worst, 1.0);
  EXPECT_EQ(scores[0].average_precision_best, 1.0);
  EXPECT_EQ(scores[0].precision_100, 0.4);  // Two hits of all five.
  EXPECT_EQ(scores[0].precision_radius, 1.0);
  EXPECT_EQ(scores[1].average_precision, 0.0);
  EXPECT_EQ(scores[1].average_precision_best, 0.0);
  EXPECT_EQ(scores[1].precision_radius, 0.0);
  EXPECT_FALSE(scores[1].empty);
}

TEST(Retrieval, QueriesWithNothingWithinTheRadiusCountAsZeroAndAreCounted) {
  Case c{empty_codes(2, 5), {0, 0}, empty_codes(1, 5), {0}};
  c.queries.words = {0b11111, 0b00001};
  const std::vector<QueryScores> scores = score_all(c, 2);
  EXPECT_TRUE(scores[0].empty);
  EXPECT_FALSE(scores[1].empty);
  const RetrievalScores means = mean_scores(scores);
  EXPECT_EQ(means.empty_queries, 1);
  EXPECT_EQ(means.precision_radius, 0.5);
  EXPECT_EQ(means.map, 1.0);
  EXPECT_EQ(mean_scores({}).map, 0.0);
}

// A part of the queries has the bits that it has among all: what ranks rely on.
TEST(Retrieval, AnyPartOfTheQueriesGivesTheSameBits) {
  const Case c = random_case(11, 301, 37, 3, 5);
  const std::vector<QueryScores> all = score_all(c, 8);
  int calls = 0;
  for (std::int64_t first = 0; first < 11; first += 4) {
    std::vector<QueryScores> part(static_cast<std::size_t>(std::min<std::int64_t>(4, 11 - first)));
    score_queries(c.queries, c.query_labels, c.database, c.labels, 8, first, part,
                  [&] { ++calls; });
    for (std::size_t i = 0; i < part.size(); ++i) {
      const QueryScores& whole = all[static_cast<std::size_t>(first) + i];
      EXPECT_EQ(part[i].average_precision, whole.average_precision);
      EXPECT_EQ(part[i].precision_500, whole.precision_500);
    }
  }
  EXPECT_GE(calls, 11);
}

}  // namespace
}  // namespace aesweep
