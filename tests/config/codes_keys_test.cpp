// Proves what evaluate.codes means: the evaluation that it gives, the message of every mistake in
// it, that --set may give it and `parameters` may not, and what it adds to the canonical text.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

std::string with_codes(const std::string& codes) {
  return base_with(9, "evaluate: {codes: " + codes + "}");
}

CodeEvaluationSpec codes_of(const std::string& yaml, const std::vector<Override>& overrides = {}) {
  const Result<Experiment> experiment = resolve(yaml, overrides);
  EXPECT_TRUE(experiment.ok()) << experiment.status().message();
  if (!experiment.ok() || !experiment->trials.at(0).spec.evaluate.codes) return {{}, -1, -1, -1};
  return *experiment->trials[0].spec.evaluate.codes;
}

TEST(CodesKeys, AbsentMeansNone) {
  const Result<Experiment> experiment = resolve(std::string(kBase));
  ASSERT_TRUE(experiment.ok());
  EXPECT_FALSE(experiment->trials.at(0).spec.evaluate.codes.has_value());
  EXPECT_EQ(experiment->trials[0].resolved.find("codes"), std::string::npos);
}

TEST(CodesKeys, EmptyMeansDefaults) {
  const CodeEvaluationSpec codes = codes_of(with_codes("{}"));
  EXPECT_EQ(codes.binarize, std::vector<Binarization>{Binarization::kZero});
  EXPECT_EQ(codes.queries, 0);
  EXPECT_EQ(codes.database, 0);
  EXPECT_EQ(codes.radius, 2);
}

TEST(CodesKeys, EveryKeyArrivesInOrder) {
  const CodeEvaluationSpec codes = codes_of(
      with_codes("{binarize: [itq, zero, median, mean], queries: 7, database: 8, radius: 0}"));
  EXPECT_EQ(codes.binarize,
            (std::vector<Binarization>{Binarization::kItq, Binarization::kZero,
                                       Binarization::kMedian, Binarization::kMean}));
  EXPECT_EQ(codes.queries, 7);
  EXPECT_EQ(codes.database, 8);
  EXPECT_EQ(codes.radius, 0);
  EXPECT_EQ(codes_of(with_codes("{binarize: mean}")).binarize,
            std::vector<Binarization>{Binarization::kMean});
}

TEST(CodesKeys, MayBeSet) {
  const std::vector<Override> overrides = {{"evaluate.codes.queries", "100"},
                                           {"evaluate.codes.binarize", "median"}};
  for (const std::string& yaml : {std::string(kBase), with_codes("{binarize: [zero, itq]}"),
                                  base_with(9, "evaluate: {every: 2}")}) {
    const CodeEvaluationSpec codes = codes_of(yaml, overrides);
    EXPECT_EQ(codes.binarize, std::vector<Binarization>{Binarization::kMedian});
    EXPECT_EQ(codes.queries, 100);
  }
}

