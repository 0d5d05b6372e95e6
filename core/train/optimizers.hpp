// Optimizers<T>: every optimizer of a trial, and which of them updates which tensor.
//
// A learned tensor belongs to its layer's own optimizer where there is one that takes it (`on: all`
// takes every tensor of the layer and its activation, `on: quantized` those that the quantizer
// maps), else to the experiment's. Each tensor has exactly one. Immutable after create.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/component.hpp"
#include "core/model/network.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

template <class T>
struct Optimizer {
  Component<T> component;
  typename Abi<T>::Optimizer table;
  std::uint64_t stream = 0;  // Of its random numbers, in training.

  [[nodiscard]] std::size_t slots() const { return component.tensors().size(); }
};

template <class T>
class Optimizers {
 public:
  // Fails with an input fault that names the optimizer's place in the experiment.
  [[nodiscard]] static Result<Optimizers> create(const TrialSpec& spec, const Catalogue& catalogue,
                                                 const Network<T>& network);

  [[nodiscard]] const Optimizer<T>& of(int tensor) const {
    return all_[of_tensor_[static_cast<std::size_t>(tensor)]];
  }
  // Whether all work on blocks, so that ranks may own parts of a tensor.
  [[nodiscard]] bool blockwise() const;
  // The most state slots that any of them has.
  [[nodiscard]] std::size_t slots_max() const;

 private:
  std::vector<Optimizer<T>> all_;  // The experiment's first.
  std::vector<std::size_t> of_tensor_;
};

}  // namespace aesweep
