#include "core/codes/hamming.hpp"

#include <algorithm>
#include <array>

#include "core/base/check.hpp"
#include "core/codes/hamming_kernels.hpp"

namespace aesweep {
namespace {

// Words of the database that all queries of a group meet before the next ones: half of an L1 cache.
constexpr std::size_t kBlockWords = 2048;
constexpr std::size_t kBlockRowsMin = 64;
// Queries that share a pass over the database, and so its way from memory.
constexpr std::size_t kGroup = 32;
// Distances between two looks at the limit, which falls fast at first.
constexpr std::size_t kPiece = 256;
static_assert(kPiece % kBelowStep == 0);

// A block of the database as columns: word w of its row i is columns[w * stride + i].
class Block {
 public:
  Block(const PackedCodes& database, const HammingKernels& kernels)
      : database_(database),
        kernels_(kernels),
        rows_max_(std::max(kBlockRowsMin, kBlockWords / database.words_per_row())),
        distances_((rows_max_ + kPiece - 1) / kPiece * kPiece) {
    if (database.words_per_row() > 1) columns_.resize(rows_max_ * database.words_per_row());
  }

  [[nodiscard]] const PackedCodes& database() const { return database_; }
  [[nodiscard]] std::int64_t rows_max() const { return static_cast<std::int64_t>(rows_max_); }

  // Rows first, first + 1, ..., rows_max() of them or as many as there are.
  void load(std::int64_t first) {
    const std::size_t words = database_.words_per_row();
    first_ = first;
    rows_ = static_cast<std::size_t>(std::min(rows_max(), database_.rows - first));
    // The last piece is filled up with what is below no limit.
    std::fill(distances_.begin() + static_cast<std::ptrdiff_t>(rows_), distances_.end(), 0xffff);
    if (words == 1) return;  // Rows are a column already.
    const std::uint64_t* row = database_.row(first);
    for (std::size_t i = 0; i < rows_; ++i, row += words) {
      for (std::size_t w = 0; w < words; ++w) columns_[w * rows_max_ + i] = row[w];
    }
  }

  // Calls answer.offer(row, distance), rows ascending, for those below answer.limit(), which may
  // fall meanwhile: some that no longer are below it are offered, too.
  template <class Answer>
  void offer_below(const std::uint64_t* query, Answer& answer) {
    const std::size_t words = database_.words_per_row();
    const std::uint64_t* columns = words == 1 ? database_.row(first_) : columns_.data();
    kernels_.distances(query, words, columns, rows_max_, rows_, distances_.data());
    std::array<std::uint32_t, kPiece> found;
    for (std::size_t begin = 0; begin < rows_; begin += kPiece) {
      const std::uint16_t* piece = distances_.data() + begin;
      const std::size_t count = kernels_.below(piece, kPiece, answer.limit(), found.data());
      for (std::size_t f = 0; f < count; ++f) {
        answer.offer(first_ + static_cast<std::int64_t>(begin + found[f]), piece[found[f]]);
      }
    }
  }

 private:
  const PackedCodes& database_;
  const HammingKernels& kernels_;
  std::size_t rows_max_;
  std::size_t rows_ = 0;
  std::int64_t first_ = 0;
  std::vector<std::uint64_t> columns_;
  std::vector<std::uint16_t> distances_;
};

// `found`, in the order of rows, by distance: counts[d] of them at distance d.
void sort_by_distance(std::span<const Neighbour> found, std::span<const std::int64_t> counts,
                      std::span<Neighbour> out) {
  std::vector<std::int64_t> places(counts.size());
  for (std::size_t d = 1; d < counts.size(); ++d) places[d] = places[d - 1] + counts[d - 1];
  for (const Neighbour& neighbour : found) {
    out[static_cast<std::size_t>(places[static_cast<std::size_t>(neighbour.distance)]++)] =
        neighbour;
  }
}

// The k nearest of the rows offered so far. As rows ascend, a row that is as far as the k-th comes
// after it: only nearer ones matter.
class Nearest {
 public:
  void start(const PackedCodes& database, std::size_t k) {
    k_ = std::min(k, static_cast<std::size_t>(database.rows));
    limit_ = static_cast<std::size_t>(database.bits) + 1;
    below_ = 0;
    counts_.assign(limit_ + 1, 0);
    found_.clear();
  }

  // The distance of the k-th nearest; more than any distance while there are fewer.
  [[nodiscard]] std::uint16_t limit() const { return static_cast<std::uint16_t>(limit_); }

