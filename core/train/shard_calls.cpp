#include "core/train/shard_calls.hpp"

#include <algorithm>

#include "core/base/text.hpp"
#include "core/model/call_trace.hpp"

namespace aesweep {
namespace {

template <class T>
auto as_const_matrix(const typename Abi<T>::Matrix& m, const typename Abi<T>::Active* active) ->
    typename Abi<T>::ConstMatrix {
  return {m.data, active, m.rows, m.cols, m.row_stride};
}

template <class T>
bool has_own_pre_gradient(const Layer<T>& layer) {
  return layer.activation && !layer.activation->component.has(AESWEEP_IN_PLACE);
}

}  // namespace

template <class T>
std::size_t activation_penalty_count(const Network<T>& network) {
  std::size_t count = 0;
  for (const Layer<T>& layer : network.layers()) count += layer.on_activations.size();
  return count;
}

template <class T>
ShardCalls<T>::ShardCalls(const Network<T>& network, Parameters<T>& parameters,
                          Workspace<T>& workspace, std::span<const BatchPlan> plans)
    : network_(&network),
      workspace_(&workspace),
      layout_{activation_penalty_count(network)},
      sums_(static_cast<std::size_t>(local_extent(plans).shards) * layout_.length()) {
  std::size_t penalty = 1;
  for (const Layer<T>& layer : network.layers()) {
    first_penalty_.push_back(penalty);
    penalty += layer.on_activations.size();
  }
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    parameter_pointers_.push_back(parameters.effective(static_cast<int>(t)));
  }
  for (const Layer<T>& layer : network.layers()) {
    std::vector<const T*>& viewed = viewed_pointers_.emplace_back();
    for (const int t : layer.layer.viewed) viewed.push_back(parameters.effective(t));
  }
  for (std::size_t b = 0; b < network.buffers().size(); ++b) {
    buffer_pointers_.push_back(parameters.buffer(static_cast<int>(b)));
  }
}

template <class T>
std::size_t ShardCalls<T>::bytes(const Network<T>& network, std::span<const BatchPlan> plans) {
  const BatchSums layout = {activation_penalty_count(network)};
  return static_cast<std::size_t>(local_extent(plans).shards) * layout.length() * sizeof(double);
}

// The trace may not keep a name that ends with the network.
template <class T>
ShardCalls<T>::~ShardCalls() {
  call_trace().layer = nullptr;
}

template <class T>
void ShardCalls<T>::begin(const BatchPlan& plan, const aesweep_context& context) {
  plan_ = &plan;
  context_ = context;
  stage_ = 0;
  delta_ = 0;
  call_trace().step = context.train_step;
  std::fill(sums_.span().begin(), sums_.span().end(), 0.0);
}

template <class T>
void ShardCalls<T>::next_stage(const char* where) {
  ++stage_;
  where_ = where;
}

template <class T>
void ShardCalls<T>::note(std::int64_t s, const Status& status) {
  if (status.ok() || fault_.present()) return;
  const std::int64_t shard = plan_->mine.first + s;
  fault_.note((stage_ << 32) + static_cast<std::uint64_t>(shard),
              text(where_, ", ", step_name(context_), ", shard ", shard, ": ", status.message()));
}

template <class T>
void ShardCalls<T>::note_rows(const Status& status) {
  if (status.ok() || fault_.present()) return;
  fault_.note(static_cast<std::uint64_t>(plan_->mine.first),
              text("data, ", step_name(context_), ": ", status.message()));
}

template <class T>
aesweep_context ShardCalls<T>::shard_context(const Streams& streams, std::int64_t s) const {
  aesweep_context context = batch_context(streams);
  context.first_row = static_cast<std::uint64_t>(shard(s).first_row);
  context.shard_rows = static_cast<std::uint64_t>(shard(s).rows);
  return context;
}

template <class T>
aesweep_context ShardCalls<T>::batch_context(const Streams& streams) const {
  // Set at every call: between shards, others call components, too.
  call_trace().layer = where_;
  aesweep_context context = context_;
  context.stream = streams[context.mode];
  return context;
}

template <class T>
auto ShardCalls<T>::rows(RowMatrix<T>& matrix, std::int64_t s, std::int64_t cols) const -> Matrix {
  return {matrix.row(shard(s).first_row - plan_->local_first_row()), nullptr, shard(s).rows, cols,
          matrix.stride()};
}

template <class T>
auto ShardCalls<T>::layer_input(int l, std::int64_t s) -> ConstMatrix {
  if (l > 0) return layer_output(l - 1, s);
  return as_const_matrix<T>(rows(workspace_->input, s, network_->input_cols()), nullptr);
}

