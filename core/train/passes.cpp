#include "core/train/passes.hpp"

#include <algorithm>
#include <cmath>

namespace aesweep {

aesweep_context batch_context(const BatchPlace& place, const BatchPlan& plan) {
  aesweep_context context{};
  context.struct_size = sizeof context;
  context.mode = place.mode;
  context.step = static_cast<std::uint64_t>(place.step);
  context.epoch = static_cast<std::uint64_t>(place.epoch);
  context.total_steps = static_cast<std::uint64_t>(place.total_steps);
  context.train_step = static_cast<std::uint64_t>(place.train_step);
  context.rate_factor = 1.0;
  context.seed = place.seed;
  context.batch_rows = static_cast<std::uint64_t>(plan.rows);
  return context;
}

template <class T>
Passes<T>::Passes(const Network<T>& network, Parameters<T>& parameters, Workspace<T>& workspace,
                  std::span<const BatchPlan> plans, double threshold, Exchange& exchange)
    : network_(&network),
      parameters_(&parameters),
      exchange_(&exchange),
      threshold_(threshold),
      calls_(network, parameters, workspace, plans),
      rounds_(calls_, plans, exchange),
      penalties_(calls_),
      backward_(calls_, rounds_, penalties_),
      sums_stack_(calls_.layout().length(), plans) {
  unit_counts_.resize(static_cast<std::size_t>(calls_.layer(network.code_layer()).output_cols));
}

template <class T>
std::size_t Passes<T>::bytes(const Network<T>& network, std::span<const BatchPlan> plans) {
  const BatchSums layout = {activation_penalty_count(network)};
  const auto code = static_cast<std::size_t>(network.code_layer());
  const auto units = static_cast<std::size_t>(network.layers()[code].output_cols);
  return ShardCalls<T>::bytes(network, plans) + Rounds<T>::bytes(network, plans) +
         TreeStack::bytes(layout.length(), plans) + units * sizeof(std::uint32_t);
}

template <class T>
void Passes<T>::begin(const BatchPlan& plan, const aesweep_context& context, bool has_labels,
                      const Status& rows) {
  calls_.begin(plan, context);
  calls_.note_rows(rows);
  has_labels_ = has_labels;
}

template <class T>
void Passes<T>::layer_forward(int l, std::int64_t s) {
  if (calls_.failed()) return;
  const Transform<T>& transform = calls_.layer(l).layer;
  const aesweep_context context = calls_.shard_context(transform.streams, s);
  const auto memory = calls_.memory(l, transform, calls_.layer_memory(l).layer, s);
  const typename Abi<T>::ConstMatrix x = calls_.layer_input(l, s);
  const typename Abi<T>::Matrix y = calls_.pre_activation_room(l, s);
  calls_.note(
      s, transform.component.call("forward", transform.table.forward, &context, &memory, &x, &y));
}

template <class T>
void Passes<T>::activation_forward(int l, std::int64_t s) {
  if (!calls_.layer(l).activation || calls_.failed()) return;
  const Transform<T>& transform = *calls_.layer(l).activation;
  const aesweep_context context = calls_.shard_context(transform.streams, s);
  const auto memory = calls_.memory(l, transform, calls_.layer_memory(l).activation, s);
  const typename Abi<T>::ConstMatrix x = calls_.pre_activation(l, s);
  const typename Abi<T>::Matrix y = calls_.output_room(l, s);
  calls_.note(
      s, transform.component.call("forward", transform.table.forward, &context, &memory, &x, &y));
}

template <class T>
void Passes<T>::forward() {
  forward(0, calls_.layer_count());
}

template <class T>
void Passes<T>::forward(int first, int end) {
  for (int l = 0; l < end; ++l) {
    const Layer<T>& of = calls_.layer(l);
    parameters_->wait(l, *exchange_);
    calls_.next_stage(of.traced);
    if (!calls_.failed()) calls_.note(0, parameters_->quantize(l, calls_.context()));
    if (l < first) continue;
    rounds_.layer(l, AESWEEP_BEFORE_FORWARD);
    const bool split =
        of.activation && rounds_.any(of.activation->component, AESWEEP_BEFORE_FORWARD);
    calls_.next_stage(of.traced);
    for (std::int64_t s = 0; s < calls_.shard_count(); ++s) {
      layer_forward(l, s);
      if (!split) activation_forward(l, s);
      exchange_->progress();
    }
    if (split) {
      rounds_.activation(l, AESWEEP_BEFORE_FORWARD);
      calls_.next_stage(of.traced);
      for (std::int64_t s = 0; s < calls_.shard_count(); ++s) {
        activation_forward(l, s);
        exchange_->progress();
      }
    }
    rounds_.regularizers(l);
  }
}

template <class T>
void Passes<T>::shard_loss(std::int64_t s) {
  const int last = calls_.layer_count() - 1;
  const aesweep_context context = calls_.shard_context(network_->loss_streams(), s);
  const auto memory = calls_.memory();
  const typename Abi<T>::ConstMatrix prediction = calls_.layer_output(last, s);
  const typename Abi<T>::ConstMatrix target = calls_.target(s);
  const typename Abi<T>::Matrix gradient = calls_.output_gradient(last, s);
  const std::int32_t* labels = has_labels_ ? calls_.labels(s) : nullptr;
  calls_.note(s, network_->loss().call("evaluate", network_->loss_table().evaluate, &context,
                                       &memory, &prediction, &target, labels, &calls_.sum(s, 0),
                                       context.mode == AESWEEP_TRAIN ? &gradient : nullptr));
  const BatchSums layout = calls_.layout();
  calls_.sum(s, layout.error()) = network_->target() == Target::kLabels
                                      ? misclassified<T>(prediction, labels)
                                      : squared_error<T>(prediction, target);
  calls_.sum(s, layout.code_sum()) =
      measure_code<T>(calls_.layer_output(network_->code_layer(), s), threshold_, unit_counts_);
}

template <class T>
void Passes<T>::loss() {
  calls_.next_stage("loss");
  for (std::int64_t s = 0; s < calls_.shard_count(); ++s) {
    if (calls_.failed()) return;
    shard_loss(s);
    exchange_->progress();
  }
}

template <class T>
void Passes<T>::penalties() {
  for (int l = 0; l < calls_.layer_count(); ++l) {
    calls_.next_stage(calls_.layer(l).traced);
    for (std::int64_t s = 0; s < calls_.shard_count(); ++s) penalties_.add(l, s, false);
  }
}

template <class T>
void Passes<T>::backward(Gradients<T>& gradients, const std::function<void()>& between) {
  backward_.run(gradients, *exchange_, between);
}

template <class T>
void Passes<T>::end_step(const Transform<T>& transform, ComponentMemory<T>& results) {
  if (transform.table.end_step == nullptr || calls_.failed()) return;
  const aesweep_context context = calls_.batch_context(transform.streams);
  const auto memory = calls_.end_memory(transform, results);
  calls_.note(0, transform.component.call("end_step", transform.table.end_step, &context, &memory));
}

template <class T>
void Passes<T>::end_step() {
  for (int l = 0; l < calls_.layer_count(); ++l) {
    const Layer<T>& of = calls_.layer(l);
    calls_.next_stage(of.traced);
    end_step(of.layer, calls_.layer_memory(l).layer);
    if (of.activation) end_step(*of.activation, calls_.layer_memory(l).activation);
  }
}

template <class T>
std::span<const double> Passes<T>::merged_sums() {
  const std::size_t length = calls_.layout().length();
  sums_stack_.begin(calls_.plan().local, length, AESWEEP_SUM);
  for (std::int64_t s = 0; s < calls_.shard_count(); ++s) {
    const double* from = &calls_.sum(s, 0);
    std::copy(from, from + length, sums_stack_.leaf().begin());
    sums_stack_.leaf_done();
  }
  return sums_stack_.parts();
}

template <class T>
NotFinite Passes<T>::first_not_finite() {
  for (int l = 0; l < calls_.layer_count(); ++l) {
    for (std::int64_t s = 0; s < calls_.shard_count(); ++s) {
      const typename Abi<T>::ConstMatrix y = calls_.layer_output(l, s);
      for (std::int64_t i = 0; i < y.rows; ++i) {
        const T* row = y.data + i * y.row_stride;
        const T* found = std::find_if(row, row + y.cols, [](T v) { return !std::isfinite(v); });
        if (found == row + y.cols) continue;
        return {l, calls_.shard(s).first_row + i, found - row, static_cast<double>(*found)};
      }
    }
  }
  return {calls_.layer_count()};
}

template class Passes<float>;
template class Passes<double>;

}  // namespace aesweep
