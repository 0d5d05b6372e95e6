#include "core/train/passes.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

template <class T>
std::size_t longest_round(const Network<T>& network) {
  std::size_t most = 0;
  const auto consider = [&](const Component<T>& component) {
    for (const aesweep_round& round : component.rounds()) {
      most = std::max(most, static_cast<std::size_t>(round.length));
    }
  };
  for (const Layer<T>& layer : network.layers()) {
    consider(layer.layer.component);
    if (layer.activation) consider(layer.activation->component);
    for (const Regularizer<T>& r : layer.on_activations) consider(r.component);
  }
  return most;
}

int highest_stack(std::span<const BatchPlan> plans) {
  int most = 1;
  for (const BatchPlan& plan : plans) most = std::max(most, plan.local.slots_max);
  return most;
}

}  // namespace

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

std::string step_name(const aesweep_context& context) {
  return text(context.mode == AESWEEP_TRAIN ? "step " : "evaluation batch ", context.step);
}

template <class T>
std::size_t activation_penalty_count(const Network<T>& network) {
  std::size_t count = 0;
  for (const Layer<T>& layer : network.layers()) count += layer.on_activations.size();
  return count;
}

template <class T>
Passes<T>::Passes(const Network<T>& network, Parameters<T>& parameters, Workspace<T>& workspace,
                  std::span<const BatchPlan> plans, double threshold, Exchange& exchange)
    : network_(&network),
      parameters_(&parameters),
      workspace_(&workspace),
      exchange_(&exchange),
      threshold_(threshold),
      layout_{activation_penalty_count(network)},
      round_(longest_round(network), plans, exchange.ranks()),
      sums_stack_(layout_.length(), highest_stack(plans)),
      sums_(static_cast<std::size_t>(local_extent(plans).shards) * layout_.length()) {
  std::size_t penalty = 1;
  for (const Layer<T>& layer : network.layers()) {
    first_penalty_.push_back(penalty);
    penalty += layer.on_activations.size();
  }
  const Layer<T>& code = network.layers()[static_cast<std::size_t>(network.code_layer())];
  unit_counts_.resize(static_cast<std::size_t>(code.output_cols));
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    parameter_pointers_.push_back(parameters.effective(static_cast<int>(t)));
  }
  for (std::size_t b = 0; b < network.buffers().size(); ++b) {
    buffer_pointers_.push_back(parameters.buffer(static_cast<int>(b)));
  }
  gradient_pointers_.resize(network.tensors().size());
}

template <class T>
void Passes<T>::begin(const BatchPlan& plan, const aesweep_context& context, bool has_labels) {
  plan_ = &plan;
  context_ = context;
  has_labels_ = has_labels;
  stage_ = 0;
  delta_ = 0;
  std::fill(sums_.span().begin(), sums_.span().end(), 0.0);
}

template <class T>
void Passes<T>::note(std::int64_t local_shard, const Status& status, const char* where) {
  if (status.ok() || fault_.present()) return;
  const std::int64_t shard = plan_->mine.first + local_shard;
  fault_.note((stage_ << 32) + static_cast<std::uint64_t>(shard),
              text(where, ", ", step_name(context_), ", shard ", shard, ": ", status.message()));
}

// --- Views of the workspace ---

template <class T>
aesweep_context Passes<T>::shard_context(const Streams& streams, std::int64_t s) const {
  const Shard& shard = plan_->shards[static_cast<std::size_t>(plan_->mine.first + s)];
  aesweep_context context = context_;
  context.stream = streams[context.mode];
  context.first_row = static_cast<std::uint64_t>(shard.first_row);
  context.shard_rows = static_cast<std::uint64_t>(shard.rows);
  return context;
}

template <class T>
auto Passes<T>::rows(RowMatrix<T>& matrix, std::int64_t s, std::int64_t cols) const -> Matrix {
  const Shard& shard = plan_->shards[static_cast<std::size_t>(plan_->mine.first + s)];
  return {matrix.row(shard.first_row - plan_->local_first_row()), nullptr, shard.rows, cols,
          matrix.stride()};
}

namespace {

template <class Const, class Mutable, class Active>
Const as_const_matrix(const Mutable& m, const Active* active) {
  return {m.data, active, m.rows, m.cols, m.row_stride};
}

}  // namespace

template <class T>
auto Passes<T>::layer_output(int l, std::int64_t s) -> ConstMatrix {
  return as_const_matrix<ConstMatrix>(rows(memory(l).output(), s, layer(l).output_cols),
                                      memory(l).active.shard(s));
}

