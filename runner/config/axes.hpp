// Axes: what `parameters` sweeps, and the grid that they span.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/config/address.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// Values from min to max, both included, evenly spaced (in the logarithm with `log`).
struct Range {
  double min = 0.0;
  double max = 0.0;
  std::int64_t count = 0;
  bool log = false;
  Mark mark;
};

struct AxisValue {
  Node node;          // A scalar, or a map to merge.
  std::string label;  // What tables show: the scalar's text, or the map's label.
};

// One key of `parameters`. A constant is an axis of one value that is not `swept`.
struct Axis {
  Address address;
  bool swept = true;
  std::optional<Range> range;
  std::vector<AxisValue> values;  // Empty for a range.

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] AxisValue value(std::int64_t index) const;
};

// The axes of the map `parameters`, in the order written. Checks their form, that each key can be
// swept and that no two set the same thing; not whether the keys lead anywhere.
[[nodiscard]] Result<std::vector<Axis>> read_axes(const std::string& file, const Node& parameters);

// Number of trials, refused above trials_max.
[[nodiscard]] Result<std::int64_t> grid_size(const std::string& file, Mark mark,
                                             const std::vector<Axis>& axes,
                                             std::int64_t trials_max);

// Index of each axis's value in trial `number` (from 0): the last axis moves fastest.
[[nodiscard]] std::vector<std::int64_t> grid_point(const std::vector<Axis>& axes,
                                                   std::int64_t number);

}  // namespace aesweep
