#include "core/model/initialize.hpp"

#include <algorithm>
#include <array>

#include "core/sdk/philox.hpp"

namespace aesweep {
namespace {

// The four values of one block of random bits.
std::array<double, 4> draw(const Tensor& tensor, const PhiloxBlock& bits) {
  if (tensor.init == AESWEEP_INIT_NORMAL) {
    std::array<double, 4> values = standard_normals(bits);
    for (double& value : values) value = tensor.init_a + tensor.init_b * value;
    return values;
  }
  std::array<double, 4> values{};
  for (std::size_t i = 0; i < 4; ++i) {
    const double u = static_cast<double>(bits[i]) * 0x1p-32;
    values[i] = tensor.init_a + (tensor.init_b - tensor.init_a) * u;
  }
  return values;
}

}  // namespace

template <class T>
void initialize_tensor(const Tensor& tensor, std::uint64_t seed, std::span<T> values) {
  if (tensor.init == AESWEEP_INIT_CONSTANT) {
    std::fill(values.begin(), values.end(), static_cast<T>(tensor.init_a));
    return;
  }
  const PhiloxKey key = stream_key(stream_hash(seed, tensor.name, AESWEEP_TRAIN), 0);
  for (std::size_t first = 0; first < values.size(); first += 4) {
    const std::array<double, 4> four = draw(tensor, philox(key, tensor_counter(0, first)));
    const std::size_t count = std::min<std::size_t>(4, values.size() - first);
    for (std::size_t i = 0; i < count; ++i) values[first + i] = static_cast<T>(four[i]);
  }
}

template void initialize_tensor<float>(const Tensor&, std::uint64_t, std::span<float>);
template void initialize_tensor<double>(const Tensor&, std::uint64_t, std::span<double>);

}  // namespace aesweep