template <class T>
auto Passes<T>::layer_input(int l, std::int64_t s) -> ConstMatrix {
  if (l > 0) return layer_output(l - 1, s);
  const typename Abi<T>::Active* none = nullptr;
  return as_const_matrix<ConstMatrix>(rows(workspace_->input, s, network_->input_cols()), none);
}

template <class T>
auto Passes<T>::pre_activation(int l, std::int64_t s) -> ConstMatrix {
  const typename Abi<T>::Active* none = nullptr;
  return as_const_matrix<ConstMatrix>(rows(memory(l).pre, s, layer(l).output_cols), none);
}

template <class T>
auto Passes<T>::views(const Regularizer<T>& r, int l, std::int64_t s) -> typename Abi<T>::Views {
  typename Abi<T>::Views views{};
  views.struct_size = sizeof views;
  const std::uint32_t wanted = r.component.views();
  if ((wanted & AESWEEP_VIEW_INPUT) != 0) views.input = layer_input(l, s);
  if ((wanted & AESWEEP_VIEW_PRE_ACTIVATION) != 0) views.pre_activation = pre_activation(l, s);
  if ((wanted & AESWEEP_VIEW_OUTPUT) != 0) views.output = layer_output(l, s);
  return views;
}

template <class T>
auto Passes<T>::call_memory(ComponentMemory<T>& memory, std::int64_t s) -> Memory {
  Memory call{};
  call.struct_size = sizeof call;
  call.statistics = memory.results();
  call.kept = memory.kept(s);
  call.workspace = workspace_->scratch.data();
  return call;
}

template <class T>
auto Passes<T>::call_memory(const Transform<T>& transform, ComponentMemory<T>& memory,
                            std::int64_t s) -> Memory {
  Memory call = call_memory(memory, s);
  call.parameters = parameter_pointers_.data() + transform.learned.first;
  call.buffers = buffer_pointers_.data() + transform.buffers.first;
  return call;
}

template <class T>
void Passes<T>::set_gradients(const Transform<T>& transform, Gradients<T>& gradients,
                              Memory& memory) {
  for (int t = transform.learned.first; t < transform.learned.first + transform.learned.count;
       ++t) {
    gradient_pointers_[static_cast<std::size_t>(t)] = gradients.leaf(t);
  }
  memory.gradients = gradient_pointers_.data() + transform.learned.first;
}

template <class T>
double& Passes<T>::sum(std::int64_t s, std::size_t index) {
  return sums_[static_cast<std::size_t>(s) * layout_.length() + index];
}

// --- Statistics rounds ---

template <class T>
template <class Accumulate>
void Passes<T>::statistics(const Component<T>& component, ComponentMemory<T>& results,
                           aesweep_phase phase, const char* where, Accumulate accumulate) {
  for (std::size_t r = 0; r < component.rounds().size(); ++r) {
    const aesweep_round& round = component.rounds()[r];
    if (round.phase != static_cast<std::uint32_t>(phase)) continue;
    ++stage_;
    round_.begin(*plan_, round.length, static_cast<aesweep_reduction>(round.reduction));
    for (std::int64_t s = 0; s < plan_->mine.count; ++s) {
      const std::span<double> leaf = round_.leaf();
      if (!fault_.present()) note(s, accumulate(s, static_cast<std::uint32_t>(r), leaf), where);
      round_.leaf_done();
      exchange_->progress();
    }
    round_.finish(*exchange_, results.result(r));
  }
}

template <class T>
void Passes<T>::transform_rounds(const Transform<T>& transform, ComponentMemory<T>& results,
                                 aesweep_phase phase, int l, bool is_activation) {
  statistics(transform.component, results, phase, layer(l).name.c_str(),
             [&](std::int64_t s, std::uint32_t round, std::span<double> leaf) {
               const aesweep_context context = shard_context(transform.streams, s);
               Memory call = call_memory(transform, results, s);
               call.statistic = leaf.data();
               const ConstMatrix x = is_activation ? pre_activation(l, s) : layer_input(l, s);
               const bool inner = !is_activation && layer(l).activation &&
                                  !layer(l).activation->component.has(AESWEEP_IN_PLACE);
               RowMatrix<T>& delta = inner ? workspace_->delta_pre : workspace_->delta[delta_];
               const typename Abi<T>::Active* none = nullptr;
               ConstMatrix dy{};
               if (phase == AESWEEP_BEFORE_BACKWARD) {
                 dy = as_const_matrix<ConstMatrix>(rows(delta, s, layer(l).output_cols), none);
               }
               const ConstMatrix* gradient = phase == AESWEEP_BEFORE_BACKWARD ? &dy : nullptr;
               return transform.component.call("accumulate", transform.table.accumulate, &context,
                                               round, &call, &x, gradient);
             });
}

