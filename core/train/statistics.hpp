// Tree sums of double vectors over the shards of a batch: statistics rounds, losses and metrics.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/abi/plugin.h"
#include "core/base/buffer.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/exchange.hpp"

namespace aesweep {

// Merges one rank's leaves into its parts, leaf by leaf, with a stack of vectors.
class TreeStack {
 public:
  // Room for vectors of up to `length_max` doubles and stacks of up to `slots_max`.
  TreeStack(std::size_t length_max, int slots_max);
  // With room for the rank's leaves of any of `plans`.
  TreeStack(std::size_t length_max, std::span<const BatchPlan> plans);
  // What that takes.
  [[nodiscard]] static std::size_t bytes(std::size_t length_max, std::span<const BatchPlan> plans);

  void begin(const MergeOrder& order, std::size_t length, aesweep_reduction reduction);
  // The next leaf's vector, set to the neutral element; then leaf_done merges as the order says.
  [[nodiscard]] std::span<double> leaf();
  void leaf_done();
  // All parts, one vector after another.
  [[nodiscard]] std::span<const double> parts() const {
    return {slots_.data(), static_cast<std::size_t>(height_) * length_};
  }

 private:
  Buffer<double> slots_;
  const MergeOrder* order_ = nullptr;
  std::size_t length_ = 0;
  std::size_t next_leaf_ = 0;
  int height_ = 0;
  aesweep_reduction reduction_ = AESWEEP_SUM;
};

// Merges the parts of all ranks (vectors of `length`, in leaf order) into out[length]. `parts` is
// used as scratch.
void merge_parts(const MergeOrder& order, std::span<double> parts, std::size_t length,
                 aesweep_reduction reduction, std::span<double> out);

// A whole statistics round over a group: the local stack, the exchange, the final merge.
class StatisticsRound {
 public:
  // Room for rounds of up to `length_max` doubles with any of `plans`.
  StatisticsRound(std::size_t length_max, std::span<const BatchPlan> plans, int ranks);
  // What one takes.
  [[nodiscard]] static std::size_t bytes(std::size_t length_max, std::span<const BatchPlan> plans);

  void begin(const BatchPlan& plan, std::size_t length, aesweep_reduction reduction);
  [[nodiscard]] std::span<double> leaf() { return stack_.leaf(); }
  void leaf_done() { stack_.leaf_done(); }
  // Exchanges the parts and leaves the batch-wide value in out[length] on every rank.
  void finish(Exchange& exchange, std::span<double> out);

 private:
  TreeStack stack_;
  Buffer<double> all_parts_;
  std::vector<std::size_t> counts_;
  const BatchPlan* plan_ = nullptr;
  std::size_t length_ = 0;
  aesweep_reduction reduction_ = AESWEEP_SUM;
};

}  // namespace aesweep
