// Proves topk against a sorted reference: which values stay, ties, NaN, the active set, the
// gradient.
#include <algorithm>
#include <numeric>

#include "tests/plugins/harness.hpp"

namespace aesweep::test {
namespace {

// An active set with its memory. Garbage at first, as a host may leave it.
template <class Real>
struct ActiveSet {
  ActiveSet(std::int64_t rows, std::int64_t capacity)
      : offsets(static_cast<std::size_t>(rows + 1), -1),
        columns(static_cast<std::size_t>(capacity), -1),
        values(static_cast<std::size_t>(capacity), Real(-77)) {
    active.struct_size = sizeof active;
    active.capacity = capacity;
    active.row_offsets = offsets.data();
    active.columns = columns.data();
    active.values = values.data();
  }
  std::vector<std::int64_t> offsets;
  std::vector<std::int32_t> columns;
  std::vector<Real> values;
  sdk::Active<Real> active{};
};

template <class Real>
struct Result {
  Grid<Real> y;
  ActiveSet<Real> set;
};

template <class Real>
Result<Real> run(Live<Real>& live, const Grid<Real>& x, std::int64_t k, std::int64_t padding = 0) {
  live.plan(std::max<std::int64_t>(x.rows(), 1), x.cols());
  Result<Real> result{Grid<Real>(x.rows(), x.cols(), padding, padding), {x.rows(), x.rows() * k}};
  auto y = result.y.out();
  y.active = &result.set.active;
  live.forward(make_context(64), x.in(), y);
  return result;
}

// Columns of the k largest of a row, by a stable sort.
template <class Real>
std::vector<std::int32_t> reference_columns(const Grid<Real>& x, std::int64_t row, std::int64_t k) {
  std::vector<std::int32_t> columns(static_cast<std::size_t>(x.cols()));
  std::iota(columns.begin(), columns.end(), 0);
  std::stable_sort(columns.begin(), columns.end(), [&](std::int32_t a, std::int32_t b) {
    const Real left = x.at(row, a), right = x.at(row, b);
    if (std::isnan(left) || std::isnan(right)) return std::isnan(left) && !std::isnan(right);
    return left > right;
  });
  columns.resize(static_cast<std::size_t>(k));
  std::sort(columns.begin(), columns.end());
  return columns;
}

template <class Real>
void expect_reference(const Grid<Real>& x, const Result<Real>& result, std::int64_t k) {
  const ActiveSet<Real>& set = result.set;
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    const auto expected = reference_columns(x, i, k);
    ASSERT_EQ(set.offsets[static_cast<std::size_t>(i)], i * k);
    const std::vector<std::int32_t> columns(set.columns.begin() + i * k,
                                            set.columns.begin() + (i + 1) * k);
    ASSERT_EQ(columns, expected) << "row " << i;
    std::vector<Real> y(static_cast<std::size_t>(x.cols()), Real(0)), got(y.size());
    for (std::int64_t n = 0; n < k; ++n) {
      const std::int32_t column = columns[static_cast<std::size_t>(n)];
      const Real value = x.at(i, column);
      y[static_cast<std::size_t>(column)] = value;
      ASSERT_TRUE(same_bits<Real>({set.values[static_cast<std::size_t>(i * k + n)]}, {value}));
    }
    for (std::int64_t j = 0; j < x.cols(); ++j)
      got[static_cast<std::size_t>(j)] = result.y.at(i, j);
    ASSERT_TRUE(same_bits(got, y)) << "row " << i;
  }
  ASSERT_EQ(set.offsets[static_cast<std::size_t>(x.rows())], x.rows() * k);
  EXPECT_TRUE(result.y.canaries_intact());
}

template <class Real>
class TopKOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TopKOf, Scalars);

