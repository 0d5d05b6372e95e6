#include "core/data/scaling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/check.hpp"
#include "core/data/facts.hpp"
#include "core/data/row_blocks.hpp"

namespace aesweep {
namespace {

// Of stored numbers, by column.
struct Columns {
  explicit Columns(std::size_t cols)
      : minima(cols, std::numeric_limits<double>::infinity()),
        maxima(cols, -std::numeric_limits<double>::infinity()),
        means(cols),
        deviations(cols) {}

  std::vector<double> minima;
  std::vector<double> maxima;
  std::vector<double> means;
  std::vector<double> deviations;  // Standard ones.
};

template <class Stored, class Use>
void for_values(const Split& block, const Use& use) {
  const auto* value = reinterpret_cast<const Stored*>(block.samples);
  for (std::int64_t r = 0; r < block.rows; ++r) {
    for (std::size_t c = 0; c < static_cast<std::size_t>(block.cols); ++c, ++value) {
      use(c, static_cast<double>(*value));
    }
  }
}

// use(column, stored number) for all of the split, row by row.
template <class Use>
Status for_all_values(const Split& split, const Use& use) {
  return for_row_blocks(split, [&](const Split& block, std::int64_t) {
    switch (block.element) {
      case Element::kU8:
        return for_values<std::uint8_t>(block, use);
      case Element::kF32:
        return for_values<float>(block, use);
      case Element::kF64:
        return for_values<double>(block, use);
    }
  });
}

Status find_columns(const Split& train, bool deviations, Columns& columns) {
  const auto rows = static_cast<double>(train.rows);
  AESWEEP_RETURN_IF_ERROR(for_all_values(train, [&](std::size_t c, double value) {
    columns.minima[c] = std::min(columns.minima[c], value);
    columns.maxima[c] = std::max(columns.maxima[c], value);
    columns.means[c] += value;
  }));
  for (std::size_t c = 0; c < columns.means.size(); ++c) {
    // The mean of equal values, as a rounded sum, may differ from them.
    const bool constant = columns.minima[c] == columns.maxima[c];
    columns.means[c] = constant ? columns.minima[c] : columns.means[c] / rows;
  }
  if (!deviations) return {};
  AESWEEP_RETURN_IF_ERROR(for_all_values(train, [&](std::size_t c, double value) {
    const double deviation = value - columns.means[c];
    columns.deviations[c] += deviation * deviation;
  }));
  for (double& sum : columns.deviations) sum = std::sqrt(sum / rows);
  return {};
}

Result<Affine> unit_scaling(const Split& train) {
  if (train.element == Element::kU8) return Affine{train.scale, 0.0};
  Columns columns(static_cast<std::size_t>(train.cols));
  AESWEEP_RETURN_IF_ERROR(find_columns(train, false, columns));
  const double least = *std::min_element(columns.minima.begin(), columns.minima.end());
  const double most = *std::max_element(columns.maxima.begin(), columns.maxima.end());
  const double scale = most == least ? 1.0 : 1.0 / (most - least);  // Equal values become 0.
  return Affine{scale, -least * scale};
}

Status scale_columns(Scaling scaling, const Split& train, std::span<double> col_scale,
                     std::span<double> col_shift) {
  Columns columns(static_cast<std::size_t>(train.cols));
  const bool standardize = scaling == Scaling::kStandardize;
  AESWEEP_RETURN_IF_ERROR(find_columns(train, standardize, columns));
  for (std::size_t c = 0; c < col_scale.size(); ++c) {
    const bool divides = standardize && columns.deviations[c] != 0.0;
    col_scale[c] = divides ? 1.0 / columns.deviations[c] : train.scale;
    col_shift[c] = -columns.means[c] * col_scale[c];
  }
  return {};
}

bool is_usable(double scale, double shift) {
  return std::isfinite(scale) && scale != 0.0 && std::isfinite(shift);
}

}  // namespace

Result<Affine> find_scaling(Scaling scaling, const Split& train, std::span<double> col_scale,
                            std::span<double> col_shift) {
  AESWEEP_CHECK(col_scale.size() == col_shift.size() &&
                    col_scale.size() == (is_by_column(scaling) ? std::size_t(train.cols) : 0),
                "find_scaling needs arrays of the columns for scalings by column");
  Affine affine{train.scale, 0.0};
  if (scaling == Scaling::kNone) affine.scale = 1.0;
  if (scaling == Scaling::kUnit || scaling == Scaling::kSymmetric) {
    const Result<Affine> unit = unit_scaling(train);
    AESWEEP_RETURN_IF_ERROR(unit.status());
    affine = unit.value();
  }
  if (scaling == Scaling::kSymmetric) affine = {2.0 * affine.scale, 2.0 * affine.shift - 1.0};
  if (is_by_column(scaling)) {
    AESWEEP_RETURN_IF_ERROR(scale_columns(scaling, train, col_scale, col_shift));
  }
  bool usable = is_usable(affine.scale, affine.shift);
  for (std::size_t c = 0; c < col_scale.size(); ++c) {
    usable = usable && is_usable(col_scale[c], col_shift[c]);
  }
  if (usable) return affine;
  AESWEEP_RETURN_IF_ERROR(check_finite(train, "train"));
  return Status::input(
      "data.scaling: the train samples are too large, or differ by too little, to be scaled in "
      "double; write none");
}

}  // namespace aesweep
