// Binarizers threshold as they say, stand for the means of what they threshold, and iterative
// quantization finds a rotation that is nearer to bits than the principal axes are.
#include "core/codes/binarizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "core/codes/itq.hpp"

namespace aesweep {
namespace {

RealCodes random_codes(std::int64_t rows, std::int64_t units, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  RealCodes codes{rows, units, {}, {}};
  for (std::int64_t i = 0; i < rows * units; ++i) {
    codes.pre.push_back(normal(random) * static_cast<double>(1 + i % units) + 0.3);
    codes.codes.push_back(std::tanh(codes.pre.back()));
  }
  return codes;
}

Binarizer fitted(Binarization kind, const RealCodes& codes, std::uint64_t seed = 7) {
  Result<Binarizer> binarizer = Binarizer::fit(kind, codes, seed);
  EXPECT_TRUE(binarizer.ok()) << binarizer.status().message();
  return std::move(binarizer).value();
}

TEST(Binarizer, ThresholdsAtZeroOfThePreActivationMeanAndMedian) {
  //                     codes              pre-activations
  const RealCodes codes{4, 2, {1, 5, 2, 5, 9, 5, 4, 5}, {-1, 0, -0.0, 1, 1e-300, -1e-300, 3, 4}};
  EXPECT_EQ(fitted(Binarization::kZero, codes).pack(codes).words,
            (std::vector<std::uint64_t>{0b10, 0b11, 0b01, 0b11}));
  // Mean 4: only what is above it. A constant unit is never above.
  EXPECT_EQ(fitted(Binarization::kMean, codes).pack(codes).words,
            (std::vector<std::uint64_t>{0, 0, 1, 0}));
  // Median 3, halfway between 2 and 4.
  const Binarizer median = fitted(Binarization::kMedian, codes);
  EXPECT_EQ(median.pack(codes).words, (std::vector<std::uint64_t>{0, 0, 1, 1}));
  const RealCodes other{3, 2, {3, 5.1, 3.01, 4.9, -1, 5}, {0, 0, 0, 0, 0, 0}};
  EXPECT_EQ(median.pack(other).words, (std::vector<std::uint64_t>{0b10, 0b01, 0b00}));
}

TEST(Binarizer, AnOddMedianIsTheMiddleOne) {
  const RealCodes codes{5, 1, {5, 1, 4, 2, 3}, {0, 0, 0, 0, 0}};
  EXPECT_EQ(fitted(Binarization::kMedian, codes).pack(codes).words,
            (std::vector<std::uint64_t>{1, 0, 1, 0, 0}));
}

TEST(Binarizer, LevelsAreTheMeansOfTheCodesOnEachSide) {
  const RealCodes codes{4, 2, {1, 5, 2, 5, 9, 5, 4, 5}, {-1, 1, 1, 1, 1, 1, -1, 1}};
  const Binarizer mean = fitted(Binarization::kMean, codes);
  // Unit 0: (1 + 2 + 4) / 3 and 9; unit 1 is 5 on either side.
  EXPECT_EQ(mean.levels(mean.pack(codes)),
            (std::vector<double>{7.0 / 3, 5, 7.0 / 3, 5, 9, 5, 7.0 / 3, 5}));
  PackedCodes never = empty_codes(1, 2);
  never.words[0] = 0b10;
  EXPECT_EQ(mean.levels(never), (std::vector<double>{7.0 / 3, 5}));
  // By the pre-activation, the codes' means: (1 + 4) / 2 and (2 + 9) / 2.
  const Binarizer zero = fitted(Binarization::kZero, codes);
  EXPECT_EQ(zero.levels(zero.pack(codes)), (std::vector<double>{2.5, 5, 5.5, 5, 5.5, 5, 2.5, 5}));
}

// Codes that are signs are given back as they are.
TEST(Binarizer, SignsStandForThemselves) {
  RealCodes codes = random_codes(203, 7, 3);
  for (std::size_t i = 0; i < codes.codes.size(); ++i) {
    codes.codes[i] = codes.pre[i] >= 0.0 ? 1.0 : -1.0;
  }
  const Binarizer zero = fitted(Binarization::kZero, codes);
  EXPECT_EQ(zero.levels(zero.pack(codes)), codes.codes);
}

std::vector<double> centred(const RealCodes& codes) {
  std::vector<double> values = codes.codes;
  for (std::int64_t j = 0; j < codes.units; ++j) {
    double mean = 0.0;
    for (std::int64_t i = 0; i < codes.rows; ++i) {
      mean += codes.codes[static_cast<std::size_t>(i * codes.units + j)];
    }
    mean /= static_cast<double>(codes.rows);
    for (std::int64_t i = 0; i < codes.rows; ++i) {
      values[static_cast<std::size_t>(i * codes.units + j)] -= mean;
    }
  }
  return values;
}

// Sum over rows and components of (|z| - mean |z|)^2: what no rotation to bits can lose less of.
double quantization_error(std::span<const double> x, std::int64_t units,
                          std::span<const double> rotation) {
  const std::int64_t rows = static_cast<std::int64_t>(x.size()) / units;
  double sum = 0.0, squares = 0.0;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < units; ++j) {
      double z = 0.0;
      for (std::int64_t k = 0; k < units; ++k) {
        z += x[static_cast<std::size_t>(i * units + k)] *
             rotation[static_cast<std::size_t>(k * units + j)];
      }
      sum += std::abs(z);
      squares += z * z;
    }
  }
  return squares - sum * sum / static_cast<double>(x.size());
}

