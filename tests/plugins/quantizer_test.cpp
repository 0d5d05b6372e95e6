// Proves the weight quantizers, forward and backward: against PyTorch's autograd on ordinary
// weights (reference/quantizers.py), against their definitions at thresholds, zeros of both signs,
// NaN, infinity and denormals; constraints after the update; bits free of cuts. binary_connect,
// which is random, has its own program.
#include <algorithm>

#include "tests/plugins/golden.hpp"
#include "tests/plugins/harness.hpp"

namespace aesweep::test {
namespace {

template <class Real>
class QuantizerOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(QuantizerOf, Scalars);

template <class Real>
using Table = typename sdk::Abi<Real>::QuantizerTable;

// A planned quantizer with what it keeps for one tensor of rows x cols.
template <class Real>
class Quantized {
 public:
  Quantized(const std::string& name, const Values& given, std::int64_t rows, std::int64_t cols)
      : live_(AESWEEP_QUANTIZER, name, given), rows_(rows), cols_(cols) {
    live_.know("code/weights", rows, cols).plan(1, 0);
    kept_.resize(live_.planned().kept_bytes / sizeof(double) + 1);
  }

  [[nodiscard]] aesweep_block block(std::size_t first, std::size_t count) const {
    return {sizeof(aesweep_block), AESWEEP_MAY_QUANTIZE, first, count, rows_, cols_};
  }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(rows_ * cols_); }

  std::vector<Real> quantize(const std::vector<Real>& w) {
    std::vector<Real> q(w.size());
    const aesweep_context context = make_context(1);
    const aesweep_block whole = block(0, w.size());
    live_.call(table().quantize, &context, &whole, w.data(), q.data(),
               static_cast<void*>(kept_.data()));
    return q;
  }

  // dL/dw from dL/dq, in blocks of `part`, after quantize.
  std::vector<Real> backward(const std::vector<Real>& w, std::vector<Real> dq,
                             std::size_t part = 1u << 30) {
    const aesweep_context context = make_context(1);
    if (table().backward == nullptr) return dq;
    for (std::size_t first = 0; first < w.size(); first += part) {
      const aesweep_block cut = block(first, std::min(part, w.size() - first));
      live_.call(table().backward, &context, &cut, w.data() + first, dq.data() + first,
                 static_cast<const void*>(kept_.data()));
    }
    return dq;
  }

  std::vector<Real> constrain(std::vector<Real> w, std::size_t part = 1u << 30) {
    const aesweep_context context = make_context(1);
    if (table().after_update == nullptr) return w;
    for (std::size_t first = 0; first < w.size(); first += part) {
      const aesweep_block cut = block(first, std::min(part, w.size() - first));
      live_.call(table().after_update, &context, &cut, static_cast<const Real*>(nullptr),
                 w.data() + first);
    }
    return w;
  }

  [[nodiscard]] const Table<Real>& table() const { return live_.template table<Table<Real>>(); }
  [[nodiscard]] std::uint32_t flags() const { return live_.component().flags; }

