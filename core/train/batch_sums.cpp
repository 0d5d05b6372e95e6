#include "core/train/batch_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/math/lane_sum.hpp"

namespace aesweep {

template <class T>
double squared_error(const typename Abi<T>::ConstMatrix& prediction,
                     const typename Abi<T>::ConstMatrix& target) {
  double total = 0.0;
  for (std::int64_t i = 0; i < prediction.rows; ++i) {
    const T* p = prediction.data + i * prediction.row_stride;
    const T* t = target.data + i * target.row_stride;
    total += lane_sum(static_cast<std::size_t>(prediction.cols), [p, t](std::size_t j) {
      const double error = static_cast<double>(p[j]) - static_cast<double>(t[j]);
      return error * error;
    });
  }
  return total;
}

template <class T>
double misclassified(const typename Abi<T>::ConstMatrix& prediction, const std::int32_t* labels) {
  double wrong = 0.0;
  for (std::int64_t i = 0; i < prediction.rows; ++i) {
    const T* p = prediction.data + i * prediction.row_stride;
    const T* end = p + prediction.cols;
    if (!std::all_of(p, end, [](T v) { return std::isfinite(v); })) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (std::max_element(p, end) - p != labels[i]) wrong += 1.0;
  }
  return wrong;
}

template <class T>
double measure_code(const typename Abi<T>::ConstMatrix& code, double threshold,
                    std::span<std::uint32_t> unit_counts) {
  const T limit = static_cast<T>(threshold);
  double total = 0.0;
  for (std::int64_t i = 0; i < code.rows; ++i) {
    const T* row = code.data + i * code.row_stride;
    std::uint32_t* counts = unit_counts.data();
    for (std::int64_t j = 0; j < code.cols; ++j) counts[j] += std::abs(row[j]) > limit ? 1u : 0u;
    total += lane_sum(static_cast<std::size_t>(code.cols),
                      [row](std::size_t j) { return static_cast<double>(row[j]); });
  }
  return total;
}

template double squared_error<float>(const Abi<float>::ConstMatrix&,
                                     const Abi<float>::ConstMatrix&);
template double squared_error<double>(const Abi<double>::ConstMatrix&,
                                      const Abi<double>::ConstMatrix&);
template double misclassified<float>(const Abi<float>::ConstMatrix&, const std::int32_t*);
template double misclassified<double>(const Abi<double>::ConstMatrix&, const std::int32_t*);
template double measure_code<float>(const Abi<float>::ConstMatrix&, double,
                                    std::span<std::uint32_t>);
template double measure_code<double>(const Abi<double>::ConstMatrix&, double,
                                     std::span<std::uint32_t>);

}  // namespace aesweep