  void offer(std::int64_t row, std::uint16_t distance) {
    if (distance >= limit_) return;
    found_.push_back({row, distance});
    ++counts_[distance];
    ++below_;
    while (below_ >= k_) below_ -= static_cast<std::size_t>(counts_[--limit_]);
    if (found_.size() >= 2 * k_ + kPiece) drop_far();
  }

  // The last ones are {-1, -1} where fewer rows were offered.
  void finish(std::span<Neighbour> out) {
    drop_far();
    counts_[limit_] = static_cast<std::int64_t>(found_.size() - below_);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(found_.size()), out.end(),
              Neighbour{-1, -1});
    sort_by_distance(found_, std::span(counts_).first(limit_ + 1), out);
  }

 private:
  // Leaves the k nearest: all below the limit, and the first at it.
  void drop_far() {
    std::size_t at_limit = std::min(k_, found_.size()) - below_;
    std::erase_if(found_, [&](const Neighbour& neighbour) {
      const auto distance = static_cast<std::size_t>(neighbour.distance);
      if (distance != limit_) return distance > limit_;
      if (at_limit == 0) return true;
      --at_limit;
      return false;
    });
  }

  std::size_t k_ = 0;
  std::size_t limit_ = 0;
  std::size_t below_ = 0;             // Found nearer than limit_: fewer than k.
  std::vector<std::int64_t> counts_;  // [distance], right below limit_.
  std::vector<Neighbour> found_;      // By row.
};

// All rows up to a distance.
class Within {
 public:
  explicit Within(std::int64_t radius) : counts_(static_cast<std::size_t>(radius) + 1) {}

  [[nodiscard]] std::uint16_t limit() const { return static_cast<std::uint16_t>(counts_.size()); }
  void offer(std::int64_t row, std::uint16_t distance) {
    found_.push_back({row, distance});
    ++counts_[distance];
  }
  [[nodiscard]] std::vector<Neighbour> sorted() const {
    std::vector<Neighbour> out(found_.size());
    sort_by_distance(found_, counts_, out);
    return out;
  }

 private:
  std::vector<std::int64_t> counts_;  // [distance]
  std::vector<Neighbour> found_;      // By row.
};

// Offers the database to a group of queries: first, first + 1, ...
template <class Answer>
void visit_all(const PackedCodes& queries, std::int64_t first, std::span<Answer> group,
               Block& block) {
  for (std::int64_t begin = 0; begin < block.database().rows; begin += block.rows_max()) {
    block.load(begin);
    for (std::size_t q = 0; q < group.size(); ++q) {
      block.offer_below(queries.row(first + static_cast<std::int64_t>(q)), group[q]);
    }
  }
}

}  // namespace

void k_nearest(const PackedCodes& queries, const PackedCodes& database, std::int64_t k,
               std::int64_t first, std::span<Neighbour> out, const HammingKernels& kernels) {
  AESWEEP_CHECK(queries.bits == database.bits, "queries and database have as many bits");
  AESWEEP_CHECK(k >= 1 && out.size() % static_cast<std::size_t>(k) == 0, "k places per query");
  const auto places = static_cast<std::size_t>(k);
  const std::size_t count = out.size() / places;
  Block block(database, kernels);
  std::vector<Nearest> group(std::min(kGroup, count));
  for (std::size_t done = 0; done < count; done += kGroup) {
    const std::span<Nearest> now = std::span(group).first(std::min(kGroup, count - done));
    for (Nearest& nearest : now) nearest.start(database, places);
    visit_all(queries, first + static_cast<std::int64_t>(done), now, block);
    for (std::size_t q = 0; q < now.size(); ++q) {
      now[q].finish(out.subspan((done + q) * places, places));
    }
  }
}

std::vector<std::vector<Neighbour>> within_radius(const PackedCodes& queries,
                                                  const PackedCodes& database, std::int64_t radius,
                                                  std::int64_t first, std::int64_t count,
                                                  const HammingKernels& kernels) {
  AESWEEP_CHECK(queries.bits == database.bits, "queries and database have as many bits");
  AESWEEP_CHECK(radius >= 0, "a radius is not negative");
  std::vector<std::vector<Neighbour>> out;
  out.reserve(static_cast<std::size_t>(count));
  Block block(database, kernels);
  const std::int64_t most = std::min<std::int64_t>(radius, database.bits);
  for (std::int64_t done = 0; done < count; done += static_cast<std::int64_t>(kGroup)) {
    const auto size = std::min(kGroup, static_cast<std::size_t>(count - done));
    std::vector<Within> group(size, Within(most));
    visit_all(queries, first + done, std::span(group), block);
    for (const Within& within : group) out.push_back(within.sorted());
  }
  return out;
}

}  // namespace aesweep
