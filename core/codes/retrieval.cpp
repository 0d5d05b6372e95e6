#include "core/codes/retrieval.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

// Counters side by side, so that neighbours at one distance do not wait for each other's counter.
constexpr std::size_t kLanes = 4;

// The database with its rows sorted by label: a query's hits are one run of rows.
struct SortedDatabase {
  std::size_t words_per_row = 0;
  std::vector<std::uint64_t> words;
  std::vector<std::int32_t> labels;  // Ascending.

  SortedDatabase(const PackedCodes& codes, std::span<const std::int32_t> of)
      : words_per_row(codes.words_per_row()) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(codes.rows));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return of[static_cast<std::size_t>(a)] < of[static_cast<std::size_t>(b)];
    });
    words.reserve(codes.words.size());
    labels.reserve(order.size());
    for (const std::int64_t row : order) {
      words.insert(words.end(), codes.row(row), codes.row(row) + words_per_row);
      labels.push_back(of[static_cast<std::size_t>(row)]);
    }
  }
};

// How many rows lie at each distance.
class DistanceCounts {
 public:
  explicit DistanceCounts(int bits)
      : length_(static_cast<std::size_t>(bits) + 1), lanes_(kLanes * length_), counts_(length_) {}

  // Adds rows [first, last).
  void add(const std::uint64_t* query, const SortedDatabase& database, std::size_t first,
           std::size_t last) {
    const std::size_t per_row = database.words_per_row;
    const std::uint64_t* row = database.words.data() + first * per_row;
    if (per_row == 1) return add_words(*query, row, last - first);
    for (std::size_t i = first; i < last; ++i, row += per_row) {
      int distance = 0;
      for (std::size_t w = 0; w < per_row; ++w) distance += std::popcount(query[w] ^ row[w]);
      ++lanes_[(i % kLanes) * length_ + static_cast<std::size_t>(distance)];
    }
  }

  // The counts by distance, and from then on zeros.
  std::span<const std::int32_t> take() {
    for (std::size_t d = 0; d < length_; ++d) {
      counts_[d] = 0;
      for (std::size_t lane = 0; lane < kLanes; ++lane) counts_[d] += lanes_[lane * length_ + d];
    }
    std::fill(lanes_.begin(), lanes_.end(), 0);
    return counts_;
  }

 private:
  void add_words(std::uint64_t query, const std::uint64_t* words, std::size_t count) {
    std::int32_t* lane = lanes_.data();
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        ++lane[l * length_ + static_cast<std::size_t>(std::popcount(query ^ words[i + l]))];
      }
    }
    for (; i < count; ++i) ++lane[static_cast<std::size_t>(std::popcount(query ^ words[i]))];
  }

  std::size_t length_;
  std::vector<std::int32_t> lanes_;
  std::vector<std::int32_t> counts_;
};

// harmonic[i] = 1 + 1/2 + ... + 1/i.
std::vector<double> harmonic_numbers(std::int64_t count) {
  std::vector<double> harmonic;
  harmonic.reserve(static_cast<std::size_t>(count) + 1);
  harmonic.push_back(0.0);
  for (std::int64_t i = 1; i <= count; ++i) {
    harmonic.push_back(harmonic.back() + 1.0 / static_cast<double>(i));
  }
  return harmonic;
}

// Sums of precisions at hits.
struct PrecisionSums {
  double mean = 0.0;
  double worst = 0.0;
  double best = 0.0;
};

// A run of samples at one distance: `count` of them, `hits` of these hits, after `before` samples
// with `hits_before` hits.
struct Tie {
  std::int64_t count;
  std::int64_t hits;
  std::int64_t before;
  std::int64_t hits_before;
};

// Sum over the precisions at `hits` places in a row, all hits, after `before` samples:
// sum (hits_before + j) / (before + j) = hits + (hits_before - before) (H(before + hits) -
// H(before)).
double precisions_in_a_row(std::int64_t hits, std::int64_t before, std::int64_t hits_before,
                           std::span<const double> harmonic) {
  const double inverses = harmonic[static_cast<std::size_t>(before + hits)] -
                          harmonic[static_cast<std::size_t>(before)];
  return static_cast<double>(hits) + static_cast<double>(hits_before - before) * inverses;
}

