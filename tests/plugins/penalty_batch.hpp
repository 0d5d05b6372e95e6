// What the tests of regularizers share: a live one, and a batch of outputs put through it in shards
// as the host does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/plugins/harness.hpp"
#include "tests/plugins/shards.hpp"

namespace aesweep::test {

template <class Real>
class PenaltyLive : public Live<Real> {
 public:
  PenaltyLive(const std::string& name, const Values& given)
      : Live<Real>(AESWEEP_REGULARIZER, name, given) {}

  [[nodiscard]] const auto& penalty() const {
    return this->template table<typename sdk::Abi<Real>::RegularizerTable>();
  }

  // One shard's part of round r, into memory().statistic.
  void accumulate(const aesweep_context& context, std::uint32_t r,
                  const sdk::ConstMatrix<Real>& output) {
    const auto views = views_of(output);
    this->call(penalty().accumulate, &context, r, &this->memory(), &views);
  }

  double on_activations(const aesweep_context& context, const sdk::ConstMatrix<Real>& output,
                        const sdk::Matrix<Real>* gradient = nullptr) {
    const auto views = views_of(output);
    double value = std::nan("");
    this->call(penalty().on_activations, &context, &this->memory(), &views, &value, gradient);
    return value;
  }

  // Adds to gradients().
  void on_layer_parameters(const aesweep_context& context, const sdk::ConstMatrix<Real>& output) {
    const auto views = views_of(output);
    this->call(penalty().on_layer_parameters, &context, &this->memory(), &views);
  }

  double on_block(const aesweep_block& block, const Real* w, Real* gradient) {
    const aesweep_context context = make_context(1);
    double value = std::nan("");
    this->call(penalty().on_parameter_block, &context, &block, w, &value, gradient);
    return value;
  }

 private:
  static sdk::Views<Real> views_of(const sdk::ConstMatrix<Real>& output) {
    sdk::Views<Real> views{};
    views.struct_size = sizeof views;
    views.output = output;
    return views;
  }
};

// Value and gradient of a penalty on a whole batch.
template <class Real>
struct PenaltyOutcome {
  double value = 0.0;
  std::vector<Real> gradient;
};

// Puts the batch y through a planned `live` in shards, rounds included. The gradient is added to
// zeros, in memory that is not aligned; where the penalty has one with respect to the layer's
// parameters, that is added to live.gradients().
template <class Real>
PenaltyOutcome<Real> over_shards(PenaltyLive<Real>& live, const Grid<Real>& y,
                                 std::int64_t shards) {
  const aesweep_context context = make_context(0);
  for (std::uint32_t r = 0; r < live.planned().round_count; ++r) {
    run_round(live, r, context, y.rows(), shards,
              [&](const aesweep_context& at, std::int64_t first, std::int64_t count) {
                live.accumulate(at, r, y.in(first, count));
              });
  }
  Grid<Real> gradient(y.rows(), y.cols(), 2, 1);
  gradient.fill([](auto, auto) { return 0.0; });
  PenaltyOutcome<Real> outcome;
  for_each_shard(
      context, y.rows(), shards,
      [&](const aesweep_context& at, std::int64_t first, std::int64_t count) {
        const auto part = gradient.out(first, count);
        const double value = live.on_activations(at, y.in(first, count), &part);
        EXPECT_TRUE(std::isnan(value) || live.on_activations(at, y.in(first, count)) == value)
            << "without a gradient the value is the same";
        outcome.value += value;
        if (live.penalty().on_layer_parameters == nullptr) return;
        live.on_layer_parameters(at, y.in(first, count));
      });
  EXPECT_TRUE(gradient.canaries_intact());
  outcome.gradient = gradient.values();
  return outcome;
}

}  // namespace aesweep::test
