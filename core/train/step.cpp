#include "core/train/step.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "core/base/text.hpp"
#include "core/model/call_trace.hpp"

namespace aesweep {
namespace {

// Faults of the work per weight, numbered by block, come after those of the passes; one that shows
// only in the update, after the step's agreement, comes first in the next.
constexpr std::uint64_t kPrepareStage = std::uint64_t{1} << 62;

// Of a tensor.
struct Element {
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::uint64_t index = kNone;
  double value = 0.0;
};

// Without the sign that a number that is none may have.
std::string value_text(double value) { return std::isnan(value) ? "nan" : text(value); }

template <class Values>
void append(std::byte*& at, const Values& values) {
  if (!values.empty()) std::memcpy(at, values.data(), values.size_bytes());
  at += values.size_bytes();
}

}  // namespace

template <class T>
Step<T>::Step(const Network<T>& network, const Partition& partition,
              std::span<const BatchPlan> plans, Parameters<T>& parameters, Passes<T>& passes,
              Gradients<T>& gradients, Updater<T>& updater, Exchange& exchange)
    : network_(&network),
      penalty_terms_(penalty_terms(network)),
      parameters_(&parameters),
      passes_(&passes),
      gradients_(&gradients),
      updater_(&updater),
      exchange_(&exchange),
      replicated_(partition.ownership() == Ownership::kReplicated),
      counts_(static_cast<std::size_t>(exchange.ranks())),
      sums_(passes.sums_layout().length()),
      tensor_norms_sq_(network.tensors().size()),
      penalties_(penalty_terms_.size()) {
  for (std::size_t l = network.layers().size(); l-- > 0;) {
    const TensorRange learned = network.layers()[l].learned;
    for (int t = learned.first; t < learned.first + learned.count; ++t) {
      backward_order_.push_back(t);
    }
  }
  between_ = [this] {
    exchange_->progress();
    prepare_arrived();
  };
  std::size_t parts_max = 0;
  std::size_t mine_max = 0;
  std::size_t all_max = 0;
  for (const BatchPlan& plan : plans) {
    set_counts(plan, true);
    mine_max = std::max(mine_max, counts_[static_cast<std::size_t>(exchange.rank())]);
    all_max = std::max(all_max, std::accumulate(counts_.begin(), counts_.end(), std::size_t{0}));
    parts_max = std::max(parts_max, plan.parts.size());
  }
  mine_ = Buffer<std::byte>(mine_max);
  all_ = Buffer<std::byte>(all_max);
  part_sums_ = Buffer<double>(parts_max * sums_.size());
  block_values_ = Buffer<double>(all_max / sizeof(double));
}

// What each rank shares at the end of a batch: fault order and wishes, its parts' sums and, in
// training, the values of the blocks it owns. Where all ranks own everything, rank 0 speaks for
// all: the replicas' sums may differ by rounding, and all ranks must reach the same verdict.
template <class T>
void Step<T>::set_counts(const BatchPlan& plan, bool training) {
  for (int r = 0; r < exchange_->ranks(); ++r) {
    const auto parts = static_cast<std::size_t>(plan.my_parts(r));
    const bool speaks = training && (!replicated_ || r == 0);
    const std::size_t blocks = speaks ? updater_->block_value_count(r) : 0;
    counts_[static_cast<std::size_t>(r)] =
        2 * sizeof(std::uint64_t) + (parts * sums_.size() + blocks) * sizeof(double);
  }
}

template <class T>
StepOutcome Step<T>::train(const BatchPlan& plan, const aesweep_context& context, bool has_labels,
                           const Status& rows, SplitSums& sums, std::uint32_t wanted) {
  context_ = context;
  wanted_ = wanted;
  call_trace().step = context.train_step;
  next_tensor_ = 0;
  passes_->begin(plan, context, has_labels, rows);
  passes_->forward();
  // The last step's messages have all arrived; their buffers are free from here on.
  exchange_->finish();
  gradients_->begin(plan, *exchange_);
  passes_->loss();
  passes_->backward(*gradients_, between_);
  finish_gradients();
  StepOutcome outcome = agree(plan, true);
  if (outcome.outcome != Outcome::kCompleted) return outcome;
  accumulate(plan, sums);
  update();
  outcome.wanted = static_cast<std::uint32_t>(wanted_);
  return outcome;
}

template <class T>
StepOutcome Step<T>::evaluate(const BatchPlan& plan, const aesweep_context& context,
                              bool has_labels, const Status& rows, SplitSums& sums) {
  context_ = context;
  wanted_ = 0;
  call_trace().step = context.train_step;
  passes_->begin(plan, context, has_labels, rows);
  passes_->forward();
  passes_->loss();
  passes_->penalties();
  for (std::size_t k = 0; k < penalty_terms_.size(); ++k) {
    const PenaltyTerm term = penalty_terms_[k];
    note(kPrepareStage + k, network_->layers()[static_cast<std::size_t>(term.layer)].name,
         penalty_value(*network_, *parameters_, term, context_, penalties_[k]));
  }
  StepOutcome outcome = agree(plan, false);
  if (outcome.outcome == Outcome::kCompleted) accumulate(plan, sums);
  return outcome;
}

template <class T>
void Step<T>::settle() {
  for (int l = 0; l < static_cast<int>(network_->layers().size()); ++l) {
    parameters_->wait(l, *exchange_);
  }
  exchange_->finish();
}

template <class T>
bool Step<T>::fault_pending() {
  const std::vector<std::uint64_t> all = share_each(first_fault().order, *exchange_);
  return std::any_of(all.begin(), all.end(),
                     [](std::uint64_t order) { return order != StepFault::kNone; });
}

// Keeps a failure of the work per weight, with the tensor or layer and the step before its message.
template <class T>
void Step<T>::note(std::uint64_t order, const std::string& where, const Status& status) {
  if (status.ok()) return;
  update_fault_.note(order, text(where, ", ", step_name(context_), ": ", status.message()));
}

template <class T>
void Step<T>::prepare(int tensor) {
  // What the quantizers kept may be missing. Faults of weights do not count here: the lowest block
  // that fails is the same on any ranks only if all are tried.
  if (passes_->fault().present()) return;
  const WeightFault fault = updater_->prepare(tensor, context_);
  note(kPrepareStage + fault.block, network_->tensors()[static_cast<std::size_t>(tensor)].name,
       fault.status);
}

template <class T>
void Step<T>::prepare_arrived() {
  while (next_tensor_ < backward_order_.size() &&
         gradients_->arrived(backward_order_[next_tensor_], *exchange_)) {
    prepare(backward_order_[next_tensor_++]);
  }
}

template <class T>
void Step<T>::finish_gradients() {
  for (; next_tensor_ < backward_order_.size(); ++next_tensor_) {
    gradients_->wait(backward_order_[next_tensor_], *exchange_);
    prepare(backward_order_[next_tensor_]);
  }
}

// In the order in which the next forward pass will need the tensors, so that the first ones travel
// while the others are still being updated.
template <class T>
void Step<T>::update() {
  updater_->begin_update(context_, tensor_norms_sq_);
  parameters_->expect(*exchange_);
  for (int t = 0; t < static_cast<int>(network_->tensors().size()); ++t) {
    const WeightFault fault = updater_->update(t, context_);
    note(fault.block, network_->tensors()[static_cast<std::size_t>(t)].name, fault.status);
    parameters_->publish(t, *exchange_);
    exchange_->progress();
  }
  passes_->end_step();
}

template <class T>
const StepFault& Step<T>::first_fault() const {
  return update_fault_.order < passes_->fault().order ? update_fault_ : passes_->fault();
}

template <class T>
StepOutcome Step<T>::agree(const BatchPlan& plan, bool training) {
  set_counts(plan, training);
  const std::array<std::uint64_t, 2> mine = {first_fault().order, wanted_};
  std::byte* at = mine_.data();
  append(at, std::span(mine));
  append(at, passes_->merged_sums());
  if (training && (!replicated_ || exchange_->rank() == 0)) append(at, updater_->block_values());
  const auto mine_bytes = static_cast<std::size_t>(at - mine_.data());
  const std::size_t all_bytes = std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
  exchange_->share(mine_.span().first(mine_bytes), counts_, all_.span().first(all_bytes));

  std::uint64_t first = StepFault::kNone;
  double* parts = part_sums_.data();
  double* blocks = block_values_.data();
  const std::byte* from = all_.data();
  for (std::size_t r = 0; r < counts_.size(); ++r) {
    std::array<std::uint64_t, 2> theirs{};
    std::memcpy(theirs.data(), from, sizeof theirs);
    first = std::min(first, theirs[0]);
    wanted_ |= theirs[1];
    const std::size_t count = static_cast<std::size_t>(plan.parts_of_rank[r]) * sums_.size();
    std::memcpy(parts, from + sizeof theirs, count * sizeof(double));
    parts += count;
    const std::size_t head = sizeof theirs + count * sizeof(double);
    std::memcpy(blocks, from + head, counts_[r] - head);
    blocks += (counts_[r] - head) / sizeof(double);
    from += counts_[r];
  }
  if (first != StepFault::kNone) return shared_fault(first);
  merge_parts(plan.global, part_sums_.span().first(plan.parts.size() * sums_.size()), sums_.size(),
              AESWEEP_SUM, sums_);
  if (training) {
    updater_->sum_blocks({block_values_.data(), blocks}, tensor_norms_sq_, penalties_);
  }
  return check_finite(training);
}

// Rare and slow: the rank with the first fault tells its text to all.
template <class T>
StepOutcome Step<T>::shared_fault(std::uint64_t order) {
  const bool mine = first_fault().order == order;
  SharedText first = share_text(mine ? first_fault().reason : std::string(), *exchange_);
  if (first.rank < 0) return {Outcome::kFailed, "a component failed without a reason"};
  return {Outcome::kFailed, std::move(first.text), first.rank};
}

template <class T>
StepOutcome Step<T>::check_finite(bool training) {
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(sums_.begin(), sums_.end(), finite)) {
    return {Outcome::kDiverged, text(step_name(context_), ": ", shared_cause())};
  }
  if (!training) return {};
  for (const int t : backward_order_) {
    if (finite(tensor_norms_sq_[static_cast<std::size_t>(t)])) continue;
    return {Outcome::kDiverged, text(step_name(context_), ": ", shared_gradient(t))};
  }
  return {};
}