template <class T>
void Passes<T>::regularizer_rounds(int l) {
  for (std::size_t i = 0; i < layer(l).on_activations.size(); ++i) {
    const Regularizer<T>& r = layer(l).on_activations[i];
    ComponentMemory<T>& results = memory(l).regularizers[i];
    for (const aesweep_phase phase : {AESWEEP_BEFORE_FORWARD, AESWEEP_BEFORE_BACKWARD}) {
      statistics(r.component, results, phase, layer(l).name.c_str(),
                 [&](std::int64_t s, std::uint32_t round, std::span<double> leaf) {
                   const aesweep_context context = shard_context(r.streams, s);
                   Memory call = call_memory(results, s);
                   call.statistic = leaf.data();
                   const auto seen = views(r, l, s);
                   return r.component.call("accumulate", r.table.accumulate, &context, round, &call,
                                           &seen);
                 });
    }
  }
}

// --- Forward ---

template <class T>
void Passes<T>::layer_forward(int l, std::int64_t s) {
  if (fault_.present()) return;
  const Transform<T>& transform = layer(l).layer;
  const aesweep_context context = shard_context(transform.streams, s);
  const Memory call = call_memory(transform, memory(l).layer, s);
  const ConstMatrix x = layer_input(l, s);
  const Matrix y = rows(memory(l).pre, s, layer(l).output_cols);
  note(s, transform.component.call("forward", transform.table.forward, &context, &call, &x, &y),
       layer(l).name.c_str());
}

template <class T>
void Passes<T>::activation_forward(int l, std::int64_t s) {
  if (!layer(l).activation || fault_.present()) return;
  const Transform<T>& transform = *layer(l).activation;
  const aesweep_context context = shard_context(transform.streams, s);
  const Memory call = call_memory(transform, memory(l).activation, s);
  const ConstMatrix x = pre_activation(l, s);
  Matrix y = rows(memory(l).output(), s, layer(l).output_cols);
  y.active = memory(l).active.shard(s);
  note(s, transform.component.call("forward", transform.table.forward, &context, &call, &x, &y),
       layer(l).name.c_str());
}

template <class T>
bool has_rounds(const Component<T>& component, aesweep_phase phase) {
  return std::any_of(
      component.rounds().begin(), component.rounds().end(),
      [&](const aesweep_round& r) { return r.phase == static_cast<std::uint32_t>(phase); });
}

template <class T>
void Passes<T>::forward() {
  for (int l = 0; l < static_cast<int>(network_->layers().size()); ++l) {
    parameters_->wait(l, *exchange_);
    ++stage_;
    if (!fault_.present()) note(0, parameters_->quantize(l, context_), layer(l).name.c_str());
    transform_rounds(layer(l).layer, memory(l).layer, AESWEEP_BEFORE_FORWARD, l, false);
    const bool split =
        layer(l).activation && has_rounds(layer(l).activation->component, AESWEEP_BEFORE_FORWARD);
    ++stage_;
    for (std::int64_t s = 0; s < plan_->mine.count; ++s) {
      layer_forward(l, s);
      if (!split) activation_forward(l, s);
      exchange_->progress();
    }
    if (split) {
      transform_rounds(*layer(l).activation, memory(l).activation, AESWEEP_BEFORE_FORWARD, l, true);
      ++stage_;
      for (std::int64_t s = 0; s < plan_->mine.count; ++s) {
        activation_forward(l, s);
        exchange_->progress();
      }
    }
    regularizer_rounds(l);
  }
}

// --- Loss, penalties, sums ---

