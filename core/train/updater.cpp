#include "core/train/updater.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/math/lane_sum.hpp"
#include "core/model/call_trace.hpp"
#include "core/train/schedule.hpp"

namespace aesweep {
namespace {

aesweep_block block_of(const Tensor& tensor, ElementRange range) {
  return {sizeof(aesweep_block), tensor.flags, range.first, range.count, tensor.rows, tensor.cols};
}

template <class T>
double sum_of_squares(const T* values, std::size_t count) {
  return lane_sum(count, [values](std::size_t i) {
    const double v = static_cast<double>(values[i]);
    return v * v;
  });
}

// Calls visit(block) for the blocks of a range, in order, until one fails.
template <class Visit>
Status each_block(ElementRange range, Visit visit) {
  for (std::size_t first = range.first; first < range.first + range.count;
       first += kBlockElements) {
    const std::size_t count = std::min(kBlockElements, range.first + range.count - first);
    AESWEEP_RETURN_IF_ERROR(visit(ElementRange{first, count}));
  }
  return {};
}

// Whether the tensor's quantizer compares weights with those from before the update.
template <class T>
bool reads_previous(const Network<T>& network, const Tensor& tensor) {
  if (!tensor.quantized) return false;
  const auto& quantizer = network.layers()[static_cast<std::size_t>(tensor.layer)].quantizer;
  return quantizer->table.after_update != nullptr &&
         quantizer->component.has(AESWEEP_READS_PREVIOUS);
}

// The longest run of elements of which after_update gets a copy.
template <class T>
std::size_t previous_elements(const Network<T>& network, const Partition& partition,
                              const Optimizers<T>& optimizers, int rank) {
  std::size_t most = 0;
  for (int t = 0; t < static_cast<int>(network.tensors().size()); ++t) {
    if (!reads_previous(network, network.tensors()[static_cast<std::size_t>(t)])) continue;
    const std::size_t owned = partition.owned(t, rank).count;
    const bool blockwise = optimizers.of(t).component.has(AESWEEP_BLOCKWISE);
    most = std::max(most, blockwise ? std::min(owned, kBlockElements) : owned);
  }
  return most;
}

// A limit beyond the range of T clips nothing.
template <class T>
T clip_limit(double value) {
  return static_cast<T>(std::min(value, static_cast<double>(std::numeric_limits<T>::max())));
}

template <class T>
void clip_values(T* values, std::size_t count, T limit) {
  for (std::size_t i = 0; i < count; ++i) values[i] = std::clamp(values[i], -limit, limit);
}

// The product is rounded once, to T.
template <class T>
void scale_values(T* values, std::size_t count, double factor) {
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<T>(static_cast<double>(values[i]) * factor);
  }
}

}  // namespace

template <class T>
std::vector<PenaltyTerm> penalty_terms(const Network<T>& network) {
  std::vector<PenaltyTerm> terms;
  for (std::size_t l = 0; l < network.layers().size(); ++l) {
    for (std::size_t i = 0; i < network.layers()[l].on_weights.size(); ++i) {
      terms.push_back({static_cast<int>(l), static_cast<int>(i)});
    }
  }
  return terms;
}

template <class T>
Status penalty_value(const Network<T>& network, const Parameters<T>& parameters, PenaltyTerm term,
                     const aesweep_context& context, double& value) {
  const Layer<T>& layer = network.layers()[static_cast<std::size_t>(term.layer)];
  const Regularizer<T>& penalty = layer.on_weights[static_cast<std::size_t>(term.index)];
  aesweep_context call_context = context;
  call_trace().layer = layer.traced;
  value = 0.0;
  for (int t = layer.learned.first; t < layer.learned.first + layer.learned.count; ++t) {
    const Tensor& tensor = network.tensors()[static_cast<std::size_t>(t)];
    if ((tensor.flags & AESWEEP_MAY_DECAY) == 0) continue;
    call_context.stream = tensor_stream(penalty.streams[context.mode], tensor);
    AESWEEP_RETURN_IF_ERROR(each_block({0, tensor.elements}, [&](ElementRange range) {
      const aesweep_block block = block_of(tensor, range);
      double share = 0.0;
      Status status = penalty.component.call(
          "on_parameter_block", penalty.table.on_parameter_block, &call_context, &block,
          parameters.real(t) + range.first, &share, static_cast<T*>(nullptr));
      value += share;
      return status;
    }));
  }
  return {};
}

template <class T>
std::size_t Updater<T>::state_elements(const Network<T>& network, const Partition& partition,
                                       const Optimizers<T>& optimizers, int rank) {
  std::size_t elements = 0;
  for (int t = 0; t < static_cast<int>(network.tensors().size()); ++t) {
    elements += padded_to_line<T>(partition.owned(t, rank).count) * optimizers.of(t).slots();
  }
  return elements + previous_elements(network, partition, optimizers, rank);
}

