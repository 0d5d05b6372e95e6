#include "core/math/fingerprint.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/math/gemm.hpp"

namespace aesweep {
namespace {

// Values in [-1, 1) from a linear congruential generator: fixed, and free of libm.
template <class T>
std::vector<T> fixed_values(std::size_t count, std::uint64_t state) {
  std::vector<T> values(count);
  for (T& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<T>(static_cast<double>(state >> 40) / 8388608.0 - 1.0);
  }
  return values;
}

template <class T>
void append(std::vector<std::byte>& bits, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  bits.insert(bits.end(), bytes.begin(), bytes.end());
}

// Shapes that reach full kernels and every kind of edge, in the three products of a dense layer.
template <class T>
void append_products(std::vector<std::byte>& bits) {
  struct Shape {
    std::int64_t m, n, k;
  };
  for (const Shape s : {Shape{64, 400, 784}, Shape{37, 250, 100}, Shape{7, 10, 33}}) {
    const auto size = [](std::int64_t a, std::int64_t b) {
      return static_cast<std::size_t>(a * b);
    };
    const auto a = fixed_values<T>(size(s.m, s.k), 1);
    const auto b = fixed_values<T>(size(s.k, s.n), 2);
    for (int form = 0; form < 3; ++form) {
      const bool ta = form == 1;
      const bool tb = form == 2;
      std::vector<T> c(size(s.m, s.n));
      gemm<T>(ta, tb, s.m, s.n, s.k, T(1), a.data(), ta ? s.m : s.k, b.data(), tb ? s.k : s.n, T(0),
              c.data(), s.n);
      append(bits, c);
    }
  }
}

template <class T>
void append_functions(std::vector<std::byte>& bits) {
  std::vector<T> results;
  for (const T x : fixed_values<T>(64, 3)) {
    const T positive = std::fabs(x) + T(0.125);
    for (const T y : {std::exp(x), std::log(positive), std::log1p(positive), std::tanh(x),
                      std::sin(x), std::cos(x), std::sqrt(positive), std::pow(positive, x)}) {
      results.push_back(y);
    }
  }
  append(bits, results);
}

}  // namespace

const std::string& numeric_fingerprint() {
  static const std::string fingerprint = [] {
    std::vector<std::byte> bits;
    append_products<float>(bits);
    append_products<double>(bits);
    append_functions<float>(bits);
    append_functions<double>(bits);
    return sha256_hex(bits).substr(0, 16);
  }();
  return fingerprint;
}

}  // namespace aesweep
