// Proves tied_dense against a dense layer that is given the transposed weights, on full matrices
// and on active sets; the choice between them; gradients by differences; and its refusals.
#include <algorithm>

#include "tests/plugins/harness.hpp"
#include "tests/plugins/products.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

constexpr const char* kOwner = "encoder/weights";

class TiedDense : public ::testing::Test {
 protected:
  TiedDense() {
    count_products_of("dense");
    count_products_of("tied_dense");
  }
};

template <class Real>
class TiedDenseOf : public TiedDense {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TiedDenseOf, Scalars);

Values owned_by_encoder(bool bias = true) {
  return {{"of", "encoder"}, {"bias", std::int64_t{bias ? 1 : 0}}};
}

// K inputs, D outputs, as in the layer's header.
struct Shape {
  std::int64_t rows, inputs, outputs;
};
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {{0, 7, 5},  {1, 1, 1},   {1, 7, 64},
                                         {37, 1, 7}, {37, 64, 7}, {5, 40, 70}};
  return all;
}

// Everything that forward and backward of a layer give.
template <class Real>
struct Outcome {
  std::vector<Real> y, dx, dw, db;
};

// Which matrices carry the active set of x.
enum class Active { kNone, kX, kDx, kBoth };

// Both passes of tied_dense, or of a dense layer with the transposed weights, where the given part
// of x is not zero; `offset` moves everything in memory.
template <class Real>
Outcome<Real> run(const Shape& s, bool tied, double density, Active set, std::int64_t offset = 1) {
  Live<Real> live(AESWEEP_LAYER, tied ? "tied_dense" : "dense",
                  tied ? owned_by_encoder() : Values{{"units", s.outputs}});
  live.know("other/weights", 3, 3).know(kOwner, s.outputs, s.inputs);
  live.plan(s.rows + 1, s.inputs);
  EXPECT_EQ(live.planned().output_cols, s.outputs);
  auto& weights = tied ? live.viewed()[0] : live.parameters()[0];
  auto& bias = tied ? live.parameters()[0] : live.parameters()[1];
  const auto index = [&](std::int64_t d, std::int64_t k) {
    return static_cast<std::size_t>(tied ? d * s.inputs + k : k * s.outputs + d);
  };
  for (std::int64_t d = 0; d < s.outputs; ++d) {
    bias[static_cast<std::size_t>(d)] = static_cast<Real>(scatter(d, 0, 9));
    for (std::int64_t k = 0; k < s.inputs; ++k) {
      weights[index(d, k)] = static_cast<Real>(scatter(d, k, 8));
    }
  }
  Grid<Real> x(s.rows, s.inputs, 3, offset), y(s.rows, s.outputs, 5, offset + 1);
  Grid<Real> dy(s.rows, s.outputs, 1, offset), dx(s.rows, s.inputs, 2, offset);
  x.fill([&](auto i, auto j) {
    return 0.5 * (scatter(i, j, 5) + 1.0) < density ? scatter(i, j, 6) : 0.0;
  });
  dy.fill([](auto i, auto j) { return scatter(i, j, 7); });
  dx.fill([](auto, auto) { return 0.0; });
  NonZeros<Real> active(x);
  auto in = x.in();
  auto out = dx.out();
  const bool at_active = set == Active::kDx || set == Active::kBoth;
  if (set == Active::kX || set == Active::kBoth) in.active = active.get();
  if (at_active) out.active = active.get();
  live.forward(make_context(64), in, y.out());
  auto& weight_gradient = tied ? live.viewed_gradients()[0] : live.gradients()[0];
  auto& bias_gradient = tied ? live.gradients()[0] : live.gradients()[1];
  std::fill(weight_gradient.begin(), weight_gradient.end(), Real(99));
  std::fill(bias_gradient.begin(), bias_gradient.end(), Real(99));
  live.backward(make_context(64), in, y.in(), dy.in(), &out);
  EXPECT_TRUE(x.canaries_intact() && y.canaries_intact());
  EXPECT_TRUE(dy.canaries_intact() && dx.canaries_intact());
  Outcome<Real> outcome = {y.values(), dx.values(), {}, bias_gradient};
  for (std::int64_t d = 0; d < s.outputs; ++d) {
    for (std::int64_t k = 0; k < s.inputs; ++k) {
      outcome.dw.push_back(weight_gradient[index(d, k)]);
    }
  }
  if (at_active) {  // Only the listed positions count.
    for (std::int64_t i = 0; i < s.rows; ++i) {
      for (std::int64_t k = 0; k < s.inputs; ++k) {
        if (x.at(i, k) == Real(0)) outcome.dx[static_cast<std::size_t>(i * s.inputs + k)] = 0;
      }
    }
  }
  return outcome;
}

// Two orders of a sum of `terms` terms of at most 1, rounded as they are added.
template <class Real>
double sum_bound(std::int64_t terms) {
  return static_cast<double>((terms + 2) * (terms + 2)) * kEpsilon<Real>;
}