template <class T>
void Passes<T>::shard_loss(std::int64_t s) {
  const int last = static_cast<int>(network_->layers().size()) - 1;
  const aesweep_context context = shard_context(network_->loss_streams(), s);
  Memory call{};
  call.struct_size = sizeof call;
  call.workspace = workspace_->scratch.data();
  const ConstMatrix prediction = layer_output(last, s);
  const bool by_label = network_->target() == Target::kLabels;
  const typename Abi<T>::Active* none = nullptr;
  const ConstMatrix target =
      by_label
          ? as_const_matrix<ConstMatrix>(rows(workspace_->target, s, network_->target_cols()), none)
          : layer_input(0, s);
  const Matrix gradient = rows(workspace_->delta[delta_], s, network_->target_cols());
  const Shard& shard = plan_->shards[static_cast<std::size_t>(plan_->mine.first + s)];
  const std::int32_t* labels =
      has_labels_ ? workspace_->labels.data() + (shard.first_row - plan_->local_first_row())
                  : nullptr;
  const Matrix* wanted = context_.mode == AESWEEP_TRAIN ? &gradient : nullptr;
  note(s,
       network_->loss().call("evaluate", network_->loss_table().evaluate, &context, &call,
                             &prediction, &target, labels, &sum(s, 0), wanted),
       "loss");
  sum(s, layout_.error()) =
      by_label ? misclassified<T>(prediction, labels) : squared_error<T>(prediction, target);
  sum(s, layout_.code_sum()) =
      measure_code<T>(layer_output(network_->code_layer(), s), threshold_, unit_counts_);
}

template <class T>
void Passes<T>::loss() {
  ++stage_;
  for (std::int64_t s = 0; s < plan_->mine.count; ++s) {
    if (fault_.present()) return;
    shard_loss(s);
    exchange_->progress();
  }
}

template <class T>
void Passes<T>::add_penalties(int l, std::int64_t s, bool with_gradient) {
  for (std::size_t i = 0; i < layer(l).on_activations.size() && !fault_.present(); ++i) {
    const Regularizer<T>& r = layer(l).on_activations[i];
    const aesweep_context context = shard_context(r.streams, s);
    const Memory call = call_memory(memory(l).regularizers[i], s);
    const auto seen = views(r, l, s);
    const Matrix gradient = rows(workspace_->delta[delta_], s, layer(l).output_cols);
    const Matrix* wanted = with_gradient ? &gradient : nullptr;
    note(s,
         r.component.call("on_activations", r.table.on_activations, &context, &call, &seen,
                          &sum(s, first_penalty_[static_cast<std::size_t>(l)] + i), wanted),
         layer(l).name.c_str());
  }
}

template <class T>
void Passes<T>::penalties() {
  for (int l = 0; l < static_cast<int>(network_->layers().size()); ++l) {
    ++stage_;
    for (std::int64_t s = 0; s < plan_->mine.count; ++s) add_penalties(l, s, false);
  }
}

template <class T>
int Passes<T>::first_layer_not_finite() {
  const int layers = static_cast<int>(network_->layers().size());
  for (int l = 0; l < layers; ++l) {
    for (std::int64_t s = 0; s < plan_->mine.count; ++s) {
      const ConstMatrix y = layer_output(l, s);
      for (std::int64_t i = 0; i < y.rows; ++i) {
        const T* row = y.data + i * y.row_stride;
        if (!std::all_of(row, row + y.cols, [](T v) { return std::isfinite(v); })) return l;
      }
    }
  }
  return layers;
}

template <class T>
std::span<const double> Passes<T>::merged_sums() {
  sums_stack_.begin(plan_->local, layout_.length(), AESWEEP_SUM);
  for (std::int64_t s = 0; s < plan_->mine.count; ++s) {
    const double* from = &sum(s, 0);
    std::copy(from, from + layout_.length(), sums_stack_.leaf().begin());
    sums_stack_.leaf_done();
  }
  return sums_stack_.parts();
}

// --- Backward ---

template <class T>
void Passes<T>::activation_backward(int l, std::int64_t s, Gradients<T>& gradients) {
  if (!layer(l).activation || fault_.present()) return;
  const Transform<T>& transform = *layer(l).activation;
  const aesweep_context context = shard_context(transform.streams, s);
  Memory call = call_memory(transform, memory(l).activation, s);
  set_gradients(transform, gradients, call);
  const bool in_place = transform.component.has(AESWEEP_IN_PLACE);
  const typename Abi<T>::Active* active = memory(l).active.shard(s);
  const ConstMatrix x = pre_activation(l, s);
  const ConstMatrix y = layer_output(l, s);
  const Matrix from = rows(workspace_->delta[delta_], s, layer(l).output_cols);
  const ConstMatrix dy = as_const_matrix<ConstMatrix>(from, active);
  const Matrix dx = in_place ? from : rows(workspace_->delta_pre, s, layer(l).output_cols);
  note(s,
       transform.component.call("backward", transform.table.backward, &context, &call, &x, &y, &dy,
                                &dx),
       layer(l).name.c_str());
}

