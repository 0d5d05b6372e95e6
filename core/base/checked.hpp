// Checked: unsigned 64-bit arithmetic for sizes that come from outside; no value means overflow.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>

namespace aesweep {

[[nodiscard]] inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

[[nodiscard]] inline std::optional<std::uint64_t> checked_multiply(std::uint64_t a,
                                                                   std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// The product of all factors, 1 for none. A zero factor makes the product 0 even where the others
// alone would overflow, if it comes before the overflow.
[[nodiscard]] inline std::optional<std::uint64_t> checked_product(
    std::initializer_list<std::uint64_t> factors) {
  std::optional<std::uint64_t> product = 1;
  for (const std::uint64_t factor : factors) {
    product = checked_multiply(*product, factor);
    if (!product) return std::nullopt;
  }
  return product;
}

// `value` rounded up to a multiple of `alignment` (a power of two).
[[nodiscard]] inline std::optional<std::uint64_t> checked_align(std::uint64_t value,
                                                                std::uint64_t alignment) {
  const std::optional<std::uint64_t> raised = checked_add(value, alignment - 1);
  if (!raised) return std::nullopt;
  return *raised & ~(alignment - 1);
}

}  // namespace aesweep