 private:
  Live<Real> live_;
  std::int64_t rows_;
  std::int64_t cols_;
  std::vector<double> kept_;
};

template <class Real>
std::vector<Real> converted(const std::vector<double>& from) {
  std::vector<Real> to;
  for (const double v : from) to.push_back(static_cast<Real>(v));
  return to;
}

// Every quantizer in every form, by the name of its case in reference/quantizers.txt, with the
// roundings allowed in q and dw, relative to the largest value that the formula meets.
struct Form {
  std::string golden;
  std::string component;
  Values given;
  double q_roundings;
  double dw_roundings;
};
const std::int64_t kYes = 1;
const Form kForms[] = {
    {"ste_sign", "ste_sign", {}, 0, 0},
    {"ste_sign_narrow", "ste_sign", {{"clip_value", 0.5}}, 0, 0},
    {"ste_sign_unclipped", "ste_sign", {{"clip_value", 0.0}}, 0, 0},
    {"approx_sign", "approx_sign", {}, 0, 2},
    // beta times: e = exp(-z) is off by z + 2 roundings for a product and Eigen's exp, the factor
    // 2 - z ratio by 3 z + 2; against e's decay all of it stays below 32.
    {"swish_sign", "swish_sign", {}, 0, 32 * 5.0},
    {"swish_sign_flat", "swish_sign", {{"beta", 1.5}}, 0, 32 * 1.5},
    {"magnitude_aware_sign", "magnitude_aware_sign", {}, 1, 2},
    {"ste_tern", "ste_tern", {{"threshold", 0.25}}, 0, 0},
    {"ste_tern_twn", "ste_tern", {{"ternary_weight_networks", kYes}}, 0, 0},
    {"ste_heaviside", "ste_heaviside", {}, 0, 0},
    {"dorefa_1", "dorefa", {{"k_bit", std::int64_t{1}}}, 0, 16},
    {"dorefa_2", "dorefa", {}, 2, 16},
    {"dorefa_5", "dorefa", {{"k_bit", std::int64_t{5}}}, 2, 16},
    {"clamped_binary", "clamped_binary", {{"scale", 0.5}}, 0, 0},
    {"scaled_ternary", "scaled_ternary", {{"scale", 0.5}, {"threshold", 0.75}}, 0, 0},
};
constexpr std::int64_t kRows = 7, kCols = 5;

TYPED_TEST(QuantizerOf, AgreesWithPyTorch) {
  using Real = TypeParam;
  const auto golden = read_golden("quantizers");
  const auto w = converted<Real>(golden.at("given").at("w"));
  const auto dq = converted<Real>(golden.at("given").at("dq"));
  ASSERT_EQ(w.size(), static_cast<std::size_t>(kRows * kCols));
  for (const Form& form : kForms) {
    SCOPED_TRACE(form.golden);
    Quantized<Real> quantized(form.component, form.given, kRows, kCols);
    EXPECT_TRUE((quantized.flags() & AESWEEP_SURROGATE) != 0);
    const auto q = quantized.quantize(w), dw = quantized.backward(w, dq);
    const GoldenCase& expected = golden.at(form.golden);
    for (std::size_t i = 0; i < w.size(); ++i) {
      EXPECT_NEAR(q[i], expected.at("q")[i], form.q_roundings * kEpsilon<Real>) << w[i];
      EXPECT_NEAR(dw[i], expected.at("dw")[i], form.dw_roundings * kEpsilon<Real> * std::abs(dq[i]))
          << w[i];
    }
  }
}

TYPED_TEST(QuantizerOf, BackwardAndConstraintDoNotDependOnCuts) {
  using Real = TypeParam;
  const std::int64_t rows = 7, cols = 29;
  std::vector<Real> w, dq;
  for (std::int64_t i = 0; i < rows * cols; ++i) {
    w.push_back(static_cast<Real>(2.0 * scatter(i, 0)));
    dq.push_back(static_cast<Real>(scatter(i, 1)));
  }
  for (const Form& form : kForms) {
    SCOPED_TRACE(form.golden);
    Quantized<Real> quantized(form.component, form.given, rows, cols);
    const auto q = quantized.quantize(w);
    EXPECT_TRUE(same_bits(q, quantized.quantize(w)));
    const auto whole = quantized.backward(w, dq);
    for (const std::size_t part : {1u, 13u, 29u, 64u}) {
      EXPECT_TRUE(same_bits(whole, quantized.backward(w, dq, part))) << part;
    }
    const auto bounded = quantized.constrain(w);
    EXPECT_TRUE(same_bits(bounded, quantized.constrain(w, 13)));
  }
}

// What a quantizer of single weights makes of one: q, and dw for dq = 1.
struct Point {
  double w;
  double q;
  double dw;
};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

template <class Real>
void expect_points(const std::string& name, const Values& given, const std::vector<Point>& points) {
  SCOPED_TRACE(name);
  const auto count = static_cast<std::int64_t>(points.size());
  std::vector<Real> w;
  for (const Point& point : points) w.push_back(static_cast<Real>(point.w));
  Quantized<Real> quantized(name, given, 1, count);
  const auto q = quantized.quantize(w);
  const auto dw = quantized.backward(w, std::vector<Real>(w.size(), Real(1)));
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (const auto& [ours, expected] : {std::pair{q[i], points[i].q}, {dw[i], points[i].dw}}) {
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(ours)) << points[i].w;
      } else {
        EXPECT_EQ(ours, static_cast<Real>(expected)) << points[i].w;
      }
    }
  }
}