template <class T>
void Passes<T>::layer_backward(int l, std::int64_t s, Gradients<T>& gradients) {
  if (fault_.present()) return;
  const Transform<T>& transform = layer(l).layer;
  const aesweep_context context = shard_context(transform.streams, s);
  Memory call = call_memory(transform, memory(l).layer, s);
  set_gradients(transform, gradients, call);
  const bool inner = layer(l).activation && !layer(l).activation->component.has(AESWEEP_IN_PLACE);
  const typename Abi<T>::Active* none = nullptr;
  const ConstMatrix x = layer_input(l, s);
  const ConstMatrix y = pre_activation(l, s);
  const ConstMatrix dy = as_const_matrix<ConstMatrix>(
      rows(inner ? workspace_->delta_pre : workspace_->delta[delta_], s, layer(l).output_cols),
      none);
  Matrix dx{};
  if (l > 0) {
    dx = rows(workspace_->delta[1 - delta_], s, layer(l).input_cols);
    if (memory(l - 1).gradient_at_active) {
      dx.active = memory(l - 1).active.shard(s);
      for (std::int64_t i = 0; i < dx.rows; ++i) {
        std::fill_n(dx.data + i * dx.row_stride, dx.cols, T(0));
      }
    }
  }
  note(s,
       transform.component.call("backward", transform.table.backward, &context, &call, &x, &y, &dy,
                                l > 0 ? static_cast<const Matrix*>(&dx) : nullptr),
       layer(l).name.c_str());
}

template <class T>
template <class Work>
void Passes<T>::stage(const std::function<void()>& between, Work work) {
  ++stage_;
  for (std::int64_t s = 0; s < plan_->mine.count; ++s) {
    work(s);
    between();
  }
}

// Statistics need every shard's gradient first; without them a shard goes through at once, while it
// is in the cache.
template <class T>
void Passes<T>::backward_of_layer(int l, Gradients<T>& gradients,
                                  const std::function<void()>& between) {
  const Layer<T>& of = layer(l);
  const bool activation_rounds =
      of.activation && has_rounds(of.activation->component, AESWEEP_BEFORE_BACKWARD);
  if (!activation_rounds && !has_rounds(of.layer.component, AESWEEP_BEFORE_BACKWARD)) {
    gradients.leaves_begin(l, of.learned);
    stage(between, [&](std::int64_t s) {
      add_penalties(l, s, true);
      activation_backward(l, s, gradients);
      layer_backward(l, s, gradients);
      gradients.leaf_done();
    });
    return;
  }
  stage(between, [&](std::int64_t s) { add_penalties(l, s, true); });
  if (of.activation) {
    transform_rounds(*of.activation, memory(l).activation, AESWEEP_BEFORE_BACKWARD, l, true);
    gradients.leaves_begin(l, of.activation->learned);
    stage(between, [&](std::int64_t s) {
      activation_backward(l, s, gradients);
      gradients.leaf_done();
    });
  }
  transform_rounds(of.layer, memory(l).layer, AESWEEP_BEFORE_BACKWARD, l, false);
  gradients.leaves_begin(l, of.layer.learned);
  stage(between, [&](std::int64_t s) {
    layer_backward(l, s, gradients);
    gradients.leaf_done();
  });
}

template <class T>
void Passes<T>::backward(Gradients<T>& gradients, const std::function<void()>& between) {
  for (int l = static_cast<int>(network_->layers().size()) - 1; l >= 0; --l) {
    backward_of_layer(l, gradients, between);
    gradients.layer_done(*exchange_);
    delta_ = 1 - delta_;
  }
}

template <class T>
void Passes<T>::end_step() {
  ++stage_;
  const auto end = [&](const Transform<T>& transform, ComponentMemory<T>& results,
                       const std::string& where) {
    if (transform.table.end_step == nullptr || fault_.present()) return;
    aesweep_context context = context_;
    context.stream = transform.streams[context.mode];
    const Memory call = call_memory(transform, results, 0);
    note(0, transform.component.call("end_step", transform.table.end_step, &context, &call),
         where.c_str());
  };
  for (int l = 0; l < static_cast<int>(network_->layers().size()); ++l) {
    end(layer(l).layer, memory(l).layer, layer(l).name);
    if (layer(l).activation) end(*layer(l).activation, memory(l).activation, layer(l).name);
  }
}

template std::size_t activation_penalty_count<float>(const Network<float>&);
template std::size_t activation_penalty_count<double>(const Network<double>&);
template class Passes<float>;
template class Passes<double>;

}  // namespace aesweep