template <class T>
auto ShardCalls<T>::target(std::int64_t s) -> ConstMatrix {
  if (network_->target() != Target::kLabels) return layer_input(0, s);
  return as_const_matrix<T>(rows(workspace_->target, s, network_->target_cols()), nullptr);
}

template <class T>
const std::int32_t* ShardCalls<T>::labels(std::int64_t s) const {
  return workspace_->labels.data() + (shard(s).first_row - plan_->local_first_row());
}

template <class T>
auto ShardCalls<T>::pre_activation(int l, std::int64_t s) -> ConstMatrix {
  return as_const_matrix<T>(pre_activation_room(l, s), nullptr);
}

template <class T>
auto ShardCalls<T>::layer_output(int l, std::int64_t s) -> ConstMatrix {
  const Matrix y = output_room(l, s);
  return as_const_matrix<T>(y, y.active);
}

template <class T>
auto ShardCalls<T>::pre_activation_room(int l, std::int64_t s) -> Matrix {
  return rows(layer_memory(l).pre, s, layer(l).output_cols);
}

template <class T>
auto ShardCalls<T>::output_room(int l, std::int64_t s) -> Matrix {
  Matrix y = rows(layer_memory(l).output(), s, layer(l).output_cols);
  y.active = layer_memory(l).active.shard(s);
  return y;
}

template <class T>
auto ShardCalls<T>::output_gradient(int l, std::int64_t s) -> Matrix {
  return rows(workspace_->delta[delta_], s, layer(l).output_cols);
}

template <class T>
auto ShardCalls<T>::pre_gradient(int l, std::int64_t s) -> Matrix {
  if (!has_own_pre_gradient(layer(l))) return output_gradient(l, s);
  return rows(workspace_->delta_pre, s, layer(l).output_cols);
}

template <class T>
auto ShardCalls<T>::input_gradient(int l, std::int64_t s) -> Matrix {
  return rows(workspace_->delta[1 - delta_], s, layer(l).input_cols);
}

template <class T>
auto ShardCalls<T>::views(const Regularizer<T>& r, int l, std::int64_t s) -> Views {
  Views views{};
  views.struct_size = sizeof views;
  const std::uint32_t wanted = r.component.views();
  if ((wanted & AESWEEP_VIEW_INPUT) != 0) views.input = layer_input(l, s);
  if ((wanted & AESWEEP_VIEW_PRE_ACTIVATION) != 0) views.pre_activation = pre_activation(l, s);
  if ((wanted & AESWEEP_VIEW_OUTPUT) != 0) views.output = layer_output(l, s);
  return views;
}

template <class T>
auto ShardCalls<T>::memory() -> Memory {
  Memory call{};
  call.struct_size = sizeof call;
  call.workspace = workspace_->scratch.data();
  return call;
}

template <class T>
auto ShardCalls<T>::memory(ComponentMemory<T>& kept, std::int64_t s) -> Memory {
  Memory call = memory();
  call.statistics = kept.results();
  call.kept = kept.kept(s);
  return call;
}

template <class T>
auto ShardCalls<T>::memory(int l, const Transform<T>& transform, ComponentMemory<T>& kept,
                           std::int64_t s) -> Memory {
  Memory call = memory(kept, s);
  call.parameters = parameter_pointers_.data() + transform.learned.first;
  call.buffers = buffer_pointers_.data() + transform.buffers.first;
  if (!transform.viewed.empty()) {
    call.viewed = viewed_pointers_[static_cast<std::size_t>(l)].data();
  }
  return call;
}

template <class T>
auto ShardCalls<T>::penalty_memory(int l, std::size_t i, std::int64_t s) -> Memory {
  Memory call = memory(layer_memory(l).regularizers[i], s);
  if ((layer(l).on_activations[i].component.views() & AESWEEP_VIEW_PARAMETERS) != 0) {
    call.parameters = parameter_pointers_.data() + layer(l).layer.learned.first;
  }
  return call;
}

template <class T>
auto ShardCalls<T>::end_memory(const Transform<T>& transform, ComponentMemory<T>& kept) -> Memory {
  Memory call = memory();
  call.statistics = kept.results();
  call.buffers = buffer_pointers_.data() + transform.buffers.first;
  return call;
}

template std::size_t activation_penalty_count<float>(const Network<float>&);
template std::size_t activation_penalty_count<double>(const Network<double>&);
template class ShardCalls<float>;
template class ShardCalls<double>;

}  // namespace aesweep
