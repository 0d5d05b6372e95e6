#include "core/train/penalties.hpp"

namespace aesweep {

template <class T>
void Penalties<T>::add(int l, std::int64_t s, bool with_gradient) {
  const Layer<T>& layer = calls_->layer(l);
  for (std::size_t i = 0; i < layer.on_activations.size() && !calls_->failed(); ++i) {
    const Regularizer<T>& r = layer.on_activations[i];
    const aesweep_context context = calls_->shard_context(r.streams, s);
    const auto memory = calls_->penalty_memory(l, i, s);
    const auto seen = calls_->views(r, l, s);
    const typename Abi<T>::Matrix gradient = calls_->output_gradient(l, s);
    calls_->note(s, r.component.call("on_activations", r.table.on_activations, &context, &memory,
                                     &seen, &calls_->sum(s, calls_->first_penalty(l) + i),
                                     with_gradient ? &gradient : nullptr));
  }
}

template <class T>
void Penalties<T>::add_to_parameters(int l, std::int64_t s, Gradients<T>& gradients) {
  const Layer<T>& layer = calls_->layer(l);
  for (std::size_t i = 0; i < layer.on_activations.size() && !calls_->failed(); ++i) {
    const Regularizer<T>& r = layer.on_activations[i];
    if ((r.component.views() & AESWEEP_VIEW_PARAMETERS) == 0) continue;
    const aesweep_context context = calls_->shard_context(r.streams, s);
    auto memory = calls_->penalty_memory(l, i, s);
    memory.gradients = gradients.leaves(layer.layer.learned);
    const auto seen = calls_->views(r, l, s);
    calls_->note(s, r.component.call("on_layer_parameters", r.table.on_layer_parameters, &context,
                                     &memory, &seen));
  }
}

template class Penalties<float>;
template class Penalties<double>;

}  // namespace aesweep