TYPED_TEST(QuantizerOf, SignsMeetTheirDefinitionAtAwkwardPoints) {
  using Real = TypeParam;
  const double tiny = std::numeric_limits<Real>::denorm_min(), above = 1.0 + kEpsilon<Real>;
  expect_points<Real>("ste_sign", {},
                      {{0.0, 1, 1},
                       {-0.0, 1, 1},
                       {tiny, 1, 1},
                       {-tiny, -1, 1},
                       {1, 1, 1},
                       {-1, -1, 1},
                       {above, 1, 0},
                       {-above, -1, 0},
                       {kInf, 1, 0},
                       {-kInf, -1, 0},
                       {kNan, kNan, 1}});
  expect_points<Real>("ste_sign", {{"clip_value", 0.0}},
                      {{1e30, 1, 1}, {-kInf, -1, 1}, {kNan, kNan, 1}});
  expect_points<Real>("approx_sign", {},
                      {{0.0, 1, 2},
                       {-0.0, 1, 2},
                       {tiny, 1, 2},
                       {-tiny, -1, 2},
                       {0.75, 1, 0.5},
                       {-0.75, -1, 0.5},
                       {1, 1, 0},
                       {-1, -1, 0},
                       {above, 1, 0},
                       {-kInf, -1, 0},
                       {kNan, kNan, kNan}});
  expect_points<Real>("swish_sign", {{"beta", 3.0}},
                      {{0.0, 1, 3},
                       {-0.0, 1, 3},
                       {tiny, 1, 3},
                       {-tiny, -1, 3},
                       {1e30, 1, 0},
                       {-1e30, -1, 0},
                       {kInf, 1, 0},
                       {-kInf, -1, 0},
                       {kNan, kNan, kNan}});
  expect_points<Real>("ste_heaviside", {},
                      {{0.0, 0, 1},
                       {-0.0, 0, 1},
                       {tiny, 1, 1},
                       {-tiny, 0, 1},
                       {1, 1, 1},
                       {-1, 0, 1},
                       {above, 1, 0},
                       {kInf, 1, 0},
                       {-kInf, 0, 0},
                       {kNan, kNan, 1}});
}

TYPED_TEST(QuantizerOf, TernariesMeetTheirDefinitionAtAwkwardPoints) {
  using Real = TypeParam;
  const double tiny = std::numeric_limits<Real>::denorm_min();
  const double above = 1.0 + kEpsilon<Real>, below = 1.0 - kEpsilon<Real>;
  // At |w| = D the outer sign sees one of the inner ones: +-1.
  expect_points<Real>("ste_tern", {{"threshold", 1.0}, {"clip_value", 2.0}},
                      {{0.0, 0, 1},
                       {-0.0, 0, 1},
                       {tiny, 0, 1},
                       {1, 1, 1},
                       {-1, -1, 1},
                       {below, 0, 1},
                       {-below, 0, 1},
                       {2, 1, 1},
                       {3, 1, 0},
                       {-kInf, -1, 0},
                       {kNan, kNan, 1}});
  // With D = 0, 0 is still 0; and what D beyond the clip asks for, no weight reaches.
  expect_points<Real>("ste_tern", {{"threshold", 0.0}},
                      {{0.0, 0, 1}, {-0.0, 0, 1}, {tiny, 1, 1}, {-tiny, -1, 1}});
  expect_points<Real>("ste_tern", {{"threshold", 1.5}}, {{1.75, 0, 0}, {kInf, 0, 0}});
  expect_points<Real>("scaled_ternary", {{"scale", 0.25}, {"threshold", 0.5}},
                      {{0.0, 0, 0},
                       {-0.0, 0, 0},
                       {0.125, 0, 0},
                       {-0.125, 0, 0},
                       {0.125 * above, 0.25, 0.25},
                       {-0.125 * above, -0.25, 0.25},
                       {kInf, 0.25, 0.25},
                       {kNan, kNan, 0.25}});
}

