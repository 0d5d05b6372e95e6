#include "core/data/facts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"

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

double byte_variation(const Split& split) {
  const auto cols = static_cast<std::size_t>(split.cols);
  const auto* const samples = reinterpret_cast<const std::uint8_t*>(split.samples);
  std::vector<std::uint64_t> sums(cols);
  std::vector<std::uint64_t> squares(cols);
  for (std::int64_t first = 0; first < split.rows; first += kByteRowsMax) {
    std::vector<std::uint32_t> part_sums(cols);
    std::vector<std::uint32_t> part_squares(cols);
    add_bytes(samples + first * split.cols, std::min(kByteRowsMax, split.rows - first), split.cols,
              part_sums.data(), part_squares.data());
    for (std::size_t c = 0; c < cols; ++c) {
      sums[c] += part_sums[c];
      squares[c] += part_squares[c];
    }
  }
  double total = 0.0;
  for (std::size_t c = 0; c < cols; ++c) {
    // n * squares - sum^2 is exact in integers: at most n^2 * 255^2, below 2^64 for n < 2^24, and
    // in long double, with its 64-bit mantissa, beyond that to within one rounding.
    const auto n = static_cast<long double>(split.rows);
    const long double sum = static_cast<long double>(sums[c]);
    total += static_cast<double>((n * static_cast<long double>(squares[c]) - sum * sum) / n);
  }
  return total * split.scale * split.scale;
}

template <class Stored>
double real_variation(const Split& split) {
  const auto cols = static_cast<std::size_t>(split.cols);
  const auto* const samples = reinterpret_cast<const Stored*>(split.samples);
  std::vector<double> means(cols);
  std::vector<double> deviations(cols);
  for (std::int64_t r = 0; r < split.rows; ++r) {
    const Stored* const row = samples + r * split.cols;
    for (std::size_t c = 0; c < cols; ++c) means[c] += static_cast<double>(row[c]) * split.scale;
  }
  for (double& mean : means) mean /= static_cast<double>(split.rows);
  for (std::int64_t r = 0; r < split.rows; ++r) {
    const Stored* const row = samples + r * split.cols;
    for (std::size_t c = 0; c < cols; ++c) {
      const double deviation = static_cast<double>(row[c]) * split.scale - means[c];
      deviations[c] += deviation * deviation;
    }
  }
  double total = 0.0;
  for (const double deviation : deviations) total += deviation;
  return total;
}

template <class Stored>
Status first_not_finite(const Split& split, const std::string& name) {
  const auto* const samples = reinterpret_cast<const Stored*>(split.samples);
  const std::span<const Stored> values(samples, static_cast<std::size_t>(split.rows * split.cols));
  const auto found =
      std::find_if(values.begin(), values.end(), [](Stored v) { return !std::isfinite(v); });
  if (found == values.end()) return {};
  const std::int64_t at = found - values.begin();
  return Status::input(text(name, " sample ", at / split.cols, ", column ", at % split.cols, " is ",
                            *found, "; expected finite numbers"));
}

void add_number(std::uint64_t number, Sha256* sha) {
  sha->update(std::as_bytes(std::span(&number, 1)));
}

void add_split(const Split& split, Sha256* sha) {
  add_number(static_cast<std::uint64_t>(split.element), sha);
  add_number(static_cast<std::uint64_t>(split.rows), sha);
  add_number(static_cast<std::uint64_t>(split.cols), sha);
  add_number(std::bit_cast<std::uint64_t>(split.scale), sha);
  add_number(split.labels != nullptr ? 1 : 0, sha);
  const auto count = static_cast<std::size_t>(split.rows * split.cols);
  sha->update(std::span(split.samples, count * element_bytes(split.element)));
  if (split.labels != nullptr) {
    sha->update(std::as_bytes(std::span(split.labels, static_cast<std::size_t>(split.rows))));
  }
}

}  // namespace

double variation(const Split& split) {
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

std::string data_fingerprint(const Dataset& dataset) {
  Sha256 sha;
  sha.update("aesweep data 1\n");
  add_split(dataset.train, &sha);
  add_split(dataset.test, &sha);
  const auto atoms = static_cast<std::uint64_t>(dataset.dictionary.count);
  add_number(atoms, &sha);
  const auto count = static_cast<std::size_t>(dataset.dictionary.count * dataset.cols());
  sha.update(std::as_bytes(std::span(dataset.dictionary.atoms, count)));
  return sha.finish();
}

}  // namespace aesweep
