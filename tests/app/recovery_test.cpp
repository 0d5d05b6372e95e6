// Proves that the quickstart checks itself: with the L1 penalty the decoder recovers the true
// dictionary, and without it the trial reconstructs as well or better and recovers clearly less,
// for three seeds. The truth is the dictionary from which the data were drawn.
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "core/base/buffer.hpp"
#include "core/train/trial.hpp"
#include "runner/config/experiment.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep {
namespace {

// Recovery between a random decoder's (about 0.27) and a perfect one's (1) that is "clearly less".
constexpr double kGap = 0.3;

Experiment quickstart(int seed) {
  const std::string path = AESWEEP_SOURCE_DIRECTORY "/experiments/quickstart.yaml";
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::vector<Override> overrides = {{"train.seed", std::to_string(seed)}};
  auto document = parse_experiment(text, path, overrides);
  EXPECT_TRUE(document.ok()) << document.status().message();
  auto experiment = resolve_experiment(*document, test::builtins(), "");
  EXPECT_TRUE(experiment.ok()) << experiment.status().message();
  return std::move(experiment).value();
}

std::map<std::string, double> last_values(const TrialResult& result) {
  std::map<std::string, double> values;
  for (const HistoryRow& row : result.history) {
    values[result.metrics[static_cast<std::size_t>(row.metric)].name] = row.value;
  }
  return values;
}

TEST(Recovery, ThePenaltyFindsTheDictionaryAndItsAbsenceDoesNot) {
  for (const int seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    const Experiment experiment = quickstart(seed);
    auto layout = inspect(experiment.data);
    ASSERT_TRUE(layout.ok()) << layout.status().message();
    Buffer<std::byte> block(layout->bytes);
    ASSERT_TRUE(load(experiment.data, *layout, block.span()).ok());
    const Result<Dataset> viewed = view(experiment.data, *layout, block.span());
    ASSERT_TRUE(viewed.ok()) << viewed.status().message();
    const Dataset& dataset = viewed.value();
    SoloExchange alone;
    TrialControl quiet;
    const auto train = [&](const PlannedTrial& trial) {
      const TrialResult result = run_trial(trial.spec, test::builtins(), dataset, alone, quiet);
      EXPECT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
      return last_values(result);
    };
    auto without = train(experiment.trials.front());  // Coefficient 0.
    auto with = train(experiment.trials.back());      // The largest coefficient.
    EXPECT_LE(without["test/mse"], with["test/mse"]);
    EXPECT_GT(with["dictionary/recovery"], 0.9);
    EXPECT_LT(without["dictionary/recovery"], with["dictionary/recovery"] - kGap);
    EXPECT_LT(with["test/l0"], without["test/l0"] / 2);
  }
}

}  // namespace
}  // namespace aesweep