// The mean over all orders of the tie: place i holds a hit in hits / count of them, and then
// (i - 1) (hits - 1) / (count - 1) of the places before it do on average. With D the difference of
// harmonic numbers over the tie's places, sum 1 / (before + i) = D and
// sum (i - 1) / (before + i) = count - (before + 1) D.
void add_tie(const Tie& tie, std::span<const double> harmonic, PrecisionSums& sums) {
  if (tie.hits == 0) return;
  const double best = precisions_in_a_row(tie.hits, tie.before, tie.hits_before, harmonic);
  sums.best += best;
  if (tie.hits == tie.count) {
    sums.worst += best;
    sums.mean += best;
    return;
  }
  sums.worst +=
      precisions_in_a_row(tie.hits, tie.before + tie.count - tie.hits, tie.hits_before, harmonic);
  const auto count = static_cast<double>(tie.count);
  const auto hits = static_cast<double>(tie.hits);
  const double inverses = harmonic[static_cast<std::size_t>(tie.before + tie.count)] -
                          harmonic[static_cast<std::size_t>(tie.before)];
  const double places = count - static_cast<double>(tie.before + 1) * inverses;
  sums.mean +=
      hits / count *
      (static_cast<double>(tie.hits_before + 1) * inverses + (hits - 1.0) / (count - 1.0) * places);
}

// Hits that a tie has among the first k samples, on average.
double hits_within(const Tie& tie, std::int64_t k) {
  const std::int64_t taken = std::clamp<std::int64_t>(k - tie.before, 0, tie.count);
  return static_cast<double>(tie.hits) * static_cast<double>(taken) /
         static_cast<double>(tie.count);
}

QueryScores score(std::span<const std::int32_t> hits, std::span<const std::int32_t> misses,
                  std::int64_t radius, std::span<const double> harmonic) {
  const auto rows = static_cast<std::int64_t>(harmonic.size()) - 1;
  const std::int64_t k_100 = std::min<std::int64_t>(100, rows);
  const std::int64_t k_500 = std::min<std::int64_t>(500, rows);
  QueryScores scores;
  PrecisionSums sums;
  std::int64_t before = 0, hits_before = 0, within = 0, hits_in_radius = 0;
  for (std::size_t d = 0; d < hits.size(); ++d) {
    const Tie tie = {hits[d] + misses[d], hits[d], before, hits_before};
    if (tie.count == 0) continue;
    add_tie(tie, harmonic, sums);
    scores.precision_100 += hits_within(tie, k_100);
    scores.precision_500 += hits_within(tie, k_500);
    before += tie.count;
    hits_before += tie.hits;
    if (static_cast<std::int64_t>(d) > radius) continue;
    within = before;
    hits_in_radius = hits_before;
  }
  scores.precision_100 /= static_cast<double>(k_100);
  scores.precision_500 /= static_cast<double>(k_500);
  scores.empty = within == 0;
  if (within > 0) {
    scores.precision_radius = static_cast<double>(hits_in_radius) / static_cast<double>(within);
  }
  if (hits_before == 0) return scores;
  scores.average_precision = sums.mean / static_cast<double>(hits_before);
  scores.average_precision_worst = sums.worst / static_cast<double>(hits_before);
  scores.average_precision_best = sums.best / static_cast<double>(hits_before);
  return scores;
}

}  // namespace

void score_queries(const PackedCodes& queries, std::span<const std::int32_t> query_labels,
                   const PackedCodes& database, std::span<const std::int32_t> database_labels,
                   std::int64_t radius, std::int64_t first, std::span<QueryScores> scores,
                   const std::function<void()>& progress) {
  AESWEEP_CHECK(queries.bits == database.bits, "queries and database have as many bits");
  AESWEEP_CHECK(database.rows >= 1, "a database has at least one code");
  const SortedDatabase sorted(database, database_labels);
  const std::vector<double> harmonic = harmonic_numbers(database.rows);
  DistanceCounts hits(database.bits), misses(database.bits);
  const std::vector<std::int32_t>& labels = sorted.labels;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::int64_t row = first + static_cast<std::int64_t>(i);
    const std::uint64_t* query = queries.row(row);
    const auto [begin, end] =
        std::equal_range(labels.begin(), labels.end(), query_labels[static_cast<std::size_t>(row)]);
    const auto hits_begin = static_cast<std::size_t>(begin - labels.begin());
    const auto hits_end = static_cast<std::size_t>(end - labels.begin());
    misses.add(query, sorted, 0, hits_begin);
    hits.add(query, sorted, hits_begin, hits_end);
    misses.add(query, sorted, hits_end, labels.size());
    scores[i] = score(hits.take(), misses.take(), radius, harmonic);
    if (progress) progress();
  }
}

RetrievalScores mean_scores(std::span<const QueryScores> scores) {
  RetrievalScores means;
  if (scores.empty()) return means;
  for (const QueryScores& query : scores) {
    means.map += query.average_precision;
    means.map_worst += query.average_precision_worst;
    means.map_best += query.average_precision_best;
    means.precision_100 += query.precision_100;
    means.precision_500 += query.precision_500;
    means.precision_radius += query.precision_radius;
    means.empty_queries += query.empty ? 1 : 0;
  }
  const auto count = static_cast<double>(scores.size());
  for (double* mean : {&means.map, &means.map_worst, &means.map_best, &means.precision_100,
                       &means.precision_500, &means.precision_radius}) {
    *mean /= count;
  }
  return means;
}

}  // namespace aesweep
