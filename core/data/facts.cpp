#include "core/data/facts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/data/row_blocks.hpp"

namespace aesweep {
namespace {

// Rows whose squares (at most 255^2) still fit a 32-bit sum.
constexpr std::int64_t kByteRowsMax = 65'536;
static_assert(kByteRowsMax * 255 * 255 < std::int64_t{1} << 32);

// sums[c] and squares[c] over rows [0, rows) of samples[rows, cols].
void add_bytes(const std::uint8_t* samples, std::int64_t rows, std::int64_t cols,
               std::uint32_t* sums, std::uint32_t* squares) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::uint8_t* const row = samples + r * cols;
    for (std::int64_t c = 0; c < cols; ++c) {
      const std::uint32_t value = row[c];
      sums[c] += value;
      squares[c] += value * value;
    }
  }
}

double square(double value) { return value * value; }

// The sum over rows of (stored number - mean)^2 for one column of n bytes.
double byte_deviation(std::int64_t rows, std::uint64_t sum, std::uint64_t squares) {
  // Both products are whole and at most n^2 * 255^2: below 2^64 for n <= 2^24, and then exact in
  // long double, whose mantissa has 64 bits or more. Beyond that each is rounded once.
  const auto n = static_cast<long double>(rows);
  const auto total = static_cast<long double>(sum);
  return static_cast<double>((n * static_cast<long double>(squares) - total * total) / n);
}

Result<double> byte_variation(const Split& split) {
  const auto cols = static_cast<std::size_t>(split.cols);
  std::vector<std::uint64_t> sums(cols);
  std::vector<std::uint64_t> squares(cols);
  AESWEEP_RETURN_IF_ERROR(for_row_blocks(split, [&](const Split& block, std::int64_t) {
    const auto* const samples = reinterpret_cast<const std::uint8_t*>(block.samples);
    for (std::int64_t first = 0; first < block.rows; first += kByteRowsMax) {
      std::vector<std::uint32_t> part_sums(cols);
      std::vector<std::uint32_t> part_squares(cols);
      add_bytes(samples + first * block.cols, std::min(kByteRowsMax, block.rows - first),
                block.cols, part_sums.data(), part_squares.data());
      for (std::size_t c = 0; c < cols; ++c) {
        sums[c] += part_sums[c];
        squares[c] += part_squares[c];
      }
    }
  }));
  double total = 0.0;
  for (std::size_t c = 0; c < cols; ++c) {
    const double deviation = byte_deviation(split.rows, sums[c], squares[c]);
    total += split.col_scale != nullptr ? deviation * square(split.col_scale[c]) : deviation;
  }
  return split.col_scale != nullptr ? total : total * split.scale * split.scale;
}

// The scales of all columns, given by column or not.
struct ColumnScales {
  explicit ColumnScales(const Split& split)
      : scale(static_cast<std::size_t>(split.cols), split.scale),
        shift(static_cast<std::size_t>(split.cols), split.shift) {
    if (split.col_scale == nullptr) return;
    std::copy_n(split.col_scale, split.cols, scale.begin());
    std::copy_n(split.col_shift, split.cols, shift.begin());
  }

  std::vector<double> scale;
  std::vector<double> shift;
};

template <class Stored>
Result<double> real_variation(const Split& split) {
  const auto cols = static_cast<std::size_t>(split.cols);
  const ColumnScales scales(split);
  std::vector<double> means(cols);
  std::vector<double> deviations(cols);
  // use(column, value) for all values, row by row.
  const auto for_values = [&](const auto& use) {
    return for_row_blocks(split, [&](const Split& block, std::int64_t) {
      const auto* row = reinterpret_cast<const Stored*>(block.samples);
      for (std::int64_t r = 0; r < block.rows; ++r, row += cols) {
        for (std::size_t c = 0; c < cols; ++c) {
          use(c, static_cast<double>(row[c]) * scales.scale[c] + scales.shift[c]);
        }
      }
    });
  };
  AESWEEP_RETURN_IF_ERROR(for_values([&](std::size_t c, double value) { means[c] += value; }));
  for (double& mean : means) mean /= static_cast<double>(split.rows);
  AESWEEP_RETURN_IF_ERROR(
      for_values([&](std::size_t c, double value) { deviations[c] += square(value - means[c]); }));
  double total = 0.0;
  for (const double deviation : deviations) total += deviation;
  return total;
}

