// Proves dense against sums in long double: the product, its gradients, the choice between matrix
// product and active entries (with a host that counts products), initializers and bad parameters.
#include <algorithm>

#include "tests/plugins/harness.hpp"
#include "tests/plugins/products.hpp"
#include "tests/support/gradient_check.hpp"

namespace aesweep::test {
namespace {

struct Shape {
  std::int64_t rows, inputs, units;
};
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {{0, 7, 5},  {1, 1, 1},   {1, 7, 64},
                                         {37, 1, 7}, {37, 64, 7}, {5, 40, 70}};
  return all;
}

class Dense : public ::testing::Test {
 protected:
  Dense() { count_products_of("dense"); }
};

template <class Real>
class DenseOf : public Dense {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(DenseOf, Scalars);

template <class Real>
void fill_parameters(Live<Real>& live, std::int64_t units) {
  std::uint64_t salt = 10;
  for (auto& tensor : live.parameters()) {
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      tensor[i] = static_cast<Real>(scatter(at / units, at % units, salt));
    }
    ++salt;
  }
}

// An error of at most `terms` roundings of terms at most 1 in size.
template <class Real>
double sum_bound(std::int64_t terms) {
  return static_cast<double>((terms + 2) * (terms + 2)) * kEpsilon<Real> / 2.0;
}

// Runs forward and backward on the shape and compares with long double. `density` 1 gives a full x;
// below, x gets an active set, and dx one if `gradient_at_active`.
template <class Real>
void check_against_sums(const Shape& s, bool bias, double density, bool gradient_at_active) {
  Live<Real> live(AESWEEP_LAYER, "dense", {{"units", s.units}, {"bias", bias ? 1 : 0}});
  live.plan(s.rows + 1, s.inputs);
  ASSERT_EQ(live.planned().output_cols, s.units);
  ASSERT_EQ(live.parameters().size(), bias ? 2u : 1u);
  fill_parameters(live, s.units);
  Grid<Real> x(s.rows, s.inputs, 3, 1), y(s.rows, s.units, 5, 2);
  Grid<Real> dy(s.rows, s.units, 1, 3), dx(s.rows, s.inputs, 2, 1);
  x.fill([&](auto i, auto j) {
    return 0.5 * (scatter(i, j, 5) + 1.0) < density ? scatter(i, j, 6) : 0.0;
  });
  dy.fill([](auto i, auto j) { return scatter(i, j, 7); });
  NonZeros<Real> active(x);
  auto in = x.in();
  auto out_dx = dx.out();
  if (density < 1.0) in.active = active.get();
  if (gradient_at_active) {
    out_dx.active = active.get();
    dx.fill([](auto, auto) { return 0.0; });
  }
  const aesweep_context context = make_context(64);
  live.forward(context, in, y.out());
  for (auto& gradient : live.gradients()) std::fill(gradient.begin(), gradient.end(), Real(99));
  live.backward(context, in, y.in(), dy.in(), &out_dx);

  const auto w = [&](std::int64_t d, std::int64_t k) {
    return static_cast<long double>(
        live.parameters()[0][static_cast<std::size_t>(d * s.units + k)]);
  };
  for (std::int64_t i = 0; i < s.rows; ++i) {
    for (std::int64_t k = 0; k < s.units; ++k) {
      long double sum = bias ? live.parameters()[1][static_cast<std::size_t>(k)] : Real(0);
      for (std::int64_t d = 0; d < s.inputs; ++d) sum += x.at(i, d) * w(d, k);
      EXPECT_NEAR(y.at(i, k), sum, sum_bound<Real>(s.inputs));
    }
    for (std::int64_t d = 0; d < s.inputs; ++d) {
      if (gradient_at_active && x.at(i, d) == Real(0)) continue;
      long double sum = 0;
      for (std::int64_t k = 0; k < s.units; ++k) sum += dy.at(i, k) * w(d, k);
      EXPECT_NEAR(dx.at(i, d), sum, sum_bound<Real>(s.units));
    }
  }
  for (std::int64_t k = 0; k < s.units; ++k) {
    long double column = 0;
    for (std::int64_t i = 0; i < s.rows; ++i) column += dy.at(i, k);
    if (bias) {
      EXPECT_NEAR(live.gradients()[1][static_cast<std::size_t>(k)], column,
                  sum_bound<Real>(s.rows));
    }
    for (std::int64_t d = 0; d < s.inputs; ++d) {
      long double sum = 0;
      for (std::int64_t i = 0; i < s.rows; ++i) {
        sum += static_cast<long double>(x.at(i, d)) * dy.at(i, k);
      }
      EXPECT_NEAR(live.gradients()[0][static_cast<std::size_t>(d * s.units + k)], sum,
                  sum_bound<Real>(s.rows));
    }
  }
  EXPECT_TRUE(x.canaries_intact() && y.canaries_intact());
  EXPECT_TRUE(dy.canaries_intact() && dx.canaries_intact());
}

TYPED_TEST(DenseOf, MatchesSumsInLongDouble) {
  for (const Shape& s : shapes()) {
    for (const bool bias : {true, false}) {
      SCOPED_TRACE(std::to_string(s.rows) + " x " + std::to_string(s.inputs) + " x " +
                   std::to_string(s.units));
      product_count() = 0;
      check_against_sums<TypeParam>(s, bias, 1.0, false);
      EXPECT_EQ(product_count(), s.rows == 0 ? 0 : 3);
    }
  }
}

TYPED_TEST(DenseOf, SparsePathMatchesTheSameSums) {
  for (const Shape& s : shapes()) {
    if (s.inputs < 40) continue;
    product_count() = 0;
    check_against_sums<TypeParam>(s, true, 0.06, true);
    EXPECT_EQ(product_count(), 0) << "entries were to be used alone";
    check_against_sums<TypeParam>(s, true, 0.06, false);
    EXPECT_EQ(product_count(), 1) << "dx is wanted everywhere, so it is a product";
    product_count() = 0;
    check_against_sums<TypeParam>(s, true, 0.5, true);
    EXPECT_EQ(product_count(), 3) << "too many entries";
  }
}

TYPED_TEST(DenseOf, ChoosesByTheNumberOfEntriesAlone) {
  using Real = TypeParam;
  const std::int64_t rows = 3, inputs = 16, units = 7;  // 3 * 16 / 8 = 6 entries are few enough.
  Live<Real> live(AESWEEP_LAYER, "dense", {{"units", units}});
  live.plan(rows, inputs);
  for (const std::int64_t entries : {6, 7}) {
    Grid<Real> x(rows, inputs), y(rows, units);
    x.fill([&](auto i, auto j) { return i == 1 && j < entries ? 0.5 : 0.0; });
    NonZeros<Real> active(x);
    auto in = x.in();
    in.active = active.get();
    product_count() = 0;
    live.forward(make_context(rows), in, y.out());
    EXPECT_EQ(product_count(), entries == 6 ? 0 : 1);
  }
}

TYPED_TEST(DenseOf, SparseBitsDoNotDependOnAddresses) {
  using Real = TypeParam;
  const std::int64_t rows = 5, inputs = 64, units = 37;
  Live<Real> live(AESWEEP_LAYER, "dense", {{"units", units}});
  live.plan(rows, inputs);
  fill_parameters(live, units);
  std::vector<Real> expected;
  for (const std::int64_t offset : {0, 1, 2, 5}) {
    Grid<Real> x(rows, inputs, offset, offset), y(rows, units, offset, offset);
    Grid<Real> dy(rows, units, offset, offset), dx(rows, inputs, offset, 0);
    x.fill([](auto i, auto j) { return (i + j) % 16 == 0 ? scatter(i, j) : 0.0; });
    dy.fill([](auto i, auto j) { return scatter(i, j, 1); });
    dx.fill([](auto, auto) { return 0.0; });
    NonZeros<Real> active(x);
    auto in = x.in();
    auto out = dx.out();
    in.active = out.active = active.get();
    live.forward(make_context(rows), in, y.out());
    live.backward(make_context(rows), in, y.in(), dy.in(), &out);
    std::vector<Real> all = y.values();
    for (const auto& more : {dx.values(), live.gradients()[0], live.gradients()[1]}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    if (offset == 0) expected = all;
    EXPECT_TRUE(same_bits(all, expected)) << "offset " << offset;
  }
}

TEST_F(Dense, GradientMatchesDifferences) {
  const std::int64_t rows = 7, inputs = 5, units = 3;
  Live<double> live(AESWEEP_LAYER, "dense", {{"units", units}});
  live.plan(rows, inputs);
  fill_parameters(live, units);
  Grid<double> x(rows, inputs), y(rows, units), dy(rows, units), dx(rows, inputs);
  x.fill([](auto i, auto j) { return scatter(i, j, 1); });
  dy.fill([](auto i, auto j) { return scatter(i, j, 2); });
  const aesweep_context context = make_context(rows);
  live.forward(context, x.in(), y.out());
  const auto gradient = dx.out();
  live.backward(context, x.in(), y.in(), dy.in(), &gradient);
  std::vector<double> point = live.parameters()[0], gradients = live.gradients()[0];
  const auto append = [](std::vector<double>& to, const std::vector<double>& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  append(point, live.parameters()[1]);
  append(gradients, live.gradients()[1]);
  append(point, x.values());
  append(gradients, dx.values());
  const auto probe = [&](std::span<const double> at) {
    std::copy_n(at.begin(), inputs * units, live.parameters()[0].begin());
    std::copy_n(at.begin() + inputs * units, units, live.parameters()[1].begin());
    Grid<double> moved(rows, inputs), out(rows, units);
    const auto rest = at.subspan(static_cast<std::size_t>((inputs + 1) * units));
    moved.fill([&](auto i, auto j) { return rest[static_cast<std::size_t>(i * inputs + j)]; });
    live.forward(context, moved.in(), out.out());
    double sum = 0.0;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t k = 0; k < units; ++k) sum += dy.at(i, k) * out.at(i, k);
    }
    return sum;
  };
  const double terms = rows * units * (inputs + 1);
  EXPECT_TRUE(gradient_matches(probe, point, gradients, {.roundings = terms, .magnitude = terms}));
}

TEST_F(Dense, DeclaresItsTensorsAndInitializers) {
  struct Case {
    const char* initializer;
    std::uint32_t init;
    double a, b;
  };
  const double inputs = 30, units = 20;
  const std::vector<Case> cases = {
      {"xavier_uniform", AESWEEP_INIT_UNIFORM, -std::sqrt(6 / (inputs + units)),
       std::sqrt(6 / (inputs + units))},
      {"xavier_normal", AESWEEP_INIT_NORMAL, 0.0, std::sqrt(2 / (inputs + units))},
      {"he_uniform", AESWEEP_INIT_UNIFORM, -std::sqrt(6 / inputs), std::sqrt(6 / inputs)},
      {"he_normal", AESWEEP_INIT_NORMAL, 0.0, std::sqrt(2 / inputs)},
      {"uniform", AESWEEP_INIT_UNIFORM, -0.25, 0.5}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.initializer);
    Live<float> live(AESWEEP_LAYER, "dense",
                     {{"initializer", c.initializer}, {"init_min", -0.25}, {"init_max", 0.5}});
    live.plan(4, 30, 20);  // units 0: the width of the target.
    ASSERT_EQ(live.planned().tensor_count, 2u);
    const aesweep_tensor& w = live.planned().tensors[0];
    EXPECT_STREQ(w.name, "weights");
    EXPECT_EQ(w.rows, 30);
    EXPECT_EQ(w.cols, 20);
    EXPECT_EQ(w.flags, std::uint32_t{AESWEEP_MAY_DECAY | AESWEEP_MAY_QUANTIZE});
    EXPECT_EQ(w.init, c.init);
    EXPECT_DOUBLE_EQ(w.init_a, c.a);
    EXPECT_DOUBLE_EQ(w.init_b, c.b);
    const aesweep_tensor& b = live.planned().tensors[1];
    EXPECT_STREQ(b.name, "bias");
    EXPECT_EQ(b.rows * b.cols, 20);
    EXPECT_EQ(b.flags, 0u);
    EXPECT_EQ(b.init, std::uint32_t{AESWEEP_INIT_CONSTANT});
    EXPECT_EQ(b.init_a, 0.0);
  }
}

TEST_F(Dense, RefusesBadParameters) {
  const aesweep_component& dense = find_component(AESWEEP_LAYER, "dense");
  const auto text_of = [&](const Values& given) {
    const Created created = create(dense, AESWEEP_F64, given);
    EXPECT_EQ(created.status, AESWEEP_INVALID_PARAMETER);
    return created.text;
  };
  EXPECT_EQ(text_of({{"units", -1}}), "units: -1 is not in [0, 16777216]");
  EXPECT_EQ(text_of({{"init_min", 1.0}}), "init_min: 1 is above init_max, 0.05");
  EXPECT_EQ(text_of({{"initializer", "glorot"}}),
            "initializer: glorot is not one of xavier_uniform, xavier_normal, he_uniform, "
            "he_normal, uniform");
  Live<float> live(AESWEEP_LAYER, "dense");
  ErrorText error;
  EXPECT_EQ(live.try_plan(4, 30, 0, error), AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(error.str(), "no layer from 30 to 0 columns");
}

}  // namespace
}  // namespace aesweep::test
