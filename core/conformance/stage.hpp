// What the runs of all kinds share: contexts, tensors, statistics. Internal to this folder.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/conformance/grid.hpp"
#include "core/conformance/scene.hpp"

namespace aesweep::conformance {

// The context of shard `s`, in the middle of a short trial.
[[nodiscard]] aesweep_context shard_context(const Layout& layout, std::size_t s, aesweep_mode mode);

// The batch as one shard: what end_step and calls on weights get.
[[nodiscard]] aesweep_context batch_context(const Layout& layout, aesweep_mode mode);

// First row of shard `s` in the batch.
[[nodiscard]] std::int64_t first_row(const Layout& layout, std::size_t s);

// Stops with a Finding where a value that should be there is not, or is not finite although only
// ordinary numbers went in.
void require_written(const Layout& layout, const Piece& piece);

// The grids of tensors (one row each: no padding), and the pointers to them.
template <class T>
class Tensors {
 public:
  void add(const std::string& name, std::int64_t rows, std::int64_t cols, std::int64_t offset) {
    names_.push_back(name);
    rows_.push_back(rows);
    cols_.push_back(cols);
    grids_.emplace_back(1, rows * cols, 0, offset);
    mutable_.push_back(grids_.back().data());
    const_.push_back(grids_.back().data());
  }
  [[nodiscard]] std::size_t size() const { return grids_.size(); }
  [[nodiscard]] Grid<T>& grid(std::size_t i) { return grids_[i]; }
  [[nodiscard]] T* const* pointers() const { return mutable_.data(); }
  [[nodiscard]] const T* const* const_pointers() const { return const_.data(); }
  [[nodiscard]] Piece piece(std::size_t i, const std::string& what) const {
    return {what + names_[i], rows_[i], cols_[i], grids_[i].values()};
  }
  [[nodiscard]] const std::string& name(std::size_t i) const { return names_[i]; }

  void remember() {
    remembered_.clear();
    for (const Grid<T>& grid : grids_) remembered_.push_back(grid.copy());
  }
  // The whole of every grid is as it was when it was remembered.
  void require_unchanged(const char* what, const char* by) const {
    for (std::size_t i = 0; i < grids_.size(); ++i) {
      if (!grids_[i].same_bytes(remembered_[i])) {
        fail(by, " changes ", what, " ", names_[i], ", which is only to be read there");
      }
    }
  }
  void require_canaries(const char* what, const char* by) const {
    for (std::size_t i = 0; i < grids_.size(); ++i) {
      if (!grids_[i].canaries_intact()) {
        fail(by, " writes outside of ", what, " ", names_[i], " [", rows_[i], " x ", cols_[i], "]");
      }
    }
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::int64_t> rows_;
  std::vector<std::int64_t> cols_;
  std::vector<Grid<T>> grids_;
  std::vector<Grid<T>> remembered_;
  std::vector<T*> mutable_;
  std::vector<const T*> const_;
};

// The results of the statistics rounds; a round that was not reduced yet is NaN.
class Statistics {
 public:
  explicit Statistics(const std::vector<aesweep_round>& rounds);
  // Where shards add what they have: 0 (SUM) or minus infinity (MAX) at first.
  [[nodiscard]] Grid<double>& leaf(std::size_t round);
  // Merges the leaf into the round's total, shards in order.
  void merge(std::size_t round);
  void finish(std::size_t round);
  [[nodiscard]] const double* const* results() const { return pointers_.data(); }
  [[nodiscard]] std::size_t size() const { return rounds_.size(); }
  [[nodiscard]] Piece piece(std::size_t round) const;

 private:
  [[nodiscard]] double neutral(std::size_t round) const;

  std::vector<aesweep_round> rounds_;
  std::vector<std::vector<double>> totals_;
  std::vector<std::vector<double>> results_;
  std::vector<const double*> pointers_;
  Grid<double> leaf_;
};

// A grid of the batch, filled from a piece.
template <class T>
[[nodiscard]] Grid<T> grid_of(const Piece& piece, const Layout& layout) {
  Grid<T> grid(piece.rows, piece.cols, layout.padding, layout.offset);
  grid.set(piece.values);
  return grid;
}

template <class T>
[[nodiscard]] Piece piece_of(const std::string& name, const Grid<T>& grid) {
  return {name, grid.rows(), grid.cols(), grid.values()};
}

template <class T>
[[nodiscard]] Outcome run_transform(const Live<T>& live, const Inputs& inputs,
                                    const Layout& layout);
template <class T>
[[nodiscard]] Outcome run_regularizer(const Live<T>& live, const Inputs& inputs,
                                      const Layout& layout);
template <class T>
[[nodiscard]] Outcome run_quantizer(const Live<T>& live, const Inputs& inputs,
                                    const Layout& layout);
template <class T>
[[nodiscard]] Outcome run_loss(const Live<T>& live, const Inputs& inputs, const Layout& layout);
template <class T>
[[nodiscard]] Outcome run_optimizer(const Live<T>& live, const Inputs& inputs,
                                    const Layout& layout);

}  // namespace aesweep::conformance