TYPED_TEST(TopKOf, KeepsWhatASortWouldKeep) {
  using Real = TypeParam;
  for (const std::int64_t rows : {0, 1, 37}) {
    for (const std::int64_t cols : {1, 7, 64, 1000}) {
      for (const std::int64_t k : {std::int64_t{1}, std::int64_t{3}, cols / 2, cols}) {
        if (k < 1 || k > cols) continue;
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols) + ", k " +
                     std::to_string(k));
        Live<Real> live(AESWEEP_ACTIVATION, "topk", {{"k", k}});
        Grid<Real> x(rows, cols, 3, 1);
        x.fill([](auto i, auto j) { return scatter(i, j); });
        expect_reference(x, run(live, x, k, 5), k);
        // Rising rows displace a candidate at every element; few levels make many ties.
        x.fill([](auto, auto j) { return j; });
        expect_reference(x, run(live, x, k), k);
        x.fill([](auto i, auto j) { return std::floor(3.0 * scatter(i, j)); });
        expect_reference(x, run(live, x, k), k);
      }
    }
  }
}

TYPED_TEST(TopKOf, TakesEitherZeroAsEqualAndNanAsLargest) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_ACTIVATION, "topk", {{"k", 3}});
  Grid<Real> x(3, 7);
  const double nan = std::nan("");
  const std::vector<std::vector<double>> rows = {{-1, 0.0, -0.0, 0.0, -0.0, -1, 0.0},
                                                 {9, 8, -nan, 7, 6, nan, 5},
                                                 {nan, nan, -1, nan, nan, -2, nan}};
  x.fill([&](auto i, auto j) {
    return rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  });
  const auto result = run(live, x, 3);
  EXPECT_EQ(result.set.columns, (std::vector<std::int32_t>{1, 2, 3, 0, 2, 5, 0, 1, 3}));
  expect_reference(x, result, 3);
}

TYPED_TEST(TopKOf, GradientPassesAtKeptPositionsAndIsReadThereOnly) {
  using Real = TypeParam;
  const std::int64_t rows = 37, cols = 64, k = 5;
  Live<Real> live(AESWEEP_ACTIVATION, "topk", {{"k", k}});
  Grid<Real> x(rows, cols);
  x.fill([](auto i, auto j) { return scatter(i, j); });
  auto result = run(live, x, k);
  Grid<Real> dy(rows, cols, 1, 1), dx(rows, cols, 2, 3);
  dy.fill([&](auto i, auto j) {
    return result.y.at(i, j) == Real(0) ? Real(std::nan("")) : Real(scatter(i, j, 3));
  });
  auto y = result.y.in();
  y.active = &result.set.active;
  const auto gradient = dx.out();
  live.backward(make_context(64), x.in(), y, dy.in(), &gradient);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      EXPECT_EQ(dx.at(i, j), result.y.at(i, j) == Real(0) ? Real(0) : dy.at(i, j));
    }
  }
  EXPECT_TRUE(dx.canaries_intact());
  EXPECT_TRUE((live.component().flags & AESWEEP_GRADIENT_AT_ACTIVE) != 0);
  EXPECT_EQ(live.planned().active_per_row, k);
}

TEST(TopK, RefusesWhatCannotBe) {
  const aesweep_component& topk = find_component(AESWEEP_ACTIVATION, "topk");
  const Created zero = create(topk, AESWEEP_F32, {{"k", 0}});
  EXPECT_EQ(zero.status, AESWEEP_INVALID_PARAMETER);
  EXPECT_EQ(zero.text, "k: 0 is not in [1, 2147483647]");

  Live<float> live(AESWEEP_ACTIVATION, "topk", {{"k", 8}});
  ErrorText error;
  EXPECT_EQ(live.try_plan(4, 7, 7, error), AESWEEP_INVALID_SHAPE);
  EXPECT_EQ(error.str(), "k: 8 is more than the width of the layer, 7");

  live.plan(4, 9);
  Grid<float> x(4, 9), y(4, 9);
  x.fill([](auto i, auto j) { return scatter(i, j); });
  ActiveSet<float> small(4, 31);
  for (sdk::Active<float>* active : {static_cast<sdk::Active<float>*>(nullptr), &small.active}) {
    const auto in = x.in();
    auto out = y.out();
    out.active = active;
    const aesweep_context context = make_context(4);
    EXPECT_EQ(live.transform().forward(live.instance(), &context, &live.memory(), &in, &out,
                                       &error.error),
              AESWEEP_INVALID_SHAPE);
    EXPECT_EQ(error.str(), "topk needs an active set of 32 entries");
  }
}

}  // namespace
}  // namespace aesweep::test
