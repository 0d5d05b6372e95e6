#include "core/train/penalties.hpp"

namespace aesweep {

template <class T>
void Penalties<T>::add(int l, std::int64_t s, bool with_gradient) {
  const Layer<T>& layer = calls_->layer(l);
  for (std::size_t i = 0; i < layer.on_activations.size() && !calls_->failed(); ++i) {
    const Regularizer<T>& r = layer.on_activations[i];
    const aesweep_context context = calls_->shard_context(r.streams, s);
    const auto memory = calls_->memory(calls_->layer_memory(l).regularizers[i], s);
    const auto seen = calls_->views(r, l, s);
    const typename Abi<T>::Matrix gradient = calls_->output_gradient(l, s);
    calls_->note(s, r.component.call("on_activations", r.table.on_activations, &context, &memory,
                                     &seen, &calls_->sum(s, calls_->first_penalty(l) + i),
                                     with_gradient ? &gradient : nullptr));
  }
}

template class Penalties<float>;
template class Penalties<double>;

}  // namespace aesweep
