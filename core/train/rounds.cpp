#include "core/train/rounds.hpp"

#include <algorithm>
#include <limits>

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

bool in_phase(const aesweep_round& round, aesweep_phase phase) {
  return round.phase == static_cast<std::uint32_t>(phase);
}

}  // namespace

template <class T>
Rounds<T>::Rounds(ShardCalls<T>& calls, std::span<const BatchPlan> plans, Exchange& exchange)
    : calls_(&calls),
      exchange_(&exchange),
      round_(longest_round(calls.network()), plans, exchange.ranks()) {}

template <class T>
std::size_t Rounds<T>::bytes(const Network<T>& network, std::span<const BatchPlan> plans) {
  return StatisticsRound::bytes(longest_round(network), plans);
}

template <class T>
bool Rounds<T>::skipped(const aesweep_round& round) const {
  return (round.flags & AESWEEP_TRAIN_ONLY) != 0 && calls_->context().mode != AESWEEP_TRAIN;
}

template <class T>
bool Rounds<T>::any(const Component<T>& component, aesweep_phase phase) const {
  return std::any_of(component.rounds().begin(), component.rounds().end(),
                     [&](const aesweep_round& r) { return in_phase(r, phase) && !skipped(r); });
}

template <class T>
template <class Accumulate>
void Rounds<T>::run(int l, const Component<T>& component, ComponentMemory<T>& results,
                    aesweep_phase phase, Accumulate accumulate) {
  for (std::size_t r = 0; r < component.rounds().size(); ++r) {
    const aesweep_round& round = component.rounds()[r];
    if (!in_phase(round, phase)) continue;
    if (skipped(round)) {
      const std::span<double> result = results.result(r);
      std::fill(result.begin(), result.end(), std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    calls_->next_stage(calls_->layer(l).traced);
    round_.begin(calls_->plan(), round.length, static_cast<aesweep_reduction>(round.reduction));
    for (std::int64_t s = 0; s < calls_->shard_count(); ++s) {
      const std::span<double> leaf = round_.leaf();
      if (!calls_->failed()) calls_->note(s, accumulate(s, static_cast<std::uint32_t>(r), leaf));
      round_.leaf_done();
      exchange_->progress();
    }
    round_.finish(*exchange_, results.result(r));
  }
}

template <class T>
void Rounds<T>::transform(int l, const Transform<T>& transform, ComponentMemory<T>& results,
                          aesweep_phase phase, bool is_activation) {
  run(l, transform.component, results, phase,
      [&](std::int64_t s, std::uint32_t round, std::span<double> leaf) {
        const aesweep_context context = calls_->shard_context(transform.streams, s);
        auto memory = calls_->memory(l, transform, results, s);
        memory.statistic = leaf.data();
        const typename Abi<T>::ConstMatrix x =
            is_activation ? calls_->pre_activation(l, s) : calls_->layer_input(l, s);
        typename Abi<T>::ConstMatrix dy{};
        if (phase == AESWEEP_BEFORE_BACKWARD) {
          const typename Abi<T>::Matrix of =
              is_activation ? calls_->output_gradient(l, s) : calls_->pre_gradient(l, s);
          dy = {of.data, nullptr, of.rows, of.cols, of.row_stride};
        }
        const typename Abi<T>::ConstMatrix* given =
            phase == AESWEEP_BEFORE_BACKWARD ? &dy : nullptr;
        return transform.component.call("accumulate", transform.table.accumulate, &context, round,
                                        &memory, &x, given);
      });
}

template <class T>
void Rounds<T>::layer(int l, aesweep_phase phase) {
  transform(l, calls_->layer(l).layer, calls_->layer_memory(l).layer, phase, false);
}

template <class T>
void Rounds<T>::activation(int l, aesweep_phase phase) {
  transform(l, *calls_->layer(l).activation, calls_->layer_memory(l).activation, phase, true);
}

template <class T>
void Rounds<T>::regularizers(int l) {
  for (std::size_t i = 0; i < calls_->layer(l).on_activations.size(); ++i) {
    const Regularizer<T>& r = calls_->layer(l).on_activations[i];
    ComponentMemory<T>& results = calls_->layer_memory(l).regularizers[i];
    for (const aesweep_phase phase : {AESWEEP_BEFORE_FORWARD, AESWEEP_BEFORE_BACKWARD}) {
      run(l, r.component, results, phase,
          [&](std::int64_t s, std::uint32_t round, std::span<double> leaf) {
            const aesweep_context context = calls_->shard_context(r.streams, s);
            auto memory = calls_->penalty_memory(l, i, s);
            memory.statistic = leaf.data();
            const auto seen = calls_->views(r, l, s);
            return r.component.call("accumulate", r.table.accumulate, &context, round, &memory,
                                    &seen);
          });
    }
  }
}

template class Rounds<float>;
template class Rounds<double>;

}  // namespace aesweep