TYPED_TEST(QuantizerOf, ScaledSignsMeetTheirDefinitionAtAwkwardPoints) {
  using Real = TypeParam;
  const double tiny = std::numeric_limits<Real>::denorm_min(), above = 1.0 + kEpsilon<Real>;
  expect_points<Real>("clamped_binary", {{"scale", 0.25}},
                      {{0.0, 0.25, 0.25},
                       {-0.0, 0.25, 0.25},
                       {-tiny, -0.25, 0.25},
                       {0.25, 0.25, 0.25},
                       {0.25 * above, 0.25, 0},
                       {-kInf, -0.25, 0},
                       {kNan, kNan, 0.25}});
  expect_points<Real>("binary", {{"limit", 0.25}},
                      {{0.0, 0.25, 1},
                       {-0.0, 0.25, 1},
                       {tiny, 0.25, 1},
                       {-tiny, -0.25, 1},
                       {-3, -0.25, 1},
                       {kInf, 0.25, 1},
                       {-kInf, -0.25, 1},
                       {kNan, kNan, 1}});
}

TYPED_TEST(QuantizerOf, MaskedGradientsAreZeroWhateverTheyWere) {
  using Real = TypeParam;
  const std::vector<Real> w = {Real(3), Real(-3)}, dq = {Real(kInf), Real(kNan)};
  for (const char* name : {"ste_sign", "approx_sign", "ste_heaviside", "ste_tern", "clamped_binary",
                           "magnitude_aware_sign"}) {
    Quantized<Real> quantized(name, {}, 1, 2);
    static_cast<void>(quantized.quantize(w));
    EXPECT_EQ(quantized.backward(w, dq), std::vector<Real>(2, Real(0))) << name;
  }
}

TYPED_TEST(QuantizerOf, ColumnMeansScaleTheMagnitudeAwareSign) {
  using Real = TypeParam;
  // Columns: means 2 and 0; a NaN; an infinity.
  const std::vector<Real> w = {Real(1),  Real(0),    Real(kNan), Real(kInf),
                               Real(-3), Real(-0.0), Real(1),    Real(-1)};
  Quantized<Real> quantized("magnitude_aware_sign", {{"clip_value", 1.5}}, 2, 4);
  const auto q = quantized.quantize(w);
  const auto dw = quantized.backward(w, std::vector<Real>(8, Real(-5)));
  EXPECT_EQ((std::vector<Real>{q[0], q[1], q[4], q[5]}), (std::vector<Real>{2, 0, -2, 0}));
  EXPECT_EQ((std::vector<Real>{dw[0], dw[1], dw[4], dw[5]}), (std::vector<Real>{-10, 0, 0, 0}));
  EXPECT_TRUE(std::isnan(q[2]) && std::isnan(q[6]));
  EXPECT_EQ(q[3], Real(kInf));
  EXPECT_EQ(q[7], Real(-kInf));
}

