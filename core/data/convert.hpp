// Convert: the types of arrays as the types that samples and labels are kept in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "core/data/dataset.hpp"

namespace aesweep {

// bool and u8: u8. i8, i16, f16, bf16 and f32: f32. i32, i64 and f64: f64. No value changes.
[[nodiscard]] Element element_of(ArrayType type);

// From stored numbers to values where the type alone decides: 1/255 for u8, else 1.
[[nodiscard]] double type_scale(ArrayType type);

// Whether the stored bytes are those of the element as they are.
[[nodiscard]] bool is_kept(ArrayType type);

[[nodiscard]] bool is_whole(ArrayType type);  // Integers and bool.

// out[i] = in[i]. i64 beyond 2^53, which f64 may not hold, is an input fault that names the column
// i. `in` and `out` hold as many elements, at any address.
[[nodiscard]] Status convert(ArrayType type, std::span<const std::byte> in, std::byte* out);

// The number at `element`, of a type that is whole.
[[nodiscard]] std::int64_t whole_number(ArrayType type, const std::byte* element);

// The value of an IEEE 754 binary16 number; NaN stays NaN.
[[nodiscard]] float float_of_half(std::uint16_t bits);

}  // namespace aesweep