template <class T>
Updater<T>::Updater(const Network<T>& network, const Partition& partition,
                    const Optimizers<T>& optimizers, const TrainSpec& train,
                    Parameters<T>& parameters, Gradients<T>& gradients, int rank)
    : network_(&network),
      partition_(&partition),
      optimizers_(&optimizers),
      schedule_(train.schedule),
      clip_(train.clip),
      epochs_(static_cast<std::uint64_t>(train.epochs)),
      parameters_(&parameters),
      gradients_(&gradients),
      rank_(rank),
      block_values_(block_value_count(rank)),
      state_(state_elements(network, partition, optimizers, rank) -
             previous_elements(network, partition, optimizers, rank)),
      state_pointers_(optimizers.slots_max()),
      previous_(previous_elements(network, partition, optimizers, rank)),
      by_block_(partition.block_count()) {
  std::size_t values = 0;
  std::size_t state = 0;
  for (std::size_t t = 0; t < network.tensors().size(); ++t) {
    const ElementRange owned = partition.owned(static_cast<int>(t), rank);
    block_values_offset_.push_back(values);
    values += Partition::blocks_in(owned) * values_per_block(static_cast<int>(t));
    state_offset_.push_back(state);
    for (const aesweep_tensor& slot : optimizers.of(static_cast<int>(t)).component.tensors()) {
      std::fill_n(state_.data() + state, owned.count, static_cast<T>(slot.init_a));
      state += padded_to_line<T>(owned.count);
    }
  }
}

template <class T>
std::size_t Updater<T>::values_per_block(int tensor) const {
  const Tensor& of = network_->tensors()[static_cast<std::size_t>(tensor)];
  return 1 + network_->layers()[static_cast<std::size_t>(of.layer)].on_weights.size();
}

template <class T>
std::size_t Updater<T>::block_value_count(int rank) const {
  std::size_t count = 0;
  for (std::size_t t = 0; t < network_->tensors().size(); ++t) {
    count += Partition::blocks_in(partition_->owned(static_cast<int>(t), rank)) *
             values_per_block(static_cast<int>(t));
  }
  return count;
}

template <class T>
WeightFault Updater<T>::prepare(int tensor, const aesweep_context& context) {
  double* values = block_values_.data() + block_values_offset_[static_cast<std::size_t>(tensor)];
  const std::size_t stride = values_per_block(tensor);
  WeightFault fault;
  fault.status = each_block(partition_->owned(tensor, rank_), [&](ElementRange block) {
    fault.block = partition_->block_number(tensor, block);
    Status status = prepare_block(tensor, block, values, context);
    values += stride;
    return status;
  });
  return fault;
}

template <class T>
Status Updater<T>::prepare_block(int tensor, ElementRange range, double* values,
                                 const aesweep_context& context) {
  const Tensor& of = network_->tensors()[static_cast<std::size_t>(tensor)];
  const Layer<T>& layer = network_->layers()[static_cast<std::size_t>(of.layer)];
  const aesweep_block block = block_of(of, range);
  const T* weights = parameters_->real(tensor) + range.first;
  T* gradient = gradients_->merged(tensor, range);
  aesweep_context call_context = context;
  call_trace().layer = layer.traced;
  if (of.quantized && layer.quantizer->table.backward != nullptr) {
    call_context.stream = tensor_stream(layer.quantizer->streams[context.mode], of);
    AESWEEP_RETURN_IF_ERROR(layer.quantizer->component.call(
        "backward", layer.quantizer->table.backward, &call_context, &block, weights, gradient,
        static_cast<const void*>(parameters_->kept(tensor))));
  }
  for (std::size_t i = 0; i < layer.on_weights.size(); ++i) {
    values[1 + i] = 0.0;
    if ((of.flags & AESWEEP_MAY_DECAY) == 0) continue;
    const Regularizer<T>& penalty = layer.on_weights[i];
    call_context.stream = tensor_stream(penalty.streams[context.mode], of);
    AESWEEP_RETURN_IF_ERROR(penalty.component.call("on_parameter_block",
                                                   penalty.table.on_parameter_block, &call_context,
                                                   &block, weights, &values[1 + i], gradient));
  }
  const auto finite = [](T g) { return std::isfinite(g); };
  if (clip_.value > 0.0 && std::all_of(gradient, gradient + range.count, finite)) {
    clip_values(gradient, range.count, clip_limit<T>(clip_.value));
  }
  values[0] = sum_of_squares(gradient, range.count);
  return {};
}