template <class Stored>
Status first_not_finite(const Split& split, const std::string& name) {
  Status found;
  AESWEEP_RETURN_IF_ERROR(for_row_blocks(split, [&](const Split& block, std::int64_t first) {
    if (!found.ok()) return;
    const std::span<const Stored> values(reinterpret_cast<const Stored*>(block.samples),
                                         static_cast<std::size_t>(block.rows * block.cols));
    const auto bad =
        std::find_if(values.begin(), values.end(), [](Stored v) { return !std::isfinite(v); });
    if (bad == values.end()) return;
    const std::int64_t at = bad - values.begin();
    found = Status::input(text(name, " sample ", first + at / split.cols, ", column ",
                               at % split.cols, " is ", *bad, "; expected finite numbers"));
  }));
  return found;
}

void add_number(std::uint64_t number, Sha256* sha) {
  sha->update(std::as_bytes(std::span(&number, 1)));
}

void add_real(double number, Sha256* sha) { add_number(std::bit_cast<std::uint64_t>(number), sha); }

void add_columns(const double* columns, std::int64_t cols, Sha256* sha) {
  add_number(columns != nullptr ? 1 : 0, sha);
  if (columns == nullptr) return;
  sha->update(std::as_bytes(std::span(columns, static_cast<std::size_t>(cols))));
}

// What data sets got later than the rest; a split that has none of it is hashed as it always was.
bool has_extras(const Split& split) {
  return split.shift != 0.0 || split.col_scale != nullptr || split.block_rows != 0 ||
         split.pool_rows != 0;
}

void add_extras(const Split& split, Sha256* sha) {
  add_real(split.shift, sha);
  add_columns(split.col_scale, split.cols, sha);
  add_columns(split.col_shift, split.cols, sha);
  add_number(static_cast<std::uint64_t>(split.block_rows), sha);
  add_number(static_cast<std::uint64_t>(split.pool_rows), sha);
}

Status add_split(const Split& split, Sha256* sha) {
  add_number(static_cast<std::uint64_t>(split.element), sha);
  add_number(static_cast<std::uint64_t>(split.rows), sha);
  add_number(static_cast<std::uint64_t>(split.cols), sha);
  add_real(split.scale, sha);
  add_number(split.labels != nullptr ? 1 : 0, sha);
  AESWEEP_RETURN_IF_ERROR(for_row_blocks(split, [&](const Split& block, std::int64_t) {
    const auto count = static_cast<std::size_t>(block.rows * block.cols);
    sha->update(std::span(block.samples, count * element_bytes(block.element)));
  }));
  if (split.labels != nullptr) {
    sha->update(std::as_bytes(std::span(split.labels, static_cast<std::size_t>(split.rows))));
  }
  return {};
}

}  // namespace

Result<double> variation(const Split& split) {
  if (split.rows == 0) return 0.0;
  switch (split.element) {
    case Element::kU8:
      return byte_variation(split);
    case Element::kF32:
      return real_variation<float>(split);
    case Element::kF64:
      return real_variation<double>(split);
  }
  return 0.0;
}

Status check_finite(const Split& split, const std::string& name) {
  switch (split.element) {
    case Element::kU8:
      return {};
    case Element::kF32:
      return first_not_finite<float>(split, name);
    case Element::kF64:
      return first_not_finite<double>(split, name);
  }
  return {};
}

Result<std::string> data_fingerprint(const Dataset& dataset) {
  const Split* const splits[] = {&dataset.train, &dataset.test, &dataset.validation};
  const bool extras = dataset.validation.rows > 0 ||
                      std::any_of(std::begin(splits), std::end(splits),
                                  [](const Split* split) { return has_extras(*split); });
  Sha256 sha;
  sha.update(extras ? "aesweep data 2\n" : "aesweep data 1\n");
  AESWEEP_RETURN_IF_ERROR(add_split(dataset.train, &sha));
  AESWEEP_RETURN_IF_ERROR(add_split(dataset.test, &sha));
  if (extras) {
    AESWEEP_RETURN_IF_ERROR(add_split(dataset.validation, &sha));
    for (const Split* split : splits) add_extras(*split, &sha);
  }
  const auto atoms = static_cast<std::uint64_t>(dataset.dictionary.count);
  add_number(atoms, &sha);
  const auto count = static_cast<std::size_t>(dataset.dictionary.count * dataset.cols());
  sha.update(std::as_bytes(std::span(dataset.dictionary.atoms, count)));
  return sha.finish();
}

}  // namespace aesweep
