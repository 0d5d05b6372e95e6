#include "core/train/backward.hpp"

#include <algorithm>

namespace aesweep {

template <class T>
void Backward<T>::through_activation(int l, std::int64_t s, Gradients<T>& gradients) {
  if (!calls_->layer(l).activation || calls_->failed()) return;
  const Transform<T>& transform = *calls_->layer(l).activation;
  const aesweep_context context = calls_->shard_context(transform.streams, s);
  auto memory = calls_->memory(l, transform, calls_->layer_memory(l).activation, s);
  memory.gradients = gradients.leaves(transform.learned);
  const typename Abi<T>::ConstMatrix x = calls_->pre_activation(l, s);
  const typename Abi<T>::ConstMatrix y = calls_->layer_output(l, s);
  const typename Abi<T>::Matrix from = calls_->output_gradient(l, s);
  const typename Abi<T>::ConstMatrix dy = {from.data, y.active, from.rows, from.cols,
                                           from.row_stride};
  const typename Abi<T>::Matrix dx = calls_->pre_gradient(l, s);
  calls_->note(s, transform.component.call("backward", transform.table.backward, &context, &memory,
                                           &x, &y, &dy, &dx));
}

template <class T>
void Backward<T>::through_layer(int l, std::int64_t s, Gradients<T>& gradients) {
  if (calls_->failed()) return;
  const Transform<T>& transform = calls_->layer(l).layer;
  const aesweep_context context = calls_->shard_context(transform.streams, s);
  auto memory = calls_->memory(l, transform, calls_->layer_memory(l).layer, s);
  memory.gradients = gradients.leaves(transform.learned);
  memory.viewed_gradients = gradients.contributions().room(l, s);
  const typename Abi<T>::ConstMatrix x = calls_->layer_input(l, s);
  const typename Abi<T>::ConstMatrix y = calls_->pre_activation(l, s);
  const typename Abi<T>::Matrix from = calls_->pre_gradient(l, s);
  const typename Abi<T>::ConstMatrix dy = {from.data, nullptr, from.rows, from.cols,
                                           from.row_stride};
  typename Abi<T>::Matrix dx{};
  if (l > 0) {
    dx = calls_->input_gradient(l, s);
    if (calls_->layer_memory(l - 1).gradient_at_active) {
      dx.active = calls_->layer_memory(l - 1).active.shard(s);
      for (std::int64_t i = 0; i < dx.rows; ++i) {
        std::fill_n(dx.data + i * dx.row_stride, dx.cols, T(0));
      }
    }
  }
  const typename Abi<T>::Matrix* wanted = l > 0 ? &dx : nullptr;
  calls_->note(s, transform.component.call("backward", transform.table.backward, &context, &memory,
                                           &x, &y, &dy, wanted));
  gradients.contributions().written(l, s);
  penalties_->add_to_parameters(l, s, gradients);
}

template <class T>
template <class Work>
void Backward<T>::stage(int l, const std::function<void()>& between, Work work) {
  calls_->next_stage(calls_->layer(l).traced);
  for (std::int64_t s = 0; s < calls_->shard_count(); ++s) {
    work(s);
    between();
  }
}

// Without statistics rounds a shard goes through at once, while it is in the cache.
template <class T>
void Backward<T>::layer(int l, Gradients<T>& gradients, const std::function<void()>& between) {
  gradients.leaves_begin(l, calls_->layer(l).learned);
  stage(l, between, [&](std::int64_t s) {
    penalties_->add(l, s, true);
    through_activation(l, s, gradients);
    through_layer(l, s, gradients);
    gradients.leaf_done();
  });
}

// Statistics need every shard's gradient first.
template <class T>
void Backward<T>::layer_with_rounds(int l, Gradients<T>& gradients,
                                    const std::function<void()>& between) {
  const Layer<T>& of = calls_->layer(l);
  stage(l, between, [&](std::int64_t s) { penalties_->add(l, s, true); });
  if (of.activation) {
    rounds_->activation(l, AESWEEP_BEFORE_BACKWARD);
    gradients.leaves_begin(l, of.activation->learned);
    stage(l, between, [&](std::int64_t s) {
      through_activation(l, s, gradients);
      gradients.leaf_done();
    });
  }
  rounds_->layer(l, AESWEEP_BEFORE_BACKWARD);
  gradients.leaves_begin(l, of.layer.learned);
  stage(l, between, [&](std::int64_t s) {
    through_layer(l, s, gradients);
    gradients.leaf_done();
  });
}

template <class T>
void Backward<T>::run(Gradients<T>& gradients, Exchange& exchange,
                      const std::function<void()>& between) {
  for (int l = calls_->layer_count() - 1; l >= 0; --l) {
    const Layer<T>& of = calls_->layer(l);
    const bool rounds =
        rounds_->any(of.layer.component, AESWEEP_BEFORE_BACKWARD) ||
        (of.activation && rounds_->any(of.activation->component, AESWEEP_BEFORE_BACKWARD));
    if (rounds) {
      layer_with_rounds(l, gradients, between);
    } else {
      layer(l, gradients, between);
    }
    gradients.layer_done(exchange);
    calls_->next_layer();
  }
}

template class Backward<float>;
template class Backward<double>;

}  // namespace aesweep
