// Proves what model.init_from means, with a reader of weights made up here: which place it names,
// that each is read once, sweeps of trial and path, the layers it names, the message of every
// mistake, and what is in the canonical text.
#include "runner/config/init_from.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "runner/config/experiment.hpp"
#include "tests/config/fake_catalogue.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep::test {
namespace {

class InitFromKeys : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("w.safetensors", "x");
    folder_.write("w.pt", "x");
    folder_.write("results_copy.h5", "\x89HDF\r\n\x1a\nrest");
    std::filesystem::create_directories(folder_.path("npy"));
    std::filesystem::create_directories(folder_.path("run"));
    folder_.write("run/results.h5", "\x89HDF\r\n\x1a\nrest");
  }

  Result<Experiment> resolved(const std::string& init, const std::string& more = "",
                              const std::vector<Override>& overrides = {}) {
    read_.clear();
    const std::string line = init.empty() ? "" : "\n  init_from: " + init;
    Result<Document> document =
        parse_experiment(base_with(4, "  loss: mse" + line) + more, "a.yaml", overrides);
    if (!document.ok()) return document.status();
    return resolve_experiment(*document, fake_catalogue(), folder_.path(),
                              [this](const InitFrom& from) { return weights(from); });
  }
  std::string message(const std::string& init, const std::string& more = "") {
    const Result<Experiment> experiment = resolved(init, more);
    return experiment.ok() ? "no fault" : experiment.status().message();
  }
  GivenWeights given(const std::string& init) {
    const Result<Experiment> experiment = resolved(init);
    EXPECT_TRUE(experiment.ok()) << experiment.status().message();
    return experiment.ok()
               ? experiment->trials.at(0).spec.model.given_weights.value_or(GivenWeights())
               : GivenWeights();
  }

  TemporaryFolder folder_;
  std::vector<InitFrom> read_;  // By the last experiment.

 private:
  Result<GivenWeights> weights(const InitFrom& from) {
    read_.push_back(from);
    if (from.trial == 99) return Status::input(from.path + ": there is no trial 99");
    if (from.trial == 98) return Status::world(from.path + ": the disk is gone");
    GivenWeights given;
    given.sha256 = text("digest", from.trial);
    std::vector<NamedTensor> tensors(2);
    tensors[0].name = "enc/weights";
    tensors[1].name = "last_out.bias";
    given.tensors = std::make_shared<const std::vector<NamedTensor>>(std::move(tensors));
    return given;
  }
};

TEST_F(InitFromKeys, KindsOfPlaces) {
  const std::vector<std::pair<const char*, InitFrom::Kind>> cases = {
      {"w.safetensors", InitFrom::Kind::kSafetensors},
      {"{path: w.safetensors}", InitFrom::Kind::kSafetensors},
      {"npy", InitFrom::Kind::kNpyFolder},
      {"{path: run, trial: 7}", InitFrom::Kind::kRun},
      {"{path: run/results.h5, trial: 7}", InitFrom::Kind::kRun},
      {"{path: results_copy.h5, trial: 7}", InitFrom::Kind::kRun}};
  for (const auto& [init, kind] : cases) {
    const GivenWeights weights = given(init);
    ASSERT_EQ(read_.size(), 1U) << init;
    EXPECT_EQ(read_[0].kind, kind) << init;
    EXPECT_TRUE(read_[0].path.starts_with(folder_.path(""))) << read_[0].path;
    EXPECT_EQ(read_[0].trial, kind == InitFrom::Kind::kRun ? 7 : 0);
    EXPECT_TRUE(weights.layers.empty());
  }
}

TEST_F(InitFromKeys, NoneIsNone) {
  const std::string plain = resolved("")->trials.at(0).resolved;
  const Result<Experiment> none = resolved("none");
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->trials.at(0).resolved, plain);
  EXPECT_FALSE(none->trials[0].spec.model.given_weights.has_value());
  EXPECT_TRUE(read_.empty());
}

TEST_F(InitFromKeys, SweepsTrialsAndReadsEachOnce) {
  const Result<Experiment> experiment =
      resolved("{path: run, trial: 1}",
               "parameters: {model.init_from.trial: {values: [3, 4]}, train.seed: {values: [1, 2, "
               "3]}}\n");
  ASSERT_TRUE(experiment.ok()) << experiment.status().message();
  ASSERT_EQ(experiment->trials.size(), 6U);
  EXPECT_EQ(read_.size(), 2U);
  EXPECT_EQ(experiment->trials[0].parameters[0],
            NamedParameter("model.init_from.trial", std::int64_t{3}));
  EXPECT_EQ(experiment->trials[5].label, "init_from.trial=4 seed=3");
  EXPECT_EQ(experiment->trials[5].spec.model.given_weights->sha256, "digest4");
  EXPECT_EQ(experiment->trials[0].spec.model.given_weights->tensors,
            experiment->trials[1].spec.model.given_weights->tensors);  // Shared.
}

TEST_F(InitFromKeys, SweepsPlaces) {
  const Result<Experiment> experiment = resolved(
      "{path: run, trial: 1, layers: {code: enc}}",
      "parameters: {model.init_from: {values: [none, w.safetensors, {path: run, trial: 5, label: "
      "fifth}, {layers.out: last_out, label: more}]}}\n");
  ASSERT_TRUE(experiment.ok()) << experiment.status().message();
  ASSERT_EQ(experiment->trials.size(), 4U);
  EXPECT_FALSE(experiment->trials[0].spec.model.given_weights.has_value());
  EXPECT_TRUE(experiment->trials[1].spec.model.given_weights->layers.empty());  // All replaced.
  EXPECT_EQ(experiment->trials[2].spec.model.given_weights->sha256, "digest5");
  EXPECT_TRUE(experiment->trials[2].spec.model.given_weights->layers.empty());
  EXPECT_EQ(experiment->trials[3].spec.model.given_weights->sha256, "digest1");
  EXPECT_EQ(experiment->trials[3].spec.model.given_weights->layers.size(), 2U);  // Merged.
  EXPECT_EQ(experiment->trials[2].label, "init_from=fifth");
}