template <class T>
void Updater<T>::sum_blocks(std::span<const double> all, std::span<double> tensor_norms_sq,
                            std::span<double> penalties) const {
  std::fill(tensor_norms_sq.begin(), tensor_norms_sq.end(), 0.0);
  std::fill(penalties.begin(), penalties.end(), 0.0);
  const int tensors = static_cast<int>(network_->tensors().size());
  const int ranks = partition_->ownership() == Ownership::kReplicated ? 1 : partition_->ranks();
  std::size_t penalty = 0;
  for (std::size_t l = 0; l < network_->layers().size(); ++l) {
    const std::size_t width = 1 + network_->layers()[l].on_weights.size();
    for (std::size_t v = 0; v < width; ++v) {
      // Lay the values out by block index, wherever their owner put them, then add in that order.
      const TensorRange learned = network_->layers()[l].learned;
      const double* rank_values = all.data();
      for (int r = 0; r < ranks; ++r) {
        const double* at = rank_values;
        for (int t = 0; t < tensors; ++t) {
          const ElementRange owned = partition_->owned(t, r);
          const std::size_t blocks = Partition::blocks_in(owned);
          if (t >= learned.first && t < learned.first + learned.count) {
            const std::size_t first = partition_->block_number(t, owned);
            for (std::size_t b = 0; b < blocks; ++b) by_block_[first + b] = at[b * width + v];
          }
          at += blocks * values_per_block(t);
        }
        rank_values = at;
      }
      for (int t = learned.first; t < learned.first + learned.count; ++t) {
        double& sum = v == 0 ? tensor_norms_sq[static_cast<std::size_t>(t)] : penalties[penalty];
        for (std::size_t b = partition_->first_block(t); b < partition_->first_block(t + 1); ++b) {
          sum += by_block_[b];
        }
      }
      if (v > 0) ++penalty;
    }
  }
}

template <class T>
void Updater<T>::begin_update(const aesweep_context& context,
                              std::span<const double> tensor_norms_sq) {
  rate_factor_ =
      rate_factor(schedule_, {context.step, context.total_steps, context.epoch, epochs_});
  clip_factor_ = 1.0;
  if (clip_.norm == 0.0) return;
  double norm_sq = 0.0;
  for (const double tensor_norm_sq : tensor_norms_sq) norm_sq += tensor_norm_sq;
  const double norm = std::sqrt(norm_sq);
  if (norm > clip_.norm) clip_factor_ = clip_.norm / norm;
}

template <class T>
std::span<T> Updater<T>::state(int tensor, std::size_t slot) {
  const std::size_t owned = partition_->owned(tensor, rank_).count;
  return state_.span().subspan(
      state_offset_[static_cast<std::size_t>(tensor)] + slot * padded_to_line<T>(owned), owned);
}

template <class T>
WeightFault Updater<T>::update(int tensor, const aesweep_context& context) {
  aesweep_context call_context = context;
  WeightFault fault;
  const ElementRange owned = partition_->owned(tensor, rank_);
  if (owned.count == 0) return fault;
  const auto update = [&](ElementRange range) {
    fault.block = partition_->block_number(tensor, range);
    return update_block(tensor, range, call_context);
  };
  const bool blockwise = optimizers_->of(tensor).component.has(AESWEEP_BLOCKWISE);
  fault.status = blockwise ? each_block(owned, update) : update(owned);
  return fault;
}

template <class T>
Status Updater<T>::update_block(int tensor, ElementRange range, aesweep_context& context) {
  const Tensor& of = network_->tensors()[static_cast<std::size_t>(tensor)];
  const Layer<T>& layer = network_->layers()[static_cast<std::size_t>(of.layer)];
  const ElementRange owned = partition_->owned(tensor, rank_);
  const aesweep_block block = block_of(of, range);
  const Optimizer<T>& optimizer = optimizers_->of(tensor);
  T* weights = parameters_->real(tensor) + range.first;
  for (std::size_t s = 0; s < optimizer.slots(); ++s) {
    state_pointers_[s] = state(tensor, s).data() + (range.first - owned.first);
  }
  T* gradient = gradients_->gradient(tensor) + range.first;
  if (clip_factor_ < 1.0) scale_values(gradient, range.count, clip_factor_);
  const T* previous = nullptr;
  if (reads_previous(*network_, of)) {
    std::copy_n(weights, range.count, previous_.data());
    previous = previous_.data();
  }
  context.stream = tensor_stream(optimizer.stream, of);
  context.rate_factor = rate_factor_;
  call_trace().layer = "optimizer";
  AESWEEP_RETURN_IF_ERROR(optimizer.component.call("update", optimizer.table.update, &context,
                                                   &block, weights, static_cast<const T*>(gradient),
                                                   static_cast<T* const*>(state_pointers_.data())));
  if (!of.quantized || layer.quantizer->table.after_update == nullptr) return {};
  context.stream = tensor_stream(layer.quantizer->streams[context.mode], of);
  context.rate_factor = 1.0;
  call_trace().layer = layer.traced;
  return layer.quantizer->component.call("after_update", layer.quantizer->table.after_update,
                                         &context, &block, previous, weights);
}

template std::vector<PenaltyTerm> penalty_terms<float>(const Network<float>&);
template std::vector<PenaltyTerm> penalty_terms<double>(const Network<double>&);
template Status penalty_value<float>(const Network<float>&, const Parameters<float>&, PenaltyTerm,
                                     const aesweep_context&, double&);
template Status penalty_value<double>(const Network<double>&, const Parameters<double>&,
                                      PenaltyTerm, const aesweep_context&, double&);
template class Updater<float>;
template class Updater<double>;

}  // namespace aesweep
