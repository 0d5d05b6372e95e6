// Proves that whoever looks while a component is at work, as a crash handler does, finds its
// library, name, function, layer and step, also right after another component worked between two
// shards; that no name stays behind a trial; and that a watchdog sees progress, the epoch, and
// names that outlive the trial. An activation looks from inside each of its calls.
#include "core/model/call_trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/sdk/plugin.hpp"
#include "core/train/trial.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::uint64_t kStepsPerEpoch = 2;

std::vector<std::string> seen;
std::uint64_t last_calls = 0;
const char* last_layer = nullptr;

void look(std::uint64_t step) {
  const CallTrace& trace = call_trace();
  EXPECT_EQ(trace.step, step);
  EXPECT_LE(trace.epoch * kStepsPerEpoch, step);
  EXPECT_GE((trace.epoch + 1) * kStepsPerEpoch, step);
  EXPECT_GT(trace.calls, last_calls);
  last_calls = trace.calls;
  last_layer = trace.layer;
  ASSERT_TRUE(trace.library != nullptr && trace.component != nullptr);
  ASSERT_TRUE(trace.function != nullptr && trace.layer != nullptr);
  const auto word = [](const char* name) { return std::string(name); };
  seen.push_back(word(trace.library) + " " + word(trace.component) + " " + word(trace.function) +
                 " " + word(trace.layer));
}

template <class Real>
class Watcher {
 public:
  static constexpr sdk::Info kInfo = {.name = "watcher", .summary = "y = x"};

  void plan(const sdk::Request&, sdk::Plan& plan) const {
    look(0);
    plan.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, 1);
  }
  void accumulate(const sdk::Context& context, std::uint32_t, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>*) const {
    look(context.train_step);
  }
  void forward(const sdk::Context& context, const sdk::Memory<Real>&,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    look(context.train_step);
    sdk::map(y) = sdk::map(x);
  }
  void backward(const sdk::Context& context, const sdk::Memory<Real>&,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    look(context.train_step);
    sdk::map(*dx) = sdk::map(dy);
  }
  void end_step(const sdk::Context& context, const sdk::Memory<Real>&) const {
    look(context.train_step);
  }
};

constexpr const aesweep_component* kComponents[] = {sdk::activation<Watcher>()};

TEST(CallTrace, NamesTheCallAtWork) {
  aesweep_plugin_entry entry{};
  entry.components = kComponents;
  entry.component_count = 1;
  Catalogue catalogue = builtins();
  ASSERT_TRUE(catalogue.add(entry, {"watching", "1", "/w.so", ""}).ok());
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("in", 5, "watcher"), dense("code", 4, "tanh"),
                       dense("output", 0, "watcher")};
  spec.model.layers[1].regularizers = {
      regularizer("l2", RegularizerTarget::kActivations, {{"coefficient", 0.1}}),
      regularizer("l2", RegularizerTarget::kWeights, {{"coefficient", 0.1}})};
  spec.model.layers[1].regularizers[1].name = "decay";
  spec.model.layers[1].quantizer = ComponentSpec{"binary", {}};
  spec.optimizer = {"sgd", {{"lr", 0.1}}};
  spec.train.epochs = 2;
  spec.train.batch_rows = 8;
  spec.train.shard_rows = 3;
  const SmallData data(16, 8, 6);
  SoloExchange alone;
  TrialControl quiet;
  const TrialResult result = run_trial(spec, catalogue, data.dataset(), alone, quiet);
  ASSERT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  for (const std::string function : {"plan", "accumulate", "forward", "backward", "end_step"}) {
    // Four training steps of three shards, two evaluations and the samples' forward, per layer.
    const std::ptrdiff_t expected = function == "plan"       ? 1
                                    : function == "backward" ? 4 * 3
                                    : function == "end_step" ? 4
                                                             : 7 * 3;
    for (const std::string layer : {"in", "output"}) {
      EXPECT_EQ(std::count(seen.begin(), seen.end(), "/w.so watcher " + function + " " + layer),
                expected)
          << function << " " << layer;
    }
  }
  EXPECT_EQ(seen.size(), 2u * (1 + 12 + 4 + 21 + 21));
  EXPECT_STREQ(last_layer, "output");
  EXPECT_EQ(call_trace().epoch, 2u);
  EXPECT_EQ(call_trace().component, nullptr);
  EXPECT_EQ(call_trace().layer, nullptr);
}

}  // namespace
}  // namespace aesweep::test
