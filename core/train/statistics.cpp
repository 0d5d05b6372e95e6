#include "core/train/statistics.hpp"

#include <algorithm>
#include <limits>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

double neutral(aesweep_reduction reduction) {
  return reduction == AESWEEP_SUM ? 0.0 : -std::numeric_limits<double>::infinity();
}

// left[i] = left[i] op right[i]. A NaN on either side stays a NaN.
void merge(aesweep_reduction reduction, double* left, const double* right, std::size_t length) {
  if (reduction == AESWEEP_SUM) {
    for (std::size_t i = 0; i < length; ++i) left[i] += right[i];
    return;
  }
  for (std::size_t i = 0; i < length; ++i) {
    const bool keep = left[i] >= right[i] || left[i] != left[i];
    left[i] = keep ? left[i] : right[i];
  }
}

int largest(std::span<const BatchPlan> plans, int (*measure)(const BatchPlan&)) {
  int most = 1;
  for (const BatchPlan& plan : plans) most = std::max(most, measure(plan));
  return most;
}

int highest_stack(std::span<const BatchPlan> plans) {
  return largest(plans, [](const BatchPlan& plan) { return plan.local.slots_max; });
}

std::size_t most_parts(std::span<const BatchPlan> plans) {
  return static_cast<std::size_t>(
      largest(plans, [](const BatchPlan& plan) { return static_cast<int>(plan.parts.size()); }));
}

}  // namespace

TreeStack::TreeStack(std::size_t length_max, int slots_max)
    : slots_(length_max * static_cast<std::size_t>(slots_max)) {}

TreeStack::TreeStack(std::size_t length_max, std::span<const BatchPlan> plans)
    : TreeStack(length_max, highest_stack(plans)) {}

std::size_t TreeStack::bytes(std::size_t length_max, std::span<const BatchPlan> plans) {
  return length_max * static_cast<std::size_t>(highest_stack(plans)) * sizeof(double);
}

void TreeStack::begin(const MergeOrder& order, std::size_t length, aesweep_reduction reduction) {
  AESWEEP_CHECK(static_cast<std::size_t>(order.slots_max) * length <= slots_.size(),
                "a statistics round is larger than was planned");
  order_ = &order;
  length_ = length;
  reduction_ = reduction;
  next_leaf_ = 0;
  height_ = 0;
}

std::span<double> TreeStack::leaf() {
  const auto slot = slots_.span().subspan(static_cast<std::size_t>(height_) * length_, length_);
  std::fill(slot.begin(), slot.end(), neutral(reduction_));
  return slot;
}

void TreeStack::leaf_done() {
  ++height_;
  for (int merges = order_->merges_after[next_leaf_++]; merges > 0; --merges) {
    --height_;
    double* right = slots_.data() + static_cast<std::size_t>(height_) * length_;
    merge(reduction_, right - length_, right, length_);
  }
}

void merge_parts(const MergeOrder& order, std::span<double> parts, std::size_t length,
                 aesweep_reduction reduction, std::span<double> out) {
  std::size_t height = 0;
  // The stack never grows past the parts already read, so it can live in their place.
  for (std::size_t p = 0; p < order.merges_after.size(); ++p) {
    double* top = parts.data() + height * length;
    const double* part = parts.data() + p * length;
    if (top != part) std::copy(part, part + length, top);
    ++height;
    for (int merges = order.merges_after[p]; merges > 0; --merges) {
      --height;
      double* right = parts.data() + height * length;
      merge(reduction, right - length, right, length);
    }
  }
  AESWEEP_CHECK(height == 1, "the merge order leaves more than one part");
  std::copy(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(length), out.begin());
}

StatisticsRound::StatisticsRound(std::size_t length_max, std::span<const BatchPlan> plans,
                                 int ranks)
    : stack_(length_max, plans),
      all_parts_(length_max * most_parts(plans)),
      counts_(static_cast<std::size_t>(ranks)) {}

std::size_t StatisticsRound::bytes(std::size_t length_max, std::span<const BatchPlan> plans) {
  return TreeStack::bytes(length_max, plans) + length_max * most_parts(plans) * sizeof(double);
}

void StatisticsRound::begin(const BatchPlan& plan, std::size_t length,
                            aesweep_reduction reduction) {
  plan_ = &plan;
  length_ = length;
  reduction_ = reduction;
  stack_.begin(plan.local, length, reduction);
}

void StatisticsRound::finish(Exchange& exchange, std::span<double> out) {
  for (std::size_t r = 0; r < counts_.size(); ++r) {
    counts_[r] = static_cast<std::size_t>(plan_->parts_of_rank[r]) * length_ * sizeof(double);
  }
  const auto all = all_parts_.span().first(plan_->parts.size() * length_);
  exchange.share(std::as_bytes(stack_.parts()), counts_, std::as_writable_bytes(all));
  merge_parts(plan_->global, all, length_, reduction_, out);
}

}  // namespace aesweep
