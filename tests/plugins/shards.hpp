// A batch cut into shards, and a layer run over it as the host does: every statistics round on all
// shards, then the call on all shards, sums over shards in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/plugins/harness.hpp"

namespace aesweep::test {

// Calls body(context, first, count) for each of `shards` shards of a batch of `rows` rows, with
// `context` for everything but the rows.
template <class Body>
void for_each_shard(aesweep_context context, std::int64_t rows, std::int64_t shards,
                    const Body& body) {
  for (std::int64_t s = 0; s < shards; ++s) {
    const std::int64_t first = rows * s / shards, count = rows * (s + 1) / shards - first;
    context.batch_rows = static_cast<std::uint64_t>(rows);
    context.first_row = static_cast<std::uint64_t>(first);
    context.shard_rows = static_cast<std::uint64_t>(count);
    body(context, first, count);
  }
}

// Runs round r of `live` on a batch: accumulate(context, first, count) on each shard with the
// memory's statistic set to fresh numbers, which are then reduced into live.statistics(r).
template <class Real, class Accumulate>
void run_round(Live<Real>& live, std::uint32_t r, const aesweep_context& context, std::int64_t rows,
               std::int64_t shards, const Accumulate& accumulate) {
  const aesweep_round& round = live.planned().rounds[r];
  const bool sum = round.reduction == AESWEEP_SUM;
  const double neutral = sum ? 0.0 : -std::numeric_limits<double>::infinity();
  std::vector<double>& result = live.statistics(r);
  std::fill(result.begin(), result.end(), neutral);
  for_each_shard(context, rows, shards,
                 [&](const aesweep_context& at, std::int64_t first, std::int64_t count) {
                   std::vector<double> part(result.size(), neutral);
                   live.memory().statistic = part.data();
                   accumulate(at, first, count);
                   live.memory().statistic = nullptr;
                   for (std::size_t i = 0; i < part.size(); ++i) {
                     result[i] = sum ? result[i] + part[i] : std::max(result[i], part[i]);
                   }
                 });
}

// A layer over a batch. Gradients are added up over shards, in double.
template <class Real>
class LayerBatch {
 public:
  using Sums = std::vector<std::vector<double>>;

  LayerBatch(Live<Real>& live, std::int64_t rows, std::int64_t shards,
             const aesweep_context& context = make_context(0))
      : live_(live), rows_(rows), shards_(shards), context_(context) {}

  void forward(const Grid<Real>& x, Grid<Real>& y) {
    rounds(AESWEEP_BEFORE_FORWARD, x, nullptr);
    for_each_shard(context_, rows_, shards_,
                   [&](const aesweep_context& at, std::int64_t first, std::int64_t count) {
                     live_.forward(at, x.in(first, count), y.out(first, count));
                   });
  }

  // dx may be null.
  void backward(const Grid<Real>& x, const Grid<Real>& y, const Grid<Real>& dy, Grid<Real>* dx) {
    rounds(AESWEEP_BEFORE_BACKWARD, x, &dy);
    clear(live_.gradients(), gradients_);
    clear(live_.viewed_gradients(), viewed_gradients_);
    for_each_shard(context_, rows_, shards_,
                   [&](const aesweep_context& at, std::int64_t first, std::int64_t count) {
                     spoil(live_.gradients());
                     spoil(live_.viewed_gradients());
                     const auto in = dx == nullptr ? sdk::Matrix<Real>{} : dx->out(first, count);
                     live_.backward(at, x.in(first, count), y.in(first, count), dy.in(first, count),
                                    dx == nullptr ? nullptr : &in);
                     add(live_.gradients(), gradients_);
                     add(live_.viewed_gradients(), viewed_gradients_);
                   });
  }

  void end_step() {
    aesweep_context context = context_;
    context.batch_rows = static_cast<std::uint64_t>(rows_);
    live_.call(live_.transform().end_step, &context, &live_.memory());
  }

  [[nodiscard]] const Sums& gradients() const { return gradients_; }
  [[nodiscard]] const Sums& viewed_gradients() const { return viewed_gradients_; }

 private:
  void rounds(aesweep_phase phase, const Grid<Real>& x, const Grid<Real>* dy) {
    for (std::uint32_t r = 0; r < live_.planned().round_count; ++r) {
      const aesweep_round& round = live_.planned().rounds[r];
      if (round.phase != static_cast<std::uint32_t>(phase)) continue;
      if (context_.mode == AESWEEP_EVAL && (round.flags & AESWEEP_TRAIN_ONLY) != 0) {
        std::fill(live_.statistics(r).begin(), live_.statistics(r).end(), std::nan(""));
        continue;
      }
      run_round(live_, r, context_, rows_, shards_,
                [&](const aesweep_context& at, std::int64_t first, std::int64_t count) {
                  const auto in = x.in(first, count);
                  const auto delta = dy == nullptr ? in : dy->in(first, count);
                  live_.call(live_.transform().accumulate, &at, r, &live_.memory(), &in,
                             dy == nullptr ? nullptr : &delta);
                });
    }
  }

  static void clear(const std::vector<std::vector<Real>>& like, Sums& sums) {
    sums.clear();
    for (const auto& tensor : like) sums.emplace_back(tensor.size(), 0.0);
  }

  // backward writes gradients, so what is there before must not matter.
  static void spoil(std::vector<std::vector<Real>>& tensors) {
    for (auto& tensor : tensors) std::fill(tensor.begin(), tensor.end(), Real(99));
  }

  static void add(const std::vector<std::vector<Real>>& parts, Sums& sums) {
    for (std::size_t t = 0; t < parts.size(); ++t) {
      for (std::size_t i = 0; i < parts[t].size(); ++i) {
        sums[t][i] += static_cast<double>(parts[t][i]);
      }
    }
  }

  Live<Real>& live_;
  std::int64_t rows_;
  std::int64_t shards_;
  aesweep_context context_;
  Sums gradients_;
  Sums viewed_gradients_;
};

}  // namespace aesweep::test
