#include "core/conformance/stage.hpp"

#include "core/sdk/philox.hpp"

namespace aesweep::conformance {

std::int64_t first_row(const Layout& layout, std::size_t s) {
  std::int64_t row = 0;
  for (std::size_t i = 0; i < s; ++i) row += layout.shards[i];
  return row;
}

aesweep_context batch_context(const Layout& layout, aesweep_mode mode) {
  aesweep_context context{};
  context.struct_size = sizeof context;
  context.mode = mode;
  context.step = layout.step;
  context.epoch = 1;
  context.total_steps = layout.step + 7;
  context.seed = layout.seed;
  context.stream = stream_hash(layout.seed, "code/component", mode);
  context.shard_rows = static_cast<std::uint64_t>(layout.rows());
  context.batch_rows = context.shard_rows;
  context.train_step = layout.step;
  context.rate_factor = 1.0;
  return context;
}

aesweep_context shard_context(const Layout& layout, std::size_t s, aesweep_mode mode) {
  aesweep_context context = batch_context(layout, mode);
  context.first_row = static_cast<std::uint64_t>(first_row(layout, s));
  context.shard_rows = static_cast<std::uint64_t>(layout.shards[s]);
  return context;
}

void require_written(const Layout& layout, const Piece& piece) {
  if (layout.any_value) return;
  for (std::size_t k = 0; k < piece.values.size(); ++k) {
    if (std::isfinite(piece.values[k])) continue;
    const auto cols = static_cast<std::size_t>(std::max<std::int64_t>(piece.cols, 1));
    fail(piece.name, " (", k / cols, ", ", k % cols, ") is ", piece.values[k], " for ", piece.rows,
         " x ", piece.cols, " ordinary numbers: not written, read from padding, or not finite");
  }
}

// --- Statistics ---

Statistics::Statistics(const std::vector<aesweep_round>& rounds) : rounds_(rounds) {
  for (std::size_t r = 0; r < rounds_.size(); ++r) {
    const std::size_t length = rounds_[r].length;
    totals_.emplace_back(length, neutral(r));
    results_.emplace_back(length, std::numeric_limits<double>::quiet_NaN());
  }
  for (const std::vector<double>& result : results_) pointers_.push_back(result.data());
}

double Statistics::neutral(std::size_t round) const {
  return rounds_[round].reduction == AESWEEP_MAX ? -std::numeric_limits<double>::infinity() : 0.0;
}

Grid<double>& Statistics::leaf(std::size_t round) {
  leaf_ = Grid<double>(1, static_cast<std::int64_t>(rounds_[round].length));
  leaf_.fill(neutral(round));
  return leaf_;
}

void Statistics::merge(std::size_t round) {
  if (!leaf_.canaries_intact()) {
    fail("accumulate writes outside of the ", rounds_[round].length, " numbers of round ", round);
  }
  std::vector<double>& total = totals_[round];
  for (std::size_t i = 0; i < total.size(); ++i) {
    const double value = leaf_.row(0)[i];
    if (rounds_[round].reduction == AESWEEP_MAX) {
      total[i] = value > total[i] || std::isnan(value) ? value : total[i];
    } else {
      total[i] += value;
    }
  }
}

void Statistics::finish(std::size_t round) {
  std::copy(totals_[round].begin(), totals_[round].end(), results_[round].begin());
}

Piece Statistics::piece(std::size_t round) const {
  return {text("statistics of round ", round), 1, static_cast<std::int64_t>(results_[round].size()),
          results_[round]};
}

}  // namespace aesweep::conformance
