#include "core/data/convert.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/check.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

template <class T>
T read_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class Stored, class Kept, class Widen>
void widen(std::span<const std::byte> in, std::byte* out, Widen value) {
  for (std::size_t i = 0; i < in.size() / sizeof(Stored); ++i) {
    const Kept kept = value(read_as<Stored>(in.data() + i * sizeof(Stored)));
    std::memcpy(out + i * sizeof kept, &kept, sizeof kept);
  }
}

template <class Stored, class Kept>
void widen(std::span<const std::byte> in, std::byte* out) {
  widen<Stored, Kept>(in, out, [](Stored value) { return static_cast<Kept>(value); });
}

Status widen_i64(std::span<const std::byte> in, std::byte* out) {
  // Up to here every whole number is a double; beyond, only some are.
  constexpr std::int64_t kExact = std::int64_t{1} << std::numeric_limits<double>::digits;
  for (std::size_t i = 0; i < in.size() / sizeof(std::int64_t); ++i) {
    const auto value = read_as<std::int64_t>(in.data() + i * sizeof(std::int64_t));
    if (value >= -kExact && value <= kExact) continue;
    return Status::input(
        text("column ", i, " is ", value,
             "; whole numbers beyond 2^53 are not all exact in f64. Store real ones"));
  }
  widen<std::int64_t, double>(in, out);
  return {};
}

}  // namespace

Element element_of(ArrayType type) {
  switch (type) {
    case ArrayType::kBool:
    case ArrayType::kU8:
      return Element::kU8;
    case ArrayType::kI8:
    case ArrayType::kI16:
    case ArrayType::kF16:
    case ArrayType::kBf16:
    case ArrayType::kF32:
      return Element::kF32;
    case ArrayType::kI32:
    case ArrayType::kI64:
    case ArrayType::kF64:
      return Element::kF64;
  }
  AESWEEP_CHECK(false, "a type that no array has");
}

double type_scale(ArrayType type) { return type == ArrayType::kU8 ? 1.0 / 255.0 : 1.0; }

bool is_kept(ArrayType type) {
  return type == ArrayType::kBool || type == ArrayType::kU8 || type == ArrayType::kF32 ||
         type == ArrayType::kF64;
}

bool is_whole(ArrayType type) {
  return type != ArrayType::kF16 && type != ArrayType::kBf16 && type != ArrayType::kF32 &&
         type != ArrayType::kF64;
}

float float_of_half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  float size = 0.0F;
  if (exponent == 31) {
    size = fraction == 0 ? std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    size = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    size = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return std::copysign(size, (bits & 0x8000) != 0 ? -1.0F : 1.0F);
}

Status convert(ArrayType type, std::span<const std::byte> in, std::byte* out) {
  switch (type) {
    case ArrayType::kI8:
      widen<std::int8_t, float>(in, out);
      return {};
    case ArrayType::kI16:
      widen<std::int16_t, float>(in, out);
      return {};
    case ArrayType::kF16:
      widen<std::uint16_t, float>(in, out, float_of_half);
      return {};
    case ArrayType::kBf16:
      widen<std::uint16_t, float>(in, out, [](std::uint16_t bits) {
        return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
      });
      return {};
    case ArrayType::kI32:
      widen<std::int32_t, double>(in, out);
      return {};
    case ArrayType::kI64:
      return widen_i64(in, out);
    case ArrayType::kBool:
    case ArrayType::kU8:
    case ArrayType::kF32:
    case ArrayType::kF64:
      std::memcpy(out, in.data(), in.size());
      return {};
  }
  return {};
}

std::int64_t whole_number(ArrayType type, const std::byte* element) {
  switch (type) {
    case ArrayType::kBool:
    case ArrayType::kU8:
      return read_as<std::uint8_t>(element);
    case ArrayType::kI8:
      return read_as<std::int8_t>(element);
    case ArrayType::kI16:
      return read_as<std::int16_t>(element);
    case ArrayType::kI32:
      return read_as<std::int32_t>(element);
    case ArrayType::kI64:
      return read_as<std::int64_t>(element);
    default:
      AESWEEP_CHECK(false, "whole_number of a real type");
  }
}

}  // namespace aesweep
