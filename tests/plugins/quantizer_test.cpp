// Proves the binary quantizer: signs of both zeros, NaN, clipping, and bits free of cuts.
#include "tests/plugins/harness.hpp"

namespace aesweep::test {
namespace {

template <class Real>
class BinaryOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(BinaryOf, Scalars);

template <class Real>
using Table = typename sdk::Abi<Real>::QuantizerTable;

TYPED_TEST(BinaryOf, TakesTheSignWithZeroPositive) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_QUANTIZER, "binary", {{"limit", 0.25}});
  live.plan(1, 0);
  const auto& table = live.template table<Table<Real>>();
  const std::vector<Real> w = {Real(0),  Real(-0.0), Real(1e-30),    Real(-1e-30),
                               Real(-3), Real(3),    Real(HUGE_VAL), Real(-HUGE_VAL)};
  std::vector<Real> q(w.size());
  const aesweep_context context = make_context(1);
  const aesweep_block block = make_block(w.size());
  live.call(table.quantize, &context, &block, w.data(), q.data(), static_cast<void*>(nullptr));
  const Real h = Real(0.25);
  EXPECT_EQ(q, (std::vector<Real>{h, h, h, -h, -h, h, h, -h}));
  EXPECT_EQ(table.backward, nullptr) << "straight through";
  EXPECT_TRUE((live.component().flags & AESWEEP_SURROGATE) != 0);
}

TYPED_TEST(BinaryOf, ClipsAfterTheUpdateAndKeepsNan) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_QUANTIZER, "binary");
  live.plan(1, 0);
  const auto& table = live.template table<Table<Real>>();
  const aesweep_context context = make_context(1);
  std::vector<Real> w = {Real(2), Real(-2), Real(1), Real(-1), Real(0.5), Real(std::nan(""))};
  std::vector<Real> q(w.size());
  const aesweep_block block = make_block(w.size());
  live.call(table.after_update, &context, &block, static_cast<const Real*>(nullptr), w.data());
  live.call(table.quantize, &context, &block, w.data(), q.data(), static_cast<void*>(nullptr));
  EXPECT_TRUE(std::isnan(w.back()) && std::isnan(q.back()));
  w.pop_back();
  EXPECT_EQ(w, (std::vector<Real>{1, -1, 1, -1, Real(0.5)}));
}

TYPED_TEST(BinaryOf, ResultsDoNotDependOnCuts) {
  using Real = TypeParam;
  Live<Real> live(AESWEEP_QUANTIZER, "binary", {{"limit", 0.3}});
  live.plan(1, 0);
  const auto& table = live.template table<Table<Real>>();
  const aesweep_context context = make_context(1);
  std::vector<Real> whole, q(101);
  for (std::int64_t i = 0; i < 101; ++i) whole.push_back(static_cast<Real>(scatter(i)));
  std::vector<Real> cut = whole;
  aesweep_block block = make_block(101);
  live.call(table.after_update, &context, &block, static_cast<const Real*>(nullptr), whole.data());
  for (std::size_t first = 0; first < 101; first += 7) {
    block = make_block(std::min<std::size_t>(7, 101 - first));
    live.call(table.after_update, &context, &block, static_cast<const Real*>(nullptr),
              cut.data() + first);
  }
  EXPECT_TRUE(same_bits(whole, cut));
}

}  // namespace
}  // namespace aesweep::test
