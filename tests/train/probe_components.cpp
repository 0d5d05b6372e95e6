#include "tests/train/probe_components.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

#include "core/model/call_trace.hpp"
#include "core/sdk/plugin.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/thread_group.hpp"

namespace aesweep::test {
namespace {

std::mutex calls_mutex;
std::vector<ProbeCall> calls;

template <class Real>
class Probe {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "probe", .summary = "w -= lr g", .flags = AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {sdk::real("lr", "Rate", 0.1)};
  explicit Probe(const sdk::Parameters& p) : lr_(p.real("lr")) {}

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* g,
              Real* const*) const {
    for (std::uint64_t i = 0; i < block.count; ++i) w[i] -= Real(lr_ * context.rate_factor) * g[i];
    const std::lock_guard lock(calls_mutex);
    calls.push_back({context.step, context.rate_factor, context.stream, block.first, block.count,
                     std::string(call_trace().layer), call_trace().step});
  }

 private:
  double lr_;
};

template <class Real>
class Whole {
 public:
  static constexpr sdk::Info kInfo = {.name = "whole", .summary = "w -= lr g"};
  static constexpr aesweep_parameter_info kParameters[] = {sdk::real("lr", "Rate", 0.1)};
  explicit Whole(const sdk::Parameters& p) : lr_(p.real("lr")) {}

  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.state("steps"); }

  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* g,
              Real* const* state) const {
    const auto elements = static_cast<std::uint64_t>(block.rows * block.cols);
    sdk::require(block.first == 0 && block.count == elements, AESWEEP_INTERNAL, "not a tensor");
    for (std::uint64_t i = 0; i < block.count; ++i) {
      sdk::require(state[0][i] == Real(context.step), AESWEEP_INTERNAL, "state of another tensor");
      state[0][i] += Real(1);
      w[i] -= Real(lr_ * context.rate_factor) * g[i];
    }
  }

 private:
  double lr_;
};

template <class Real>
class Failing {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "failing", .summary = "nothing, or an error", .flags = AESWEEP_BLOCKWISE};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::integer("step", "When", 0, sdk::at_least(0))};
  explicit Failing(const sdk::Parameters& p)
      : step_(static_cast<std::uint64_t>(p.integer("step"))) {}

  void update(const sdk::Context& context, const sdk::Block& block, Real*, const Real*,
              Real* const*) const {
    sdk::require(context.step != step_ || block.first == 0, AESWEEP_NUMERIC, "block at ",
                 block.first);
  }

 private:
  std::uint64_t step_;
};

template <class Real>
class Identity {
 public:
  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    std::memcpy(q, w, block.count * sizeof(Real));
  }
};

template <class Real>
class Frozen : public Identity<Real> {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "frozen", .summary = "q = w", .flags = AESWEEP_READS_PREVIOUS};
  void after_update(const sdk::Context& context, const sdk::Block& block, const Real* previous,
                    Real* w) const {
    sdk::require(context.rate_factor == 1.0, AESWEEP_INTERNAL, "a rate factor");
    std::memcpy(w, previous, block.count * sizeof(Real));
  }
};

template <class Real>
class Blind : public Identity<Real> {
 public:
  static constexpr sdk::Info kInfo = {.name = "blind", .summary = "q = w"};
  void after_update(const sdk::Context&, const sdk::Block&, const Real* previous, Real*) const {
    sdk::require(previous == nullptr, AESWEEP_INTERNAL, "weights that it did not ask for");
  }
};

template <class Real>
class TwoFaced {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "two_faced", .summary = "q = sign w", .flags = AESWEEP_SURROGATE};
  void quantize(const sdk::Context& context, const sdk::Block& block, const Real* w, Real* q,
                void*) const {
    const Real one = context.mode == AESWEEP_TRAIN ? Real(1) : Real(-1);
    for (std::uint64_t i = 0; i < block.count; ++i) q[i] = w[i] < Real(0) ? -one : one;
  }
};

template <class Real>
class Moving {
 public:
  static constexpr sdk::Info kInfo = {.name = "moving",
                                      .summary = "q = m sign w, m = mean |w|",
                                      .flags = AESWEEP_SURROGATE | AESWEEP_MOVING_SCALE};
  void quantize(const sdk::Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    double sum = 0.0;
    for (std::uint64_t i = 0; i < block.count; ++i) sum += std::abs(static_cast<double>(w[i]));
    const Real mean = static_cast<Real>(sum / static_cast<double>(block.count));
    for (std::uint64_t i = 0; i < block.count; ++i) q[i] = w[i] < Real(0) ? -mean : mean;
  }
};