void expect_orthogonal(std::span<const double> r, std::int64_t units) {
  for (std::int64_t a = 0; a < units; ++a) {
    for (std::int64_t b = 0; b < units; ++b) {
      double dot = 0.0;
      for (std::int64_t j = 0; j < units; ++j) {
        dot +=
            r[static_cast<std::size_t>(a * units + j)] * r[static_cast<std::size_t>(b * units + j)];
      }
      EXPECT_NEAR(dot, a == b ? 1.0 : 0.0, 1e-12);
    }
  }
}

TEST(Itq, RotatesAndComesNearerToBitsThanUnrotatedCodes) {
  for (const std::int64_t units : {1, 2, 7, 37}) {
    RealCodes codes = random_codes(1203, units, static_cast<unsigned>(units));
    codes.codes = codes.pre;  // Far from bits: normal, and of unlike spread.
    const std::vector<double> x = centred(codes);
    const std::vector<double> rotation = itq_rotation(x, codes.rows, units, 7, {}).value();
    expect_orthogonal(rotation, units);
    std::vector<double> identity(rotation.size(), 0.0);
    for (std::int64_t j = 0; j < units; ++j)
      identity[static_cast<std::size_t>(j * (units + 1))] = 1;
    EXPECT_LE(quantization_error(x, units, rotation),
              quantization_error(x, units, identity) * (1 + 1e-12));
    EXPECT_EQ(rotation, itq_rotation(x, codes.rows, units, 7, {}).value());
  }
}

// Corners of a cube that was turned: the rotation back makes the error 0. Local minima are rare in
// two dimensions.
TEST(Itq, FindsATurnedSquare) {
  const double c = std::cos(0.6), s = std::sin(0.6);
  RealCodes codes{400, 2, {}, {}};
  for (int i = 0; i < 400; ++i) {
    const double a = i % 2 == 0 ? 1 : -1, b = i % 4 < 2 ? 1 : -1;
    codes.codes.push_back(10 + c * a - s * b);
    codes.codes.push_back(-3 + s * a + c * b);
  }
  codes.pre = codes.codes;
  const Binarizer itq = fitted(Binarization::kItq, codes);
  const std::vector<double> back = itq.levels(itq.pack(codes));
  for (std::size_t i = 0; i < back.size(); ++i) EXPECT_NEAR(back[i], codes.codes[i], 1e-12);
}

TEST(Itq, IsThatOfNumPy) {
  constexpr double kGolden[] = {
#include "tests/codes/golden_itq.inc"
  };
  RealCodes codes{61, 5, {}, {}};
  for (int i = 0; i < 61; ++i) {
    for (int j = 0; j < 5; ++j) {
      codes.codes.push_back((j + 1) * std::sin(1.7 * i + 2.3 * j * j) +
                            0.25 * std::cos(0.9 * i * (j + 1)));
    }
  }
  const std::vector<double> rotation = itq_rotation(centred(codes), 61, 5, 7, {}).value();
  ASSERT_EQ(rotation.size(), std::size(kGolden));
  for (std::size_t i = 0; i < rotation.size(); ++i) EXPECT_NEAR(rotation[i], kGolden[i], 1e-12);
}

