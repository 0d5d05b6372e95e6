// BatchSums: what a batch adds up to, per shard in double, merged along the tree: the layout of
// these vectors, and the sums over one shard's matrices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/abi_types.hpp"

namespace aesweep {

// [0] the loss, [1, penalties] the penalties on activations in layer order, then the error of
// the predictions (squared, or with label targets the number of wrong ones) and the sum of the
// code.
struct BatchSums {
  std::size_t penalties = 0;

  [[nodiscard]] std::size_t length() const { return penalties + 3; }
  [[nodiscard]] std::size_t error() const { return penalties + 1; }
  [[nodiscard]] std::size_t code_sum() const { return penalties + 2; }
};

// sum (p - t)^2 over p[B,D] and t[B,D]; rows in order.
template <class T>
[[nodiscard]] double squared_error(const typename Abi<T>::ConstMatrix& prediction,
                                   const typename Abi<T>::ConstMatrix& target);

// Rows of p[B,C] whose largest value, the first of equal ones, is not at labels[B]. A value that is
// not finite makes the result NaN.
template <class T>
[[nodiscard]] double misclassified(const typename Abi<T>::ConstMatrix& prediction,
                                   const std::int32_t* labels);

// Sum of code[B,K]; adds to unit_counts[K] the rows in which |code| of that unit is above
// threshold.
template <class T>
[[nodiscard]] double measure_code(const typename Abi<T>::ConstMatrix& code, double threshold,
                                  std::span<std::uint32_t> unit_counts);

}  // namespace aesweep