// The first layer that went wrong on any rank, and the first such value in it: rare and slow, like
// shared_fault.
template <class T>
std::string Step<T>::shared_cause() {
  const std::vector<NotFinite> all = share_each(passes_->first_not_finite(), *exchange_);
  // Ranks have their rows in order, so the first of equal ones is the batch's first.
  const NotFinite first =
      *std::min_element(all.begin(), all.end(),
                        [](const NotFinite& a, const NotFinite& b) { return a.layer < b.layer; });
  const std::vector<Layer<T>>& layers = network_->layers();
  const std::string loss = "loss " + value_text(sums_[0]);
  const auto layer = static_cast<std::size_t>(first.layer);
  if (layer >= layers.size()) return text("the loss is not finite (", loss, ")");
  return text("the output of layer ", layers[layer].name, " is not finite (",
              value_text(first.value), " in row ", first.row, " of the batch, column ", first.col,
              "; ", loss, ")");
}

// Likewise of a tensor's gradient. Squares of finite values may be too many for a double.
template <class T>
std::string Step<T>::shared_gradient(int tensor) {
  const Tensor& of = network_->tensors()[static_cast<std::size_t>(tensor)];
  const std::string what = text("the gradient of ", of.name, " is not finite (");
  const ElementRange owned = updater_->owned(tensor);
  const T* gradient = gradients_->gradient(tensor) + owned.first;
  const T* end = gradient + owned.count;
  const T* found = std::find_if(gradient, end, [](T g) { return !std::isfinite(g); });
  Element mine;
  if (found != end) mine = {owned.first + static_cast<std::size_t>(found - gradient), *found};
  const std::vector<Element> all = share_each(mine, *exchange_);
  const Element first = *std::min_element(
      all.begin(), all.end(), [](const Element& a, const Element& b) { return a.index < b.index; });
  if (first.index == Element::kNone) {
    return text(what, "squared norm ",
                value_text(tensor_norms_sq_[static_cast<std::size_t>(tensor)]), ")");
  }
  const auto cols = static_cast<std::uint64_t>(of.cols);
  return text(what, value_text(first.value), " in row ", first.index / cols, ", column ",
              first.index % cols, ")");
}

template <class T>
void Step<T>::accumulate(const BatchPlan& plan, SplitSums& sums) const {
  const auto rows = static_cast<double>(plan.rows);
  const BatchSums layout = passes_->sums_layout();
  std::size_t term = 0;
  for (; term <= layout.penalties; ++term) sums.terms[term] += sums_[term] * rows;
  for (const double value : penalties_) sums.terms[term++] += value * rows;
  sums.rows += plan.rows;
  sums.error += sums_[layout.error()];
  sums.code_sum += sums_[layout.code_sum()];
}

template class Step<float>;
template class Step<double>;

}  // namespace aesweep
