#include "core/data/superposition.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {
namespace {

// What a key draws. The numbers are part of the data's definition.
enum Purpose : std::uint64_t {
  kAtoms = 0,
  kTrainCoefficients = 1,
  kTrainNoise = 2,
  kTestCoefficients = 3,
  kTestNoise = 4
};

// Every count is an index of a counter's 32-bit word, and int64_t products of two stay exact.
constexpr std::int64_t kRowsMax = std::int64_t{1} << 31;
constexpr std::int64_t kWidthMax = std::int64_t{1} << 24;

PhiloxKey key_for(const SuperpositionSpec& spec, Purpose purpose) {
  return stream_key(stream_hash(spec.seed, "data/superposition", 0), purpose);
}

// values[c] += factor * standard normal number (row, c)
void add_normals(PhiloxKey key, std::uint64_t row, double factor, std::span<double> values) {
  for (std::size_t first = 0; first < values.size(); first += 4) {
    const std::array<double, 4> normals =
        standard_normals(philox(key, batch_counter(0, row, first)));
    const std::size_t count = std::min<std::size_t>(4, values.size() - first);
    for (std::size_t i = 0; i < count; ++i) values[first + i] += factor * normals[i];
  }
}

// values[c] += sum over active atoms k of coefficient (row, k) * atoms[k, c]
void add_atoms(const SuperpositionSpec& spec, PhiloxKey key, std::uint64_t row,
               std::span<const double> atoms, std::span<double> values) {
  const double probability = spec.active_mean / static_cast<double>(spec.atoms);
  const auto count = static_cast<std::size_t>(spec.atoms);
  PhiloxBlock block{};
  for (std::size_t k = 0; k < count; ++k) {
    if (k % 2 == 0) block = philox(key, batch_counter(0, row, 2 * k));
    const std::size_t word = 2 * k % 4;
    if (static_cast<double>(block[word]) * 0x1p-32 >= probability) continue;
    const double amplitude =
        spec.amplitude_min + (spec.amplitude_max - spec.amplitude_min) *
                                 (static_cast<double>(block[word + 1]) * 0x1p-32);
    const double* const atom = atoms.data() + k * values.size();
    for (std::size_t c = 0; c < values.size(); ++c) values[c] += amplitude * atom[c];
  }
}

Status check_count(std::string_view name, std::int64_t value, std::int64_t maximum) {
  if (value >= 1 && value <= maximum) return {};
  return Status::input(text("data.", name, ": ", value, " is not in [1, ", maximum, "]"));
}

Status check_real(std::string_view name, double value, double minimum, double maximum) {
  if (value >= minimum && value <= maximum) return {};
  return Status::input(
      text("data.", name, ": ", value, " is not in [", minimum, ", ", maximum, "]"));
}

}  // namespace

Status check_superposition(const SuperpositionSpec& spec) {
  AESWEEP_RETURN_IF_ERROR(check_count("train_rows", spec.train_rows, kRowsMax));
  AESWEEP_RETURN_IF_ERROR(check_count("test_rows", spec.test_rows, kRowsMax));
  AESWEEP_RETURN_IF_ERROR(check_count("cols", spec.cols, kWidthMax));
  AESWEEP_RETURN_IF_ERROR(check_count("atoms", spec.atoms, kWidthMax));
  AESWEEP_RETURN_IF_ERROR(
      check_real("active_mean", spec.active_mean, 0.0, static_cast<double>(spec.atoms)));
  constexpr double kLargest = 1e6;  // Far below where a sum of atoms would overflow f32.
  AESWEEP_RETURN_IF_ERROR(check_real("amplitude_min", spec.amplitude_min, 0.0, kLargest));
  AESWEEP_RETURN_IF_ERROR(
      check_real("amplitude_max", spec.amplitude_max, spec.amplitude_min, kLargest));
  AESWEEP_RETURN_IF_ERROR(check_real("noise", spec.noise, 0.0, kLargest));
  // No factor exceeds 2^32 and none of the products 2^58.
  const auto cols = static_cast<std::uint64_t>(spec.cols);
  const auto rows =
      static_cast<std::uint64_t>(spec.train_rows) + static_cast<std::uint64_t>(spec.test_rows);
  const std::uint64_t bytes =
      rows * cols * sizeof(float) + static_cast<std::uint64_t>(spec.atoms) * cols * sizeof(double);
  if (bytes > kSuperpositionBytesMax) {
    return Status::input(text("data: samples and atoms need ", bytes, " bytes; at most ",
                              kSuperpositionBytesMax, ". Lower rows, cols or atoms"));
  }
  return {};
}

void superposition_atoms(const SuperpositionSpec& spec, std::span<double> atoms) {
  const auto cols = static_cast<std::size_t>(spec.cols);
  AESWEEP_CHECK(atoms.size() == static_cast<std::size_t>(spec.atoms) * cols,
                "superposition_atoms fills atoms[spec.atoms, spec.cols]");
  const PhiloxKey key = key_for(spec, kAtoms);
  for (std::size_t k = 0; k * cols < atoms.size(); ++k) {
    const std::span<double> atom = atoms.subspan(k * cols, cols);
    std::fill(atom.begin(), atom.end(), 0.0);
    add_normals(key, k, 1.0, atom);
    double norm_sq = 0.0;
    for (const double value : atom) norm_sq += value * value;
    // Never zero: number 0 of a block is a radius of at least 1e-5 times a cosine that no multiple
    // of 2^-32 turns makes smaller than 1e-17.
    for (double& value : atom) value /= std::sqrt(norm_sq);
  }
}

void superposition_rows(const SuperpositionSpec& spec, std::span<const double> atoms,
                        SuperpositionSplit split, std::int64_t first_row,
                        std::span<float> samples) {
  const auto cols = static_cast<std::size_t>(spec.cols);
  AESWEEP_CHECK(atoms.size() == static_cast<std::size_t>(spec.atoms) * cols &&
                    samples.size() % cols == 0 && first_row >= 0,
                "superposition_rows needs atoms[spec.atoms, spec.cols] and whole rows");
  const bool train = split == SuperpositionSplit::kTrain;
  const PhiloxKey coefficients = key_for(spec, train ? kTrainCoefficients : kTestCoefficients);
  const PhiloxKey noise = key_for(spec, train ? kTrainNoise : kTestNoise);
  std::vector<double> values(cols);
  for (std::size_t i = 0; i * cols < samples.size(); ++i) {
    const std::uint64_t row = static_cast<std::uint64_t>(first_row) + i;
    std::fill(values.begin(), values.end(), 0.0);
    add_atoms(spec, coefficients, row, atoms, values);
    if (spec.noise > 0.0) add_normals(noise, row, spec.noise, values);
    for (std::size_t c = 0; c < cols; ++c) {
      samples[i * cols + c] = static_cast<float>(values[c]);
    }
  }
}

}  // namespace aesweep