TEST_F(InitFromKeys, MayBeSet) {
  const Result<Experiment> experiment =
      resolved("w.safetensors", "", {{"model.init_from", "run"}, {"model.init_from.trial", "2"}});
  ASSERT_TRUE(experiment.ok()) << experiment.status().message();
  EXPECT_EQ(experiment->trials.at(0).spec.model.given_weights->sha256, "digest2");
}

// --set with the key that a message about a lost place names leads to the same trials.
TEST_F(InitFromKeys, ALostPlaceMayBeSet) {
  const auto fault_of = [](const Result<Experiment>& experiment) {
    return experiment.ok() ? "no fault" : experiment.status().message();
  };
  EXPECT_NE(fault_of(resolved("{path: gone, trial: 2}"))
                .find("give its new place by --set model.init_from.path=PATH: trials"),
            std::string::npos);
  const Result<Experiment> moved =
      resolved("{path: gone, trial: 2}", "", {{"model.init_from.path", "results_copy.h5"}});
  ASSERT_TRUE(moved.ok()) << moved.status().message();
  EXPECT_EQ(moved->trials.at(0).resolved, resolved("{path: run, trial: 2}")->trials.at(0).resolved);
  // It would end a sweep of the place.
  const std::string swept = "parameters: {model.init_from.path: {values: [npy, gone]}}\n";
  EXPECT_EQ(message("{path: npy}", swept).find("--set"), std::string::npos);
}

TEST_F(InitFromKeys, CanonicalTextHasADigest) {
  const Result<Experiment> experiment =
      resolved("{path: run, trial: 2, layers: {out: last_out, code: enc}}");
  ASSERT_TRUE(experiment.ok()) << experiment.status().message();
  const std::string& text = experiment->trials.at(0).resolved;
  EXPECT_NE(text.find("  target: input\n  init_from:\n    sha256: \"digest2\"\n    layers:\n"
                      "      code: enc\n      out: last_out\n  loss:\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("run"), std::string::npos);
  EXPECT_EQ(
      resolved("{path: run, trial: 2, layers: {code: enc, out: last_out}}")->trials.at(0).resolved,
      text);
}

TEST_F(InitFromKeys, Mistakes) {
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"[a]",
       "a.yaml:5:14: model.init_from: found a list, expected a path, none, or a map such as "
       "{path: runs/first, trial: 3}"},
      {"{trial: 3}",
       "a.yaml:5:14: model.init_from.path: missing; expected the file or folder that holds the "
       "weights"},
      {"{pth: run, trial: 3}",
       "a.yaml:5:15: model.init_from.pth: unknown key (did you mean model.init_from.path?)"},
      {"{path: [run]}",
       "a.yaml:5:21: model.init_from.path: found a list, expected the path of a file or folder"},
      {"{path: run, trial: -1}", "a.yaml:5:33: model.init_from.trial: -1 is not in [0, 1000000]"},
      {"{path: run, trial: best}",
       "a.yaml:5:33: model.init_from.trial: found best, expected a whole number in [0, 1000000]"},
      {"run",
       "a.yaml:5:14: model.init_from.trial: missing; a run has many trials, so name one: {path: "
       "PATH, trial: N}"},
      {"{path: w.safetensors, trial: 1}",
       "a.yaml:5:43: model.init_from.trial: only a run has trials, and the path leads to a file or "
       "folder of weights; leave it out"},
      {"w.pt", "a.yaml:5:14: model.init_from: " + folder_.path("w.pt") +
                   " is neither a .safetensors file, nor a folder of .npy files, nor a run's "
                   "folder or results.h5"},
      {"nowhere", "a.yaml:5:14: model.init_from: found no file or folder nowhere; tried " +
                      folder_.path("nowhere") + " and " +
                      (std::filesystem::current_path() / "nowhere").string() +
                      "; if it has moved, give its new place by --set model.init_from=PATH: trials "
                      "stay the same where the weights do"},
      {"{path: run, trial: 99}",
       "a.yaml:5:14: model.init_from: " + folder_.path("run") + ": there is no trial 99"},
      {"{path: npy, layers: code}",
       "a.yaml:5:34: model.init_from.layers: found code, expected a map such as {LAYER: "
       "LAYER_OF_THE_WEIGHTS}"},
      {"{path: npy, layers: {}}",
       "a.yaml:5:34: model.init_from.layers: found an empty map, expected a map such as {LAYER: "
       "LAYER_OF_THE_WEIGHTS}"},
      {"{path: npy, layers: {cod: enc}}",
       "a.yaml:5:35: model.init_from.layers.cod: the model has no such layer (did you mean code?)"},
      {"{path: npy, layers: {code: [enc]}}",
       "a.yaml:5:41: model.init_from.layers.code: found a list, expected the name of a layer"},
      {"{path: npy, layers: {code: encc}}",
       "a.yaml:5:41: model.init_from.layers.code: the given weights have no layer encc (did you "
       "mean enc?)"},
  };
  for (const auto& [init, expected] : cases) EXPECT_EQ(message(init), expected) << init;
  EXPECT_EQ(resolved("{path: run, trial: 98}").status().fault(), Fault::kWorld);
  EXPECT_EQ(fault(base_with(4, "  loss: mse\n  init_from: " + folder_.path("npy"))),
            "a.yaml:5:14: model.init_from: weights cannot be read here");
}

}  // namespace
}  // namespace aesweep::test
