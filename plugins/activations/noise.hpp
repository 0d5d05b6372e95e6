// Random bits for the chunks of a matrix of batch data, by the SDK's philox.hpp: row i, unit j is
// word j % 4 of the block at (step, first_row + i, j / 4). So the bits depend on the sample's place
// in the global batch, and not on how the batch is cut into shards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "core/sdk/plugin.hpp"
#include "core/sdk/random_words.hpp"

namespace aesweep {

template <class Real>
using Words = std::array<std::uint32_t, static_cast<std::size_t>(sdk::kChunk<Real>)>;

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
          Words<Real> words;
          batch_words<std::tuple_size_v<Words<Real>> / kWordRun>(key, context.step, row, unit,
                                                                 words.data());
          unit += static_cast<std::uint64_t>(sdk::kChunk<Real>);
          return f(in, words);
        },
        sdk::row(x, i));
  }
}

}  // namespace aesweep
