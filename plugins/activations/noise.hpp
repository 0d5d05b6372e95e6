// Random bits for the chunks of a matrix of batch data, by the SDK's philox.hpp: row i, unit j is
// word j % 4 of the block at (step, first_row + i, j / 4). So the bits depend on the sample's place
// in the global batch, and not on how the batch is cut into shards.
#pragma once

#include <array>
#include <cstdint>

#include "core/sdk/philox.hpp"
#include "core/sdk/plugin.hpp"

namespace aesweep {

template <class Real>
using Words = std::array<std::uint32_t, static_cast<std::size_t>(sdk::kChunk<Real>)>;

// The words of units [unit, unit + kChunk) of `row`; unit is a multiple of 4. The loops over blocks
// are vector loops: one call of philox per block would be the most of a random activation's time.
template <class Real>
Words<Real> batch_words(PhiloxKey key, std::uint64_t step, std::uint64_t row, std::uint64_t unit) {
  constexpr std::size_t kBlocks = static_cast<std::size_t>(sdk::kChunk<Real>) / 4;
  Words<Real> words;
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const PhiloxBlock block = philox(key, batch_counter(step, row, unit + 4 * b));
    for (std::size_t w = 0; w < 4; ++w) words[4 * b + w] = block[w];
  }
  return words;
}

// y = f(chunk of x, its words), rows in order. y may be x.
template <class Real, class F>
void for_each_random_chunk(const sdk::Context& context, PhiloxKey key, const sdk::Matrix<Real>& y,
                           const F& f, const sdk::ConstMatrix<Real>& x) {
  using Chunk = sdk::Chunk<Real>;
  for (std::int64_t i = 0; i < y.rows; ++i) {
    const std::uint64_t row = context.first_row + static_cast<std::uint64_t>(i);
    std::uint64_t unit = 0;
    sdk::for_each_chunk<Real>(
        y.cols, sdk::row(y, i),
        [&](const Chunk& in) -> Chunk {
          const Words<Real> words = batch_words<Real>(key, context.step, row, unit);
          unit += static_cast<std::uint64_t>(sdk::kChunk<Real>);
          return f(in, words);
        },
        sdk::row(x, i));
  }
}

}  // namespace aesweep