template <class Real>
void expect_close(const std::vector<Real>& a, const std::vector<Real>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

template <class Real>
void check_against_dense(const Shape& s, double density, Active set, int products) {
  SCOPED_TRACE(std::to_string(s.rows) + " x " + std::to_string(s.inputs) + " x " +
               std::to_string(s.outputs));
  product_count() = 0;
  const Outcome<Real> tied = run<Real>(s, true, density, set);
  EXPECT_EQ(product_count(), products);
  const Outcome<Real> dense = run<Real>(s, false, density, set);
  expect_close(tied.y, dense.y, sum_bound<Real>(s.inputs));
  expect_close(tied.dx, dense.dx, sum_bound<Real>(s.outputs));
  expect_close(tied.dw, dense.dw, sum_bound<Real>(s.rows));
  EXPECT_TRUE(same_bits(tied.db, dense.db));
}

TYPED_TEST(TiedDenseOf, MatchesDenseWithTransposedWeights) {
  for (const Shape& s : shapes()) {
    check_against_dense<TypeParam>(s, 1.0, Active::kNone, s.rows == 0 ? 0 : 3);
  }
}

TYPED_TEST(TiedDenseOf, SparsePathsMatchDenseToo) {
  for (const Shape& s : shapes()) {
    if (s.inputs < 40) continue;
    check_against_dense<TypeParam>(s, 0.06, Active::kBoth, 0);
    check_against_dense<TypeParam>(s, 0.06, Active::kX, 1);
    check_against_dense<TypeParam>(s, 0.06, Active::kDx, 2);
    check_against_dense<TypeParam>(s, 0.5, Active::kBoth, 3);
  }
}

TYPED_TEST(TiedDenseOf, SparseBitsDoNotDependOnAddresses) {
  using Real = TypeParam;
  const Shape s = {5, 64, 37};
  const Outcome<Real> expected = run<Real>(s, true, 0.06, Active::kBoth, 0);
  for (const std::int64_t offset : {1, 2, 5}) {
    const Outcome<Real> moved = run<Real>(s, true, 0.06, Active::kBoth, offset);
    EXPECT_TRUE(same_bits(moved.y, expected.y) && same_bits(moved.dx, expected.dx));
    EXPECT_TRUE(same_bits(moved.dw, expected.dw) && same_bits(moved.db, expected.db));
  }
}

TEST_F(TiedDense, GradientMatchesDifferences) {
  const std::int64_t rows = 7, inputs = 5, outputs = 3;
  Live<double> live(AESWEEP_LAYER, "tied_dense", owned_by_encoder());
  live.know(kOwner, outputs, inputs).plan(rows, inputs);
  Grid<double> x(rows, inputs), y(rows, outputs), dy(rows, outputs), dx(rows, inputs);
  dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
  std::vector<double> point;
  for (std::int64_t k = 0; k < outputs * inputs + outputs + rows * inputs; ++k) {
    point.push_back(scatter(k, 1));
  }
  const aesweep_context context = make_context(rows);
  const auto weighted = [&](std::span<const double> at) {
    auto next = at.begin();
    for (double& w : live.viewed()[0]) w = *next++;
    for (double& b : live.parameters()[0]) b = *next++;
    x.fill([&](auto, auto) { return *next++; });
    live.forward(context, x.in(), y.out());
    double sum = 0.0;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < outputs; ++j) sum += y.at(i, j) * dy.at(i, j);
    }
    return sum;
  };
  (void)weighted(point);
  const auto out = dx.out();
  live.backward(context, x.in(), y.in(), dy.in(), &out);
  std::vector<double> gradient = live.viewed_gradients()[0];
  for (const auto& more : {live.gradients()[0], dx.values()}) {
    gradient.insert(gradient.end(), more.begin(), more.end());
  }
  GradientCheckOptions options;
  options.magnitude = 200.0;
  EXPECT_TRUE(gradient_matches(weighted, point, gradient, options));
}

TEST_F(TiedDense, WorksWithoutBiasAndWithoutAnInputGradient) {
  Live<float> live(AESWEEP_LAYER, "tied_dense", owned_by_encoder(false));
  live.know(kOwner, 2, 1).plan(1, 1);
  ASSERT_TRUE(live.parameters().empty());
  ASSERT_EQ(live.planned().tensor_count, 1u);
  EXPECT_EQ(live.planned().tensors[0].role, std::uint32_t{AESWEEP_VIEWED});
  EXPECT_STREQ(live.planned().tensors[0].name, kOwner);
  live.viewed()[0] = {3.0f, 5.0f};
  Grid<float> x(1, 1), y(1, 2), dy(1, 2);
  x.fill([](auto, auto) { return 2.0; });
  dy.fill([](auto, auto j) { return j == 0 ? 1.0 : -1.0; });
  live.forward(make_context(1), x.in(), y.out());
  EXPECT_EQ(y.values(), (std::vector<float>{6.0f, 10.0f}));
  live.backward(make_context(1), x.in(), y.in(), dy.in(), nullptr);
  EXPECT_EQ(live.viewed_gradients()[0], (std::vector<float>{2.0f, -2.0f}));
}

TEST_F(TiedDense, RefusesAMissingOwnerAndOtherWidths) {
  Live<float> live(AESWEEP_LAYER, "tied_dense", owned_by_encoder());
  ErrorText error;
  EXPECT_EQ(live.try_plan(4, 30, 0, error), AESWEEP_INVALID_PARAMETER);
  EXPECT_EQ(error.str(),
            "of: no earlier layer `encoder` has a tensor weights; name a dense layer before this "
            "one");
  live.know("encoder/bias", 1, 30).know(kOwner, 784, 64);
  EXPECT_EQ(live.try_plan(4, 30, 0, error), AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(error.str(),
            "of: the weights of `encoder` are 784 x 64, so this layer needs an input of 64 "
            "columns, not 30");
  EXPECT_EQ(live.try_plan(4, 64, 0, error), AESWEEP_OK);
}

}  // namespace
}  // namespace aesweep::test