TYPED_TEST(QuantizerOf, MagnitudeAwareSignHasRoomForTheTensorsThePlanLists) {
  using Real = TypeParam;
  constexpr std::int64_t kWide = 40000;
  Live<Real> live(AESWEEP_QUANTIZER, "magnitude_aware_sign");
  ErrorText error;
  EXPECT_EQ(live.try_plan(1, 0, 0, error), AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(error.str(),
            "magnitude_aware_sign needs the shapes of the tensors that it will quantize, and the "
            "plan lists none");
  live.know("code/gain", 1, 7).know("code/weights", 3, kWide).plan(1, 0);
  ASSERT_EQ(live.planned().kept_bytes, kWide * sizeof(double));
  const aesweep_context context = make_context(1);
  std::vector<Real> w(kWide + 1, Real(-3)), q(kWide + 1);
  std::vector<double> kept(kWide);
  const auto quantize = [&](std::size_t cols) {
    const aesweep_block block = make_block(cols);
    const auto& table = live.template table<Table<Real>>();
    return table.quantize(live.instance(), &context, &block, w.data(), q.data(), kept.data(),
                          &error.error);
  };
  EXPECT_EQ(quantize(kWide), AESWEEP_OK);
  EXPECT_EQ(q[kWide - 1], Real(-3));
  EXPECT_EQ(quantize(kWide + 1), AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(error.str(), "a tensor of 40001 columns, planned for at most 40000");
}

// A weight's value moves with the scale; what counts is whether its sign did.
TYPED_TEST(QuantizerOf, OnlyScalesFromTheWeightsAreDeclaredAsMoving) {
  for (const Form& form : kForms) {
    const Quantized<TypeParam> quantized(form.component, form.given, 1, 1);
    EXPECT_EQ((quantized.flags() & AESWEEP_MOVING_SCALE) != 0,
              form.component == "magnitude_aware_sign")
        << form.component;
  }
}

TYPED_TEST(QuantizerOf, NoopKeepsEveryBitAndTheGradient) {
  using Real = TypeParam;
  const Real tiny = std::numeric_limits<Real>::denorm_min();
  const std::vector<Real> w = {Real(0.1),   Real(-0.0), tiny,    Real(kInf),
                               Real(-kInf), Real(kNan), Real(-7)};
  Quantized<Real> noop("noop", {}, 1, 7);
  EXPECT_TRUE(same_bits(noop.quantize(w), w));
  EXPECT_EQ(noop.table().backward, nullptr) << "null is how the ABI says: unchanged";
  EXPECT_EQ(noop.table().after_update, nullptr);
  EXPECT_EQ(noop.flags(), AESWEEP_ELEMENTWISE) << "the gradient is no surrogate";
  EXPECT_TRUE(Quantized<Real>("noop", {}, 0, 3).quantize({}).empty());
}

// Far out the slope is tiny but not 0, as long as exp(-|z|) is a normal number.
TYPED_TEST(QuantizerOf, SwishSignFallsOffSmoothlyToTheSmallestNumbers) {
  using Real = TypeParam;
  const double most = sizeof(Real) == 4 ? 87.0 : 708.0;
  const std::vector<Real> w = {Real(0.97 * most), Real(-most), Real(most + 2)};
  Quantized<Real> swish("swish_sign", {{"beta", 1.0}}, 1, 3);
  const auto dw = swish.backward(w, std::vector<Real>(3, Real(1)));
  for (std::size_t i = 0; i < 2; ++i) {
    const long double z = std::abs(static_cast<long double>(w[i]));
    const long double e = std::exp(-z);
    const auto expected =
        static_cast<double>(2 * e * (2 - z * std::tanh(z / 2)) / ((1 + e) * (1 + e)));
    // -z is exact; Eigen's exp is off by some eps, or by eps |z| where it loses the argument's end.
    EXPECT_NEAR(dw[i], expected, (most + 8.0) * kEpsilon<Real> * std::abs(expected)) << w[i];
  }
  EXPECT_EQ(dw[2], Real(0));
}

TYPED_TEST(QuantizerOf, BinaryIsThePlainFormOfBinaryConnect) {
  using Real = TypeParam;
  std::vector<Real> w = {Real(0), Real(-0.0), Real(kInf), Real(-kInf)};
  for (std::int64_t i = 0; i < 33; ++i) w.push_back(static_cast<Real>(scatter(i)));
  const Values given = {{"limit", 0.3}};
  Quantized<Real> plain("binary", given, 1, 37), other("binary_connect", given, 1, 37);
  EXPECT_TRUE(same_bits(plain.quantize(w), other.quantize(w)));
  EXPECT_TRUE(same_bits(plain.constrain(w), other.constrain(w)));
}

TYPED_TEST(QuantizerOf, TernaryThresholdIsSevenTenthsOfTheMeanOfClippedWeights) {
  using Real = TypeParam;
  // Clipped at 1 the sizes are 1, 1, 0.5, 0.25, 0 and 0: their mean is 2.75 / 6, D = 0.3208.
  const std::vector<Real> w = {Real(-8), Real(1), Real(-0.5), Real(0.25), Real(0), Real(-0.0)};
  Quantized<Real> clipped("ste_tern", {{"ternary_weight_networks", kYes}}, 2, 3);
  EXPECT_EQ(clipped.quantize(w), (std::vector<Real>{-1, 1, -1, 0, 0, 0}));
  // Unclipped their mean is 9.75 / 6, D = 1.1375.
  Quantized<Real> open("ste_tern", {{"ternary_weight_networks", kYes}, {"clip_value", 0.0}}, 2, 3);
  EXPECT_EQ(open.quantize(w), (std::vector<Real>{-1, 0, 0, 0, 0, 0}));
  const auto zeros = open.quantize(std::vector<Real>(6, Real(0)));
  EXPECT_EQ(zeros, std::vector<Real>(6, Real(0)));
  std::vector<Real> spoiled = w;
  spoiled[2] = Real(kNan);
  for (const Real q : clipped.quantize(spoiled)) EXPECT_TRUE(std::isnan(q));
}

TYPED_TEST(QuantizerOf, DorefaTakesEvenTiesAndCountsZeroOverZeroAsZero) {
  using Real = TypeParam;
  // n = 3: the middle of a tensor, tanh w = 0, is at 1.5, and rounds to 2: 2 * 2 / 3 - 1.
  const Real third = Real(2) * (Real(2) / Real(3)) - Real(1);
  Quantized<Real> two("dorefa", {}, 1, 5);
  const Real largest = std::numeric_limits<Real>::max();
  EXPECT_EQ(two.quantize({Real(0), Real(-0.0), Real(kInf), Real(-largest), Real(1e-30)}),
            (std::vector<Real>{third, third, 1, -1, third}));
  Quantized<Real> one("dorefa", {{"k_bit", std::int64_t{1}}}, 1, 5);
  EXPECT_EQ(one.quantize({Real(0), Real(-0.0), Real(2), Real(-2), Real(0.5)}),
            (std::vector<Real>{-1, -1, 1, -1, 1}));
  const std::vector<Real> zeros(5, Real(0));
  EXPECT_EQ(two.quantize(zeros), std::vector<Real>(5, third));
  EXPECT_EQ(two.backward(zeros, std::vector<Real>(5, Real(4))), zeros);
  // NaN stays where it is.
  const auto q = two.quantize({Real(1), Real(kNan), Real(-1), Real(1), Real(-1)});
  EXPECT_TRUE(std::isnan(q[1]));
  EXPECT_EQ((std::vector<Real>{q[0], q[2], q[3], q[4]}), (std::vector<Real>{1, -1, 1, -1}));
}

TYPED_TEST(QuantizerOf, ClipsWeightsAfterTheUpdateAndKeepsNan) {
  using Real = TypeParam;
  const std::vector<Real> w = {Real(2), Real(-2), Real(1), Real(-1), Real(0.5), Real(kNan)};
  const std::vector<std::pair<std::string, Values>> all = {
      {"binary", {}},
      {"ste_sign", {{"weight_clip", 1.0}}},
      {"approx_sign", {{"weight_clip", 1.0}}},
      {"swish_sign", {{"weight_clip", 1.0}}},
      {"magnitude_aware_sign", {{"weight_clip", 1.0}}},
      {"ste_tern", {{"weight_clip", 1.0}}},
      {"ste_heaviside", {{"weight_clip", 1.0}}}};
  for (const auto& [name, given] : all) {
    SCOPED_TRACE(name);
    auto clipped = Quantized<Real>(name, given, 1, 6).constrain(w);
    EXPECT_TRUE(std::isnan(clipped.back()));
    clipped.pop_back();
    EXPECT_EQ(clipped, (std::vector<Real>{1, -1, 1, -1, Real(0.5)}));
  }
  EXPECT_TRUE(same_bits(Quantized<Real>("ste_sign", {}, 1, 6).constrain(w), w)) << "off by default";
}

TYPED_TEST(QuantizerOf, EmptyBlocksAreNoError) {
  using Real = TypeParam;
  for (const Form& form : kForms) {
    Quantized<Real> quantized(form.component, form.given, 0, 3);
    EXPECT_TRUE(quantized.quantize({}).empty()) << form.golden;
  }
}

}  // namespace
}  // namespace aesweep::test
