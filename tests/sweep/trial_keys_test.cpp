// Trial keys: change with everything a result depends on and with nothing else.

#include "runner/sweep/trial_keys.hpp"

#include <gtest/gtest.h>

#include <set>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/math/fingerprint.hpp"
#include "tests/sweep/fake_sweep.hpp"

namespace aesweep {
namespace {

// A library with one loss whose functions nobody calls: enough to be found by name.
class OneLoss {
 public:
  explicit OneLoss(const std::string& sha256) {
    component_.struct_size = sizeof component_;
    component_.kind = AESWEEP_LOSS;
    component_.name = "mse";
    component_.summary = "";
    for (int scalar : {0, 1}) {
      component_.lifecycle[scalar] = &lifecycle_;
    }
    lifecycle_.struct_size = sizeof lifecycle_;
    lifecycle_.create = [](const aesweep_parameter*, uint32_t, void**, aesweep_error*) -> int32_t {
      return AESWEEP_UNSUPPORTED;
    };
    lifecycle_.destroy = [](void*) {};
    lifecycle_.plan = [](void*, const aesweep_plan_request*, aesweep_plan*,
                         aesweep_error*) -> int32_t { return AESWEEP_UNSUPPORTED; };
    single_.struct_size = sizeof single_;
    single_.evaluate = [](void*, const aesweep_context*, const aesweep_memory_f32*,
                          const aesweep_const_matrix_f32*, const aesweep_const_matrix_f32*,
                          const int32_t*, double*, const aesweep_matrix_f32*,
                          aesweep_error*) -> int32_t { return AESWEEP_UNSUPPORTED; };
    double_.struct_size = sizeof double_;
    double_.evaluate = [](void*, const aesweep_context*, const aesweep_memory_f64*,
                          const aesweep_const_matrix_f64*, const aesweep_const_matrix_f64*,
                          const int32_t*, double*, const aesweep_matrix_f64*,
                          aesweep_error*) -> int32_t { return AESWEEP_UNSUPPORTED; };
    component_.table[AESWEEP_F32] = &single_;
    component_.table[AESWEEP_F64] = &double_;
    entry_.components = components_;
    entry_.component_count = 1;
    PluginLibrary library;
    library.id = "test";
    library.sha256 = sha256;
    const Status status = catalogue.add(entry_, library);
    EXPECT_TRUE(status.ok()) << status.message();
  }

  Catalogue catalogue;

 private:
  aesweep_lifecycle lifecycle_{};
  aesweep_loss_f32 single_{};
  aesweep_loss_f64 double_{};
  aesweep_component component_{};
  const aesweep_component* components_[1] = {&component_};
  aesweep_plugin_entry entry_{};
};

PlannedTrial trial_with_loss(const std::string& loss) {
  PlannedTrial trial = fake_experiment(1).trials[0];
  trial.spec.model.loss.name = loss;
  return trial;
}

TEST(TrialKey, IsTheHashOfItsPartsWithTheirLengths) {
  const OneLoss library("aaaa");
  const PlannedTrial trial = trial_with_loss("mse");
  const std::string version = text(kNumericsVersion);
  const std::string parts = text(trial.resolved.size(), ':', trial.resolved, "4:data",
                                 version.size(), ':', version, "8:loss mse", "4:aaaa");
  EXPECT_EQ(trial_key(trial, library.catalogue, "data"), sha256_hex(parts).substr(0, 16));
}

TEST(TrialKey, ChangesWithWhatTheResultDependsOn) {
  const OneLoss library("aaaa");
  const OneLoss other_bytes("bbbb");
  PlannedTrial trial = trial_with_loss("mse");
  std::set<std::string> keys = {trial_key(trial, library.catalogue, "data"),
                                trial_key(trial, library.catalogue, "other data"),
                                trial_key(trial, other_bytes.catalogue, "data")};
  trial.resolved += " ";
  keys.insert(trial_key(trial, library.catalogue, "data"));
  EXPECT_EQ(keys.size(), 4U);
}

TEST(TrialKey, DoesNotChangeWithLabelsOrPluginsThatTheTrialDoesNotUse) {
  const OneLoss library("aaaa");
  const OneLoss other_bytes("bbbb");
  PlannedTrial trial = trial_with_loss("another");
  const std::string key = trial_key(trial, library.catalogue, "data");
  EXPECT_EQ(key, trial_key(trial, other_bytes.catalogue, "data"));
  trial.label = "renamed";
  EXPECT_EQ(key, trial_key(trial, library.catalogue, "data"));
}

TEST(UniqueTrials, KeepTheFirstOfEachKeyAndAreNumberedWithoutGaps) {
  Experiment experiment = fake_experiment(6);
  experiment.trials[2] = experiment.trials[0];
  experiment.trials[5] = experiment.trials[0];
  const UniqueTrials unique = unique_trials(experiment, Catalogue(), "data");
  const std::vector<std::size_t> places = {0, 1, 3, 4};
  ASSERT_EQ(unique.trials.size(), places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_EQ(unique.trials[i].number, static_cast<std::int64_t>(i));
    EXPECT_EQ(unique.trials[i].plan, &experiment.trials[places[i]]);
  }
  ASSERT_EQ(unique.duplicates.size(), 2U);
  EXPECT_EQ(unique.duplicates[1].plan, &experiment.trials[5]);
  EXPECT_EQ(unique.duplicates[1].same_as, 0U);
}

}  // namespace
}  // namespace aesweep
