// Philox4x32-10, the counter-based random numbers of the plugin ABI (Salmon, Moraes, Dror & Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011), and how this program keys and counts
// them.
//
// There is no generator state: a number is a function of key and counter. Everything here is part
// of the ABI; changing a bit changes every result.
//
//   stream   aesweep_context.stream = stream_hash(seed, component path, mode)
//   key      stream_key(stream, purpose): one key per purpose, so that a component's draws for two
//            purposes are independent; purposes are numbers of the component's own choice
//   counter  batch data: words (step low, step high, row of the global batch, unit / 4);
//            tensors: (step low, step high, low and high word of element index / 4);
//            the unit or element takes word index % 4 of the block
//
// Depends on nothing else of the SDK; core uses it too. [any-thread]
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace aesweep {

struct PhiloxKey {
  std::array<std::uint32_t, 2> words{};
  constexpr bool operator==(const PhiloxKey&) const = default;
};

using PhiloxBlock = std::array<std::uint32_t, 4>;

// The block of random bits at `counter` under `key`.
[[nodiscard]] constexpr PhiloxBlock philox(PhiloxKey key, PhiloxBlock counter) {
  constexpr std::uint64_t kMultiply0 = 0xD2511F53, kMultiply1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  constexpr int kRounds = 10;
  auto [key0, key1] = key.words;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = kMultiply0 * counter[0];
    const std::uint64_t product1 = kMultiply1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0,
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1,
               static_cast<std::uint32_t>(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

namespace philox_detail {

// The finalizer of SplitMix64: a bijection in which every input bit moves about half the output.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace philox_detail

// FNV-1a over the seed's eight bytes (lowest first), the path and the mode's byte, then mixed.
[[nodiscard]] constexpr std::uint64_t stream_hash(std::uint64_t seed, std::string_view path,
                                                  std::uint32_t mode) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  const auto add = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001B3u; };
  for (int shift = 0; shift < 64; shift += 8) add((seed >> shift) & 0xFF);
  for (const char c : path) add(static_cast<unsigned char>(c));
  add(mode & 0xFF);
  return philox_detail::mix(hash);
}

[[nodiscard]] constexpr PhiloxKey stream_key(std::uint64_t stream, std::uint64_t purpose) {
  const std::uint64_t key =
      philox_detail::mix(stream ^ philox_detail::mix(purpose + 0x9E3779B97F4A7C15u));
  return {{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)}};
}

[[nodiscard]] constexpr PhiloxBlock batch_counter(std::uint64_t step, std::uint64_t row,
                                                  std::uint64_t unit) {
  return {static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
          static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(unit / 4)};
}

[[nodiscard]] constexpr PhiloxBlock tensor_counter(std::uint64_t step, std::uint64_t element) {
  const std::uint64_t block = element / 4;
  return {static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
          static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32)};
}

// Uniform in [0, 1), a multiple of 2^-24: exact in float, and the same number in double.
[[nodiscard]] constexpr float uniform_float(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

// Uniform in [0, 1), a multiple of 2^-53.
[[nodiscard]] constexpr double uniform_double(std::uint32_t high, std::uint32_t low) {
  return static_cast<double>(((std::uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

// Four standard normal numbers from one block (Box & Muller 1958), in double; at most 6.8 in
// absolute value. Words 0 and 1 give numbers 0 and 1, words 2 and 3 the others. Uses libm, whose
// last bit the numeric fingerprint covers; round to float for single precision.
[[nodiscard]] inline std::array<double, 4> standard_normals(const PhiloxBlock& block) {
  std::array<double, 4> normals{};
  for (std::size_t pair = 0; pair < 4; pair += 2) {
    // Half a step off zero: the logarithm stays finite.
    const double u = (static_cast<double>(block[pair]) + 0.5) * 0x1p-32;
    const double turn = static_cast<double>(block[pair + 1]) * 0x1p-32;
    const double radius = std::sqrt(-2.0 * std::log(u));
    normals[pair] = radius * std::cos(2.0 * std::numbers::pi * turn);
    normals[pair + 1] = radius * std::sin(2.0 * std::numbers::pi * turn);
  }
  return normals;
}

}  // namespace aesweep