TEST(Itq, TellsThatItGoesOn) {
  const RealCodes codes = random_codes(3, 6, 2);
  int calls = 0;
  ASSERT_TRUE(itq_rotation(centred(codes), 3, 6, 7, [&] { ++calls; }).ok());
  // Rows, then axes; rows and a decomposition in each iteration.
  EXPECT_EQ(calls, 2 + 2 * kItqIterations);
}

TEST(Itq, RefusesCodesWhoseSquaresOverflowAndTooManyUnits) {
  RealCodes codes = random_codes(9, 3, 1);
  for (double& code : codes.codes) code *= 1e160;
  const Result<Binarizer> large = Binarizer::fit(Binarization::kItq, codes, 0);
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.status().message().find("squares are not finite"), std::string::npos)
      << large.status().message();
  const Result<Binarizer> wide =
      Binarizer::fit(Binarization::kItq, random_codes(2, kItqUnitsMax + 1, 1), 0);
  ASSERT_FALSE(wide.ok());
  EXPECT_NE(wide.status().message().find("itq of 1025 units"), std::string::npos)
      << wide.status().message();
}

TEST(Binarizer, RefusesMeansThatOverflow) {
  RealCodes codes = random_codes(9, 3, 1);
  for (std::int64_t i = 0; i < 9; ++i) codes.codes[static_cast<std::size_t>(3 * i + 1)] = 1e308;
  for (const Binarization kind : {Binarization::kMean, Binarization::kItq}) {
    const Result<Binarizer> refused = Binarizer::fit(kind, codes, 0);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.status().message().find("unit 1 has codes so large"), std::string::npos);
  }
}

TEST(Itq, ConstantAndDependentUnitsAndSingleRowsAreNoFaults) {
  RealCodes codes = random_codes(61, 5, 1);
  for (std::int64_t i = 0; i < codes.rows; ++i) {
    double* row = codes.codes.data() + i * 5;
    row[1] = 2.5;
    row[4] = -3 * row[0];
  }
  const RealCodes constant{9, 3, std::vector<double>(27, 0.1), std::vector<double>(27, 0.1)};
  const RealCodes single = random_codes(1, 6, 2);
  for (const RealCodes* of : {static_cast<const RealCodes*>(&codes), &constant, &single}) {
    const Binarizer itq = fitted(Binarization::kItq, *of);
    const PackedCodes packed = itq.pack(*of);
    for (const double level : itq.levels(packed)) EXPECT_TRUE(std::isfinite(level));
    EXPECT_EQ(packed, fitted(Binarization::kItq, *of).pack(*of));
  }
}

// A row's bits do not depend on the rows around it: queries are packed in parts.
TEST(Binarizer, RowsArePackedByThemselves) {
  const RealCodes codes = random_codes(203, 37, 9);
  for (const Binarization kind :
       {Binarization::kZero, Binarization::kMean, Binarization::kMedian, Binarization::kItq}) {
    const Binarizer binarizer = fitted(kind, codes);
    const PackedCodes all = binarizer.pack(codes);
    const auto at = [&](const std::vector<double>& v) {
      return std::vector<double>(v.begin() + 11 * 37, v.begin() + 12 * 37);
    };
    const PackedCodes one = binarizer.pack({1, 37, at(codes.codes), at(codes.pre)});
    EXPECT_EQ(one.words[0], all.words[11]) << binarization_name(kind);
  }
}

TEST(Binarizer, RefusesWhatHasNoBits) {
  RealCodes codes = random_codes(3, 2, 1);
  codes.codes[3] = std::numeric_limits<double>::quiet_NaN();
  const Result<Binarizer> nan = Binarizer::fit(Binarization::kMean, codes, 0);
  ASSERT_FALSE(nan.ok());
  EXPECT_NE(nan.status().message().find("sample 1 in unit 1 is nan"), std::string::npos)
      << nan.status().message();
  codes = random_codes(3, 2, 1);
  codes.pre[0] = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(Binarizer::fit(Binarization::kZero, codes, 0).ok());
  EXPECT_TRUE(Binarizer::fit(Binarization::kMean, codes, 0).ok());
  const RealCodes wide = random_codes(1, 4097, 1);
  const Result<Binarizer> refused = Binarizer::fit(Binarization::kMean, wide, 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("4096"), std::string::npos);
}

}  // namespace
}  // namespace aesweep
