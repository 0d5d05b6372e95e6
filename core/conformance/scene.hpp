// A scene: one batch laid out in memory and cut into shards, the numbers that go in, those that
// come out.
//
// run() plays a whole batch with a component of any kind, in the host's order: rounds, forward,
// rounds, backward, end_step and one evaluation for activations and layers, their like for the
// others. It checks on the way what always holds: canaries and inputs unchanged, outputs written.
// Two runs with the same inputs and another layout are what most cases compare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/conformance/live.hpp"

namespace aesweep::conformance {

// Numbers of one matrix, row by row. In double, which holds every float.
struct Piece {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> values;
};

// How the batch lies in memory and how it is called.
struct Layout {
  std::vector<std::int64_t> shards = {5};  // Rows of each.
  std::int64_t padding = 0;                // Elements between rows.
  std::int64_t offset = 0;                 // Elements from alignment.
  unsigned char garbage = 0;               // What scratch memory holds before.
  bool in_place = false;                   // y is x, dx is dy. Activations.
  bool longer = false;                     // Structs of a newer host.
  bool sparse_input = false;               // Layers: x comes with its active set.
  bool without_gradient = false;           // dx or gradient is null.
  bool value_only = false;                 // No gradients, no end_step, no evaluation.
  bool any_value = false;                  // NaN and infinity may come out.
  double rate_factor = 1.0;                // Optimizers: the schedule.
  std::uint64_t updates = 3;               // Optimizers: how many.
  bool steady_gradient = false;            // Optimizers: the same one every time.
  std::uint64_t step = 3;                  // Steps finished before this one.
  std::uint64_t seed = 7;                  // Of the context, and of its stream.
  double gradient_base = 0.0;              // What regularizers find in gradient and add to.
  bool may_decay = true;                   // Blocks carry MAY_DECAY.

  [[nodiscard]] std::int64_t rows() const {
    std::int64_t sum = 0;
    for (const std::int64_t shard : shards) sum += shard;
    return sum;
  }
};

// What goes in: `batch` by kind
//   activations, layers   "x", "dy"
//   regularizers          "input", "pre_activation", "output", and "w" for blocks of weights
//   quantizers            "w", "gradient", "previous"
//   losses                "prediction", "target"
//   optimizers            "w", "gradient"
// and the tensors that the plan asks for, by the plan's names. Numbers that a regularizer or a loss
// refuses (AESWEEP_NUMERIC) have others in their place: outputs between 0 and 1, targets -1 and 1.
struct Inputs {
  std::vector<Piece> batch;
  std::vector<Piece> parameters;
  std::vector<Piece> viewed;
  std::vector<std::int32_t> labels;

  [[nodiscard]] const Piece& at(const std::string& name) const;
  [[nodiscard]] Piece& at(const std::string& name);
  // Batch, parameters, viewed.
  [[nodiscard]] std::vector<Piece*> all();
};

// What came out, always in the same order for one component.
using Outcome = std::vector<Piece>;

// Null if there is none.
[[nodiscard]] const Piece* find_piece(const Outcome& outcome, const std::string& name);

// A repeatable number in [-1, 1) for the pair (i, j), with all bits of a float in use.
[[nodiscard]] double scatter(std::int64_t i, std::int64_t j, std::uint64_t salt);

// Ordinary inputs for a planned component: of order 1, both signs where a kind allows it, each
// column spread evenly over its range; exact in single precision. Another salt, other numbers.
template <class T>
[[nodiscard]] Inputs make_inputs(const Live<T>& live, std::int64_t rows, std::uint64_t salt = 1);

// Plays the batch. `live` is planned for the widths of `inputs` and for the rows of every shard. A
// fault is a Finding.
template <class T>
[[nodiscard]] Outcome run(const Live<T>& live, const Inputs& inputs, const Layout& layout);

}  // namespace aesweep::conformance