template <class Real>
class Scripted {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "scripted", .summary = "q by step", .flags = AESWEEP_MOVING_SCALE};
  void quantize(const sdk::Context& context, const sdk::Block& block, const Real*, Real* q,
                void*) const {
    std::fill_n(q, block.count, static_cast<Real>(kScript[context.step]));
  }
};

template <class Real>
class Explosive {
 public:
  static constexpr sdk::Info kInfo = {.name = "explosive", .summary = "0"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::integer("step", "When", 0, sdk::at_least(0))};
  explicit Explosive(const sdk::Parameters& p)
      : step_(static_cast<std::uint64_t>(p.integer("step"))) {}

  double on_parameter_block(const sdk::Context& context, const sdk::Block&, const Real*,
                            Real* gradient) const {
    if (gradient != nullptr && context.step == step_) {
      gradient[0] = -std::numeric_limits<Real>::infinity();
    }
    return 0.0;
  }

 private:
  std::uint64_t step_;
};

template <class Real>
class Clock {
 public:
  static constexpr sdk::Info kInfo = {.name = "clock", .summary = "y = x"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::integer("steps_per_epoch", "Of the trial", 1, sdk::at_least(1))};
  explicit Clock(const sdk::Parameters& p)
      : steps_(static_cast<std::uint64_t>(p.integer("steps_per_epoch"))) {}

  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    const std::uint64_t expected =
        context.mode == AESWEEP_TRAIN ? context.step : context.epoch * steps_;
    sdk::require(context.train_step == expected, AESWEEP_INTERNAL, "train_step is ",
                 context.train_step, ", expected ", expected);
    sdk::require(context.rate_factor == 1.0, AESWEEP_INTERNAL, "a rate factor");
    sdk::map(y) = sdk::map(x);
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>& dy,
                const sdk::Matrix<Real>* dx) const {
    sdk::map(*dx) = sdk::map(dy);
  }

 private:
  std::uint64_t steps_;
};

constexpr const aesweep_component* kComponents[] = {
    sdk::optimizer<Probe>(),  sdk::optimizer<Whole>(),    sdk::optimizer<Failing>(),
    sdk::quantizer<Frozen>(), sdk::quantizer<Blind>(),    sdk::quantizer<TwoFaced>(),
    sdk::quantizer<Moving>(), sdk::quantizer<Scripted>(), sdk::regularizer<Explosive>(),
    sdk::activation<Clock>()};

}  // namespace

const Catalogue& probe_catalogue() {
  static const Catalogue whole = [] {
    aesweep_plugin_entry entry{};
    entry.magic = AESWEEP_ABI_MAGIC;
    entry.struct_size = sizeof entry;
    entry.abi_major = AESWEEP_ABI_MAJOR;
    entry.abi_minor = AESWEEP_ABI_MINOR;
    entry.id = "probes";
    entry.version = "1";
    entry.components = kComponents;
    entry.component_count = std::size(kComponents);
    Catalogue catalogue = builtins();
    const Status added = catalogue.add(entry, {"probes", "1", "test", ""});
    EXPECT_TRUE(added.ok()) << added.message();
    return catalogue;
  }();
  return whole;
}

std::vector<ProbeCall> take_probe_calls() {
  const std::lock_guard lock(calls_mutex);
  return std::exchange(calls, {});
}

std::vector<TrialResult> run_on_ranks(const TrialSpec& spec, const Dataset& data, int ranks) {
  std::vector<TrialResult> results(static_cast<std::size_t>(ranks));
  run_thread_group(ranks, static_cast<unsigned>(17 + ranks), [&](Exchange& exchange) {
    TrialControl quiet;
    results[static_cast<std::size_t>(exchange.rank())] =
        run_trial(spec, probe_catalogue(), data, exchange, quiet);
  });
  return results;
}

std::vector<double> values_of(const NamedTensor& tensor) {
  EXPECT_EQ(tensor.scalar, Scalar::kF64) << tensor.name;
  std::vector<double> values(tensor.bytes.size() / sizeof(double));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

double history_value(const TrialResult& result, const std::string& metric, std::int64_t epoch) {
  for (const HistoryRow& row : result.history) {
    const std::string& name = result.metrics[static_cast<std::size_t>(row.metric)].name;
    if (name == metric && row.epoch == epoch) return row.value;
  }
  ADD_FAILURE() << "no " << metric << " after epoch " << epoch;
  return 0.0;
}

}  // namespace aesweep::test
