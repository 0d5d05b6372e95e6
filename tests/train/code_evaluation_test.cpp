// The evaluation of codes as hashes: what its parts give when put together by hand, the same bits
// on any number of ranks, and one outcome where codes are no numbers.
#include "core/train/code_evaluation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>

#include "core/codes/binarizer.hpp"
#include "core/codes/health.hpp"
#include "core/codes/retrieval.hpp"
#include "core/train/encoder.hpp"
#include "tests/train/coded_data.hpp"
#include "tests/train/streamed_split.hpp"
#include "tests/train/thread_group.hpp"

namespace aesweep::test {
namespace {

constexpr Binarization kAll[] = {Binarization::kZero, Binarization::kMean, Binarization::kMedian,
                                 Binarization::kItq};

TrialSpec evaluated_spec(std::int64_t queries, std::int64_t database) {
  TrialSpec spec = coded_spec({"tanh", {}});
  spec.evaluate.codes =
      CodeEvaluationSpec{{std::begin(kAll), std::end(kAll)}, queries, database, 1};
  return spec;
}

// Of every rank; each has a network of its own with the same weights, which `change` may change.
template <class T>
std::vector<CodeScores> evaluate_on(
    const TrialSpec& spec, const Dataset& data, int ranks,
    const std::function<void(Coder<T>&)>& change = [](Coder<T>&) {}) {
  std::vector<CodeScores> scores(static_cast<std::size_t>(ranks));
  run_thread_group(ranks, 17, [&](Exchange& exchange) {
    Coder<T> coder(spec, data);
    change(coder);
    scores[static_cast<std::size_t>(exchange.rank())] =
        evaluate_codes(spec, data, coder.setup.network, coder.parameters, exchange, 12);
  });
  return scores;
}

RealCodes encode(Encoder<double>& encoder, const Split& split, std::int64_t rows) {
  const auto values = static_cast<std::size_t>(split.rows * 7);
  RealCodes codes{split.rows, 7, std::vector<double>(values), std::vector<double>(values)};
  EXPECT_TRUE(encoder.encode(split, 0, split.rows, codes).ok());
  codes.rows = rows;
  codes.codes.resize(static_cast<std::size_t>(rows * 7));
  codes.pre.resize(static_cast<std::size_t>(rows * 7));
  return codes;
}

TEST(CodeEvaluation, IsItsPartsPutTogether) {
  const CodedData data;
  const TrialSpec spec = evaluated_spec(0, 71);
  Coder<double> coder(spec, data.dataset);
  Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 12);
  const RealCodes database = encode(encoder, data.dataset.train, 71);
  const RealCodes queries = encode(encoder, data.dataset.test, 37);
  std::vector<double> expected;
  for (const Binarization kind : kAll) {
    const Binarizer binarizer = Binarizer::fit(kind, database, spec.train.seed).value();
    const PackedCodes bits = binarizer.pack(database), asked = binarizer.pack(queries);
    std::vector<double> errors(37);
    ASSERT_TRUE(
        encoder.squared_errors(data.dataset.test, 0, 37, binarizer.levels(asked), errors).ok());
    double sum = 0.0;
    for (const double e : errors) sum += e;
    std::vector<QueryScores> scores(37);
    score_queries(asked, data.test_labels, bits, std::span(data.dataset.train.labels, 71), 1, 0,
                  scores);
    const RetrievalScores means = mean_scores(scores);
    const CodeHealth health = code_health(bits);
    expected.insert(
        expected.end(),
        {sum / (37.0 * kCodedCols), means.map, means.map_worst, means.map_best, means.precision_100,
         means.precision_500, means.precision_radius, static_cast<double>(means.empty_queries),
         health.entropy, health.balance, health.correlation, static_cast<double>(health.distinct),
         static_cast<double>(health.constant)});
  }
  const std::vector<CodeScores> all = evaluate_on<double>(spec, data.dataset, 1);
  ASSERT_EQ(all[0].outcome.outcome, Outcome::kCompleted) << all[0].outcome.reason;
  EXPECT_EQ(all[0].values, expected);
  EXPECT_EQ(all[0].values.size(), code_metrics(*spec.evaluate.codes, Target::kInput, true).size());
}

template <class T>
void expect_same_on_any_ranks(std::int64_t queries, std::int64_t database) {
  const CodedData data;
  TrialSpec spec = evaluated_spec(queries, database);
  spec.model.scalar = Abi<T>::kSpecScalar;
  const CodeScores one = evaluate_on<T>(spec, data.dataset, 1)[0];
  ASSERT_EQ(one.outcome.outcome, Outcome::kCompleted) << one.outcome.reason;
  ASSERT_EQ(one.values.size(), 4u * 13u);
  for (int ranks = 2; ranks <= 5; ++ranks) {
    for (const CodeScores& other : evaluate_on<T>(spec, data.dataset, ranks)) {
      ASSERT_EQ(other.values.size(), one.values.size()) << other.outcome.reason;
      EXPECT_EQ(std::memcmp(other.values.data(), one.values.data(), one.values.size() * 8), 0);
    }
  }
}

// Five ranks are more than there are batches of queries, and of the smaller database.
TEST(CodeEvaluation, HasTheSameBitsOnAnyRanks) {
  expect_same_on_any_ranks<float>(0, 0);
  expect_same_on_any_ranks<float>(31, 29);
  expect_same_on_any_ranks<double>(5, 61);
}

TEST(CodeEvaluation, HasTheSameBitsWhenSamplesAreStreamed) {
  const CodedData data;
  const StreamedSplit train(data.dataset.train), test(data.dataset.test);
  Dataset streamed = data.dataset;
  streamed.train = train.split();
  streamed.test = test.split();
  const TrialSpec spec = evaluated_spec(0, 71);
  const CodeScores memory = evaluate_on<double>(spec, data.dataset, 1)[0];
  for (int ranks = 1; ranks <= 3; ++ranks) {
    for (const CodeScores& other : evaluate_on<double>(spec, streamed, ranks)) {
      ASSERT_EQ(other.outcome.outcome, Outcome::kCompleted) << other.outcome.reason;
      EXPECT_EQ(other.values, memory.values);
    }
  }
  train.cut(45);
  for (const CodeScores& other : evaluate_on<double>(spec, streamed, 2)) {
    EXPECT_EQ(other.outcome.outcome, Outcome::kFailed);
  }
}

TEST(CodeEvaluation, DoesWithoutLabelsAndWithoutReconstructions) {
  CodedData data;
  data.dataset.test.labels = nullptr;
  TrialSpec spec = evaluated_spec(0, 0);
  spec.evaluate.codes->binarize = {Binarization::kMedian};
  const CodeScores scores = evaluate_on<float>(spec, data.dataset, 2)[1];
  EXPECT_EQ(scores.values.size(), 6u);
  const auto names = [&](Target target, bool labels) {
    std::string all;
    for (const MetricInfo& metric : code_metrics(*spec.evaluate.codes, target, labels)) {
      EXPECT_FALSE(metric.formula.empty());
      all += metric.name.substr(metric.name.find_last_of('/') + 1) + " ";
      EXPECT_TRUE(metric.name.starts_with("codes/median/"));
    }
    return all;
  };
  EXPECT_EQ(names(Target::kInput, false), "mse entropy balance correlation distinct constant ");
  EXPECT_EQ(names(Target::kLabels, true),
            "map map_worst map_best precision_100 precision_500 precision_radius empty_queries "
            "entropy balance correlation distinct constant ");
}

// The code is the network's output: the levels themselves are the reconstruction.
TEST(CodeEvaluation, ACodeWithoutDecoderIsItsOwnReconstruction) {
  const CodedData data;
  TrialSpec spec = evaluated_spec(0, 0);
  spec.model.layers = {dense("code", kCodedCols, "tanh")};
  const CodeScores scores = evaluate_on<double>(spec, data.dataset, 2)[0];
  ASSERT_EQ(scores.outcome.outcome, Outcome::kCompleted) << scores.outcome.reason;
  EXPECT_EQ(scores.values.size(), 4u * 13u);
  EXPECT_GT(scores.values[0], 0.0);
}

// A sample of the test split alone has no finite code; of rows beyond the wanted ones nothing is
// asked.
TEST(CodeEvaluation, QueriesThatAreNoNumbersFailAlikeOnAllRanks) {
  CodedData data;
  std::vector<double> samples(37 * kCodedCols);
  std::memcpy(samples.data(), data.dataset.test.samples, samples.size() * sizeof(double));
  samples[5 * kCodedCols + 2] = std::numeric_limits<double>::quiet_NaN();
  data.dataset.test.samples = reinterpret_cast<const std::byte*>(samples.data());
  for (const int ranks : {1, 3}) {
    for (const CodeScores& scores :
         evaluate_on<double>(evaluated_spec(0, 0), data.dataset, ranks)) {
      EXPECT_EQ(scores.outcome.outcome, Outcome::kFailed);
      EXPECT_NE(scores.outcome.reason.find("test split: codes: the code of sample 5 in unit 0 is"),
                std::string::npos)
          << scores.outcome.reason;
      EXPECT_TRUE(scores.values.empty());
    }
  }
  EXPECT_EQ(evaluate_on<double>(evaluated_spec(5, 0), data.dataset, 2)[0].outcome.outcome,
            Outcome::kCompleted);
}

TEST(CodeEvaluation, AReconstructionErrorThatIsNoNumberIsDivergence) {
  const CodedData data;
  const std::function<void(Coder<double>&)> spoil = [](Coder<double>& coder) {
    coder.parameters.real(5)[3] = 1e200;  // The decoder's bias; its square is not finite.
  };
  for (const CodeScores& scores :
       evaluate_on<double>(evaluated_spec(0, 0), data.dataset, 2, spoil)) {
    EXPECT_EQ(scores.outcome.outcome, Outcome::kDiverged);
    EXPECT_EQ(scores.outcome.reason, "codes: the error of reconstructions from zero bits is inf");
    EXPECT_TRUE(scores.values.empty());
  }
}

TEST(CodeEvaluation, CodesThatAreNoNumbersFailAlikeOnAllRanks) {
  const CodedData data;
  const TrialSpec spec = evaluated_spec(0, 0);
  const std::function<void(Coder<double>&)> spoil = [](Coder<double>& coder) {
    coder.parameters.real(3)[4] = std::numeric_limits<double>::infinity();
  };
  const CodeScores one = evaluate_on<double>(spec, data.dataset, 1, spoil)[0];
  EXPECT_EQ(one.outcome.outcome, Outcome::kFailed);
  EXPECT_NE(one.outcome.reason.find("sample 0 in unit 4 is inf"), std::string::npos)
      << one.outcome.reason;
  EXPECT_TRUE(one.values.empty());
  for (const CodeScores& other : evaluate_on<double>(spec, data.dataset, 3, spoil)) {
    EXPECT_EQ(other.outcome.outcome, Outcome::kFailed);
    EXPECT_EQ(other.outcome.reason, one.outcome.reason);
  }
}

}  // namespace
}  // namespace aesweep::test
