#include <algorithm>
#include <cmath>

#include "core/conformance/checks.hpp"

namespace aesweep::conformance {

std::string with(const Example& example) {
  return example.name.empty() ? std::string() : text("with ", example.name, ": ");
}

namespace {

// Of the gradient of a penalty on activations, what its own size does not bound: it may vanish
// altogether (softmax_kl of uniform codes), and what rounding in double leaves of it is then of the
// order of the terms that cancel, and these of that of the penalty. No other piece is looser for
// it.
double cancelled(const Outcome& base, const Piece& of) {
  if (of.name != "gradient") return 0.0;
  for (const Piece& piece : base) {
    if (piece.name == "penalty") return 0x1p-52 * std::abs(piece.values[0]);
  }
  return 0.0;
}

}  // namespace

Outcome rounding_bounds(const Subject& subject, const Example& example, const Shape& shape,
                        const Inputs& inputs, const Layout& layout, double epsilon) {
  constexpr double kRoundings = 64.0;
  constexpr int kPlays = 4;
  // Of single precision: a step that double resolves well. Of double: small, but far above its own
  // rounding.
  const double step = std::max(4.0 * epsilon, 0x1p-30);
  Live<double> live(subject, example);
  if (!live.plan(shape)) fail("plan in f64 refuses what it takes in f32: ", live.refusal());
  const Outcome base = run(live, inputs, layout);
  Outcome bounds = base;
  for (Piece& piece : bounds) std::fill(piece.values.begin(), piece.values.end(), 0.0);
  for (int play = 0; play < kPlays; ++play) {
    Inputs moved = inputs;
    std::int64_t number = 0;
    for (Piece* piece : moved.all()) {
      ++number;
      for (std::size_t k = 0; k < piece->values.size(); ++k) {
        // Targets that are -1 or 1 are so exactly, and some losses insist on it.
        if (std::abs(piece->values[k]) == 1.0) continue;
        const double side =
            scatter(static_cast<std::int64_t>(k), number, 900 + static_cast<std::uint64_t>(play));
        piece->values[k] *= 1.0 + std::copysign(step, side);
      }
    }
    const Outcome other = run(live, moved, layout);
    for (std::size_t p = 0; p < base.size(); ++p) {
      for (std::size_t k = 0; k < base[p].values.size(); ++k) {
        const double change = std::abs(other[p].values[k] - base[p].values[k]);
        bounds[p].values[k] = std::max(bounds[p].values[k], change);
      }
    }
  }
  for (std::size_t p = 0; p < base.size(); ++p) {
    const double least = cancelled(base, base[p]);
    double largest = 0.0;
    for (const double value : base[p].values) largest = std::max(largest, std::abs(value));
    for (double& bound : bounds[p].values) {
      bound = kRoundings * (bound * (epsilon / step) + epsilon * largest + least);
    }
  }
  return bounds;
}

}  // namespace aesweep::conformance
