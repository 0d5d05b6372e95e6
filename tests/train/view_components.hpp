// Components for tests of what the built-ins use little: views of earlier layers' tensors, rounds
// for training only, penalties that read parameters. Plain loops over smooth functions, so that
// every gradient can be checked by differences.
#pragma once

#include "core/model/catalogue.hpp"

namespace aesweep::test {

// The built-ins and:
//   layer tied (of, plain, as)   y = x w^T + b, or x w + b if plain, with another layer's tensor w;
//                                `as` plans the view wrongly: wide, twice
//   layer scale_by (of)          y = x * w, column by column, w[1,D] another layer's tensor
//   layer norm                   y = g (x - m) / sqrt(v + 0.01) + h: m, v of the batch in training,
//                                running ones, m += 0.1 (m_batch - m), in evaluation
//   activation gain (peek)       y = g sin x, with a round before backward; peek: views a tensor
//   regularizer gated            c / N sum_ij y_ij^2 sum_d w_dj^2, w the layer's first tensor
//   regularizer blind, mute      as gated, without its function and without its view
//   quantizer squash             q = 1.1 tanh w
//   quantizer keeper             q = w; keeps a double for every weight
[[nodiscard]] const Catalogue& view_catalogue();

}  // namespace aesweep::test
