// Proves the synthetic source against golden values from an independent script, by its statistics
// with derived bounds, and by cutting splits differently.
#include "core/data/superposition.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace aesweep {
namespace {

std::vector<double> atoms_of(const SuperpositionSpec& spec) {
  std::vector<double> atoms(static_cast<std::size_t>(spec.atoms * spec.cols));
  superposition_atoms(spec, atoms);
  return atoms;
}

std::vector<float> rows_of(const SuperpositionSpec& spec, SuperpositionSplit split,
                           std::int64_t first, std::int64_t rows) {
  std::vector<float> samples(static_cast<std::size_t>(rows * spec.cols), -1.0F);
  superposition_rows(spec, atoms_of(spec), split, first, samples);
  return samples;
}

// Printed by tests/data/philox_reference.py. To 4 units in the last place, since the C library's
// logarithm and cosine may differ in the last bit of a double.
TEST(Superposition, KeepsItsValues) {
  SuperpositionSpec spec;
  spec.cols = 5;
  spec.atoms = 3;
  spec.active_mean = 1.5;
  spec.noise = 0.25;
  spec.seed = 9;
  struct Case {
    SuperpositionSplit split;
    std::int64_t row;
    std::vector<float> values;
  };
  const Case cases[] = {
      {SuperpositionSplit::kTrain,
       0,
       {-0.330230385F, 0.224803299F, 0.196973339F, 0.739189565F, -0.456497699F}},
      {SuperpositionSplit::kTrain,
       12,
       {-0.713290393F, 0.13468194F, -0.15659529F, -0.145029709F, -0.0323566124F}},
      {SuperpositionSplit::kTest,
       12,
       {-1.96413529F, 0.0113407029F, -0.334500402F, 0.126033127F, -1.74068213F}},
  };
  for (const Case& c : cases) {
    const std::vector<float> row = rows_of(spec, c.split, c.row, 1);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_FLOAT_EQ(row[i], c.values[i]);
  }
  const double last_atom[] = {-0.78866205985456816, -0.027017191734128254, 0.38003322251615801,
                              0.46257115945780314, -0.13742233777155347};
  const std::vector<double> atoms = atoms_of(spec);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_DOUBLE_EQ(atoms[10 + i], last_atom[i]);
}

TEST(Superposition, DoesNotDependOnTheCut) {
  SuperpositionSpec spec;
  spec.cols = 7;
  spec.atoms = 11;
  spec.noise = 0.1;
  const std::vector<float> whole = rows_of(spec, SuperpositionSplit::kTest, 0, 37);
  for (const std::int64_t piece : {1, 5, 36}) {
    std::vector<float> joined;
    for (std::int64_t first = 0; first < 37; first += piece) {
      const std::vector<float> part =
          rows_of(spec, SuperpositionSplit::kTest, first, std::min(piece, 37 - first));
      joined.insert(joined.end(), part.begin(), part.end());
    }
    EXPECT_EQ(joined, whole) << "piece " << piece;
  }
  spec.train_rows = 3;
  spec.test_rows = 1;
  EXPECT_EQ(rows_of(spec, SuperpositionSplit::kTest, 0, 37), whole);
  EXPECT_NE(rows_of(spec, SuperpositionSplit::kTrain, 0, 37), whole);
  spec.seed = 1;
  EXPECT_NE(rows_of(spec, SuperpositionSplit::kTest, 0, 37), whole);
}

TEST(Superposition, MakesUnitAtomsInRandomDirections) {
  SuperpositionSpec spec;
  for (const std::int64_t cols : {1, 2, 7, 64}) {
    spec.cols = cols;
    const std::vector<double> atoms = atoms_of(spec);
    std::vector<double> mean(static_cast<std::size_t>(cols));
    for (std::int64_t k = 0; k < spec.atoms; ++k) {
      double norm_sq = 0.0;
      for (std::int64_t c = 0; c < cols; ++c) {
        const double value = atoms[static_cast<std::size_t>(k * cols + c)];
        norm_sq += value * value;
        mean[static_cast<std::size_t>(c)] += value / static_cast<double>(spec.atoms);
      }
      // Norm and division: cols + 2 roundings.
      EXPECT_NEAR(norm_sq, 1.0, 2.0 * static_cast<double>(cols + 2) * 1.2e-16);
    }
    // The mean of n unit vectors in random directions has squared length 1/n on average.
    double length_sq = 0.0;
    for (const double m : mean) length_sq += m * m;
    EXPECT_LT(length_sq, 10.0 / static_cast<double>(spec.atoms));
  }
}

// With one column the atom is +1 or -1, so that samples show their coefficients.
TEST(Superposition, DrawsCoefficientsAsDeclared) {
  SuperpositionSpec spec;
  spec.cols = 1;
  spec.atoms = 1;
  spec.active_mean = 0.3;
  spec.amplitude_min = 0.5;
  spec.amplitude_max = 2.5;
  constexpr std::int64_t kRows = 20'000;
  std::int64_t active = 0;
  double sum = 0.0;
  for (const float value : rows_of(spec, SuperpositionSplit::kTrain, 0, kRows)) {
    if (value == 0.0F) continue;
    ++active;
    sum += std::fabs(value);
    EXPECT_GE(std::fabs(value), 0.5F);
    EXPECT_LT(std::fabs(value), 2.5F);
  }
  // Binomial: standard deviation sqrt(n p q) = 65. Uniform: 2 / sqrt(12 * 6000) = 0.0075. Four of
  // each.
  EXPECT_NEAR(static_cast<double>(active), 0.3 * kRows, 4 * 65);
  EXPECT_NEAR(sum / static_cast<double>(active), 1.5, 4 * 0.0075);
}

TEST(Superposition, AddsNoiseOfTheGivenDeviation) {
  SuperpositionSpec spec;
  spec.cols = 7;
  spec.active_mean = 0.0;
  spec.noise = 0.5;
  constexpr std::int64_t kRows = 3'000;
  double sum = 0.0;
  double squares = 0.0;
  for (const float value : rows_of(spec, SuperpositionSplit::kTrain, 0, kRows)) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  constexpr double kCount = 7.0 * kRows;
  // Mean: 0.5 / sqrt(n) = 0.0035. Variance: 0.25 sqrt(2 / n) = 0.0024. Four of each.
  EXPECT_NEAR(sum / kCount, 0.0, 4 * 0.0035);
  EXPECT_NEAR(squares / kCount, 0.25, 4 * 0.0024);
}

TEST(Superposition, KeepsEveryAtomActiveAtProbabilityOne) {
  SuperpositionSpec spec;
  spec.cols = 3;
  spec.atoms = 5;
  spec.active_mean = 5.0;
  spec.amplitude_min = spec.amplitude_max = 1.0;
  const std::vector<double> atoms = atoms_of(spec);
  for (std::int64_t row = 0; row < 100; ++row) {
    const std::vector<float> sample = rows_of(spec, SuperpositionSplit::kTrain, row, 1);
    for (std::size_t c = 0; c < 3; ++c) {
      double sum = 0.0;
      for (std::size_t k = 0; k < 5; ++k) sum += atoms[k * 3 + c];
      EXPECT_FLOAT_EQ(sample[c], static_cast<float>(sum));
    }
  }
}

TEST(CheckSuperposition, NamesWhatIsOutOfRange) {
  struct Case {
    std::function<void(SuperpositionSpec&)> change;
    std::string reason;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const Case cases[] = {
      {[](SuperpositionSpec& s) { s.train_rows = 0; }, "data.train_rows: 0"},
      {[](SuperpositionSpec& s) { s.test_rows = -1; }, "data.test_rows: -1"},
      {[](SuperpositionSpec& s) { s.cols = 0; }, "data.cols: 0"},
      {[](SuperpositionSpec& s) { s.atoms = std::int64_t{1} << 40; }, "data.atoms: 1099511627776"},
      {[](SuperpositionSpec& s) { s.active_mean = 65; }, "data.active_mean: 65 is not in [0, 64]"},
      {[&](SuperpositionSpec& s) { s.active_mean = nan; }, "data.active_mean: nan"},
      {[](SuperpositionSpec& s) { s.amplitude_min = -0.5; }, "data.amplitude_min: -0.5"},
      {[](SuperpositionSpec& s) { s.amplitude_max = 0.25; }, "data.amplitude_max: 0.25"},
      {[&](SuperpositionSpec& s) { s.noise = infinity; }, "data.noise: inf"},
      {[](SuperpositionSpec& s) { s.train_rows = s.cols = 1 << 24; }, "at most 8589934592"},
      {[](SuperpositionSpec& s) { s.atoms = s.cols = 1 << 24; }, "at most 8589934592"},
  };
  EXPECT_TRUE(check_superposition({}).ok());
  for (const Case& c : cases) {
    SuperpositionSpec spec;
    c.change(spec);
    const Status status = check_superposition(spec);
    ASSERT_FALSE(status.ok()) << c.reason;
    EXPECT_EQ(status.fault(), Fault::kInput);
    EXPECT_NE(status.message().find(c.reason), std::string::npos) << status.message();
  }
}

}  // namespace
}  // namespace aesweep