TEST(CodesKeys, Mistakes) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"zero", "a.yaml:9:19: evaluate.codes: found zero, expected a map"},
      {"", "a.yaml:9:19: evaluate.codes: found nothing, expected a map"},
      {"[zero]", "a.yaml:9:19: evaluate.codes: found a list, expected a map"},
      {"{binarise: zero}",
       "a.yaml:9:20: evaluate.codes.binarise: unknown key (did you mean evaluate.codes.binarize?)"},
      {"{binarize: []}",
       "a.yaml:9:30: evaluate.codes.binarize: found an empty list, expected a list such as [zero, "
       "itq]"},
      {"{binarize: {a: b}}",
       "a.yaml:9:30: evaluate.codes.binarize: found a map, expected a list such as [zero, itq]"},
      {"{binarize: medain}",
       "a.yaml:9:30: evaluate.codes.binarize: found medain, expected zero, mean, median or itq "
       "(did you mean median?)"},
      {"{binarize: [zero, pca]}",
       "a.yaml:9:37: evaluate.codes.binarize[1]: found pca, expected zero, mean, median or itq"},
      {"{binarize: [zero, [itq]]}",
       "a.yaml:9:37: evaluate.codes.binarize[1]: found a list, expected zero, mean, median or itq"},
      {"{binarize: [zero, itq, zero]}",
       "a.yaml:9:42: evaluate.codes.binarize[2]: zero is there twice; give each once"},
      {"{queries: -1}", "a.yaml:9:29: evaluate.codes.queries: -1 is not in [0, 2147483647]"},
      {"{database: all}",
       "a.yaml:9:30: evaluate.codes.database: found all, expected a whole number in [0, "
       "2147483647]"},
      {"{radius: 4097}", "a.yaml:9:28: evaluate.codes.radius: 4097 is not in [0, 4096]"},
  };
  for (const auto& [codes, message] : cases) EXPECT_EQ(fault(with_codes(codes)), message);
  EXPECT_EQ(fault(std::string(kBase), {{"evaluate.codes", "zero"}}),
            "--set: evaluate.codes: found zero, expected a map of what to change");
  EXPECT_EQ(fault(std::string(kBase), {{"evaluate.codes.querys", "1"}}),
            "--set: evaluate.codes.querys: unknown key (did you mean evaluate.codes.queries?)");
}

TEST(CodesKeys, CannotBeSwept) {
  const std::string why =
      "evaluate.codes cannot be swept: all trials of a run report the same metrics; write it under "
      "evaluate";
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"evaluate.codes.radius: {values: [1, 2]}", "14: parameters.evaluate.codes.radius: "},
      {"evaluate.codes: {values: [{radius: 1, label: a}]}", "14: parameters.evaluate.codes: "},
      {"evaluate: {values: [{every: 1, label: a}, {codes.radius: 1, label: b}]}",
       "56: parameters.evaluate: "},
      {"evaluate: {values: [{every: 1, label: a}, {codes: {radius: 1}, label: b}]}",
       "56: parameters.evaluate: "},
  };
  for (const auto& [sweep, where] : cases) {
    EXPECT_EQ(fault(base_with(9, text("parameters: {", sweep, "}"))),
              text("a.yaml:9:", where, why));
  }
  EXPECT_EQ(fault(base_with(9, "parameters: {evaluate.every: {values: [1, 2]}}")), "no fault");
}

TEST(CodesKeys, TheirMetricsMayCompareTrials) {
  const std::string yaml = with_codes("{binarize: [mean]}") + "\nmetric: {name: codes/mean/mse}\n";
  EXPECT_EQ(fault(yaml), "no fault");
  const std::string other = with_codes("{binarize: [itq]}") + "\nmetric: {name: codes/mean/mse}\n";
  EXPECT_NE(fault(other).find("a.yaml:10:16: metric.name: unknown metric codes/mean/mse"),
            std::string::npos);
  const std::string labels =
      with_codes("{binarize: [mean]}") + "\nmetric: {name: codes/mean/map}\n";
  EXPECT_NE(fault(labels).find("metric.name: codes/mean/map needs labels"), std::string::npos)
      << fault(labels);
}

TEST(CodesKeys, CanonicalText) {
  const Result<Experiment> experiment = resolve(with_codes("{binarize: [itq, zero], database: 5}"));
  ASSERT_TRUE(experiment.ok());
  const std::string& text = experiment->trials.at(0).resolved;
  EXPECT_NE(text.find("evaluate:\n  every: 1\n  active_threshold: 0.0\n  codes:\n"
                      "    binarize: [itq, zero]\n    queries: 0\n    database: 5\n"
                      "    radius: 2\nrecord:\n"),
            std::string::npos)
      << text;
  const Result<Experiment> again = resolve(text);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->trials.at(0).resolved, text);
}

}  // namespace
}  // namespace aesweep::test
