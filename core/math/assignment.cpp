#include "core/math/assignment.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

constexpr std::int64_t kNone = -1;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Assigns rows one by one; every prefix of rows is assigned optimally. Costs are negated scores;
// the duals keep cost[r, c] - row_dual[r] - col_dual[c] >= 0, with equality on assigned pairs.
class Solver {
 public:
  Solver(std::span<const double> score, std::int64_t rows, std::int64_t cols)
      : score_(score),
        rows_(rows),
        cols_(cols),
        row_dual_(static_cast<std::size_t>(rows)),
        col_dual_(static_cast<std::size_t>(cols)),
        row_of_(static_cast<std::size_t>(cols), kNone),
        col_of_(static_cast<std::size_t>(rows), kNone),
        distance_(static_cast<std::size_t>(cols)),
        before_(static_cast<std::size_t>(cols)),
        reached_(static_cast<std::size_t>(cols)) {}

  std::vector<std::int64_t> solve(const std::function<void()>& moved) {
    for (std::int64_t row = 0; row < rows_; ++row) {
      if (moved) moved();
      const std::int64_t free_col = shortest_path(row);
      update_duals(row);
      augment(row, free_col);
    }
    return col_of_;
  }

 private:
  [[nodiscard]] double reduced(std::int64_t row, std::int64_t col) const {
    return -score_[static_cast<std::size_t>(row * cols_ + col)] -
           row_dual_[static_cast<std::size_t>(row)] - col_dual_[static_cast<std::size_t>(col)];
  }

  // Dijkstra from `start` over alternating paths to the nearest column without a row.
  // before_[c] is the row from which c was reached; length_ the path's length.
  std::int64_t shortest_path(std::int64_t start) {
    distance_.assign(distance_.size(), kInfinity);
    reached_.assign(reached_.size(), false);
    length_ = 0.0;
    std::int64_t row = start;
    for (;;) {
      std::int64_t nearest = kNone;
      for (std::int64_t c = 0; c < cols_; ++c) {
        const auto at = static_cast<std::size_t>(c);
        if (reached_[at]) continue;
        const double through = length_ + reduced(row, c);
        if (through < distance_[at]) {
          distance_[at] = through;
          before_[at] = row;
        }
        if (nearest == kNone || distance_[at] < distance_[static_cast<std::size_t>(nearest)]) {
          nearest = c;
        }
      }
      const auto at = static_cast<std::size_t>(nearest);
      length_ = distance_[at];
      if (row_of_[at] == kNone) return nearest;
      reached_[at] = true;
      row = row_of_[at];
    }
  }

  void update_duals(std::int64_t start) {
    row_dual_[static_cast<std::size_t>(start)] += length_;
    for (std::size_t c = 0; c < reached_.size(); ++c) {
      if (!reached_[c]) continue;
      row_dual_[static_cast<std::size_t>(row_of_[c])] += length_ - distance_[c];
      col_dual_[c] -= length_ - distance_[c];
    }
  }

  // Flips the path that ends in `col`: every row on it takes the column it reached.
  void augment(std::int64_t start, std::int64_t col) {
    for (;;) {
      const std::int64_t row = before_[static_cast<std::size_t>(col)];
      row_of_[static_cast<std::size_t>(col)] = row;
      std::swap(col_of_[static_cast<std::size_t>(row)], col);
      if (row == start) return;
    }
  }

  std::span<const double> score_;
  std::int64_t rows_;
  std::int64_t cols_;
  std::vector<double> row_dual_;
  std::vector<double> col_dual_;
  std::vector<std::int64_t> row_of_;
  std::vector<std::int64_t> col_of_;
  std::vector<double> distance_;
  std::vector<std::int64_t> before_;
  std::vector<bool> reached_;
  double length_ = 0.0;
};

}  // namespace

std::vector<std::int64_t> best_assignment(std::span<const double> score, std::int64_t rows,
                                          std::int64_t cols, const std::function<void()>& moved) {
  AESWEEP_CHECK(rows >= 0 && cols >= 0 && score.size() == static_cast<std::size_t>(rows * cols),
                "best_assignment needs rows * cols scores");
  for (const double s : score) {
    AESWEEP_CHECK(std::isfinite(s), "best_assignment needs finite scores");
  }
  if (rows <= cols) return Solver(score, rows, cols).solve(moved);
  std::vector<double> transposed(score.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) {
      transposed[static_cast<std::size_t>(c * rows + r)] =
          score[static_cast<std::size_t>(r * cols + c)];
    }
  }
  const std::vector<std::int64_t> row_of = Solver(transposed, cols, rows).solve(moved);
  std::vector<std::int64_t> col_of(static_cast<std::size_t>(rows), kNone);
  for (std::int64_t c = 0; c < cols; ++c) {
    col_of[static_cast<std::size_t>(row_of[static_cast<std::size_t>(c)])] = c;
  }
  return col_of;
}

}  // namespace aesweep
