// An encoder's codes, pre-activations and errors are those of plain loops over the weights,
// whatever the activation does with its input's memory, and any part of the batches has the same
// bits.
#include "core/train/encoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "core/train/samples.hpp"
#include "tests/train/coded_data.hpp"
#include "tests/train/streamed_split.hpp"

namespace aesweep::test {
namespace {

using Vector = std::vector<double>;

// y = x w + b of the layer's tensors 2 l and 2 l + 1.
Vector affine(const Coder<double>& coder, int l, const Vector& x) {
  const Tensor& w = coder.setup.network.tensors()[static_cast<std::size_t>(2 * l)];
  const double* weights = coder.parameters.real(2 * l);
  const double* bias = coder.parameters.real(2 * l + 1);
  Vector y(bias, bias + w.cols);
  for (std::int64_t i = 0; i < w.rows; ++i) {
    for (std::int64_t j = 0; j < w.cols; ++j) {
      y[static_cast<std::size_t>(j)] += x[static_cast<std::size_t>(i)] * weights[i * w.cols + j];
    }
  }
  return y;
}

Vector sample(const Split& split, std::int64_t row) {
  const auto* x = reinterpret_cast<const double*>(split.samples) + row * split.cols;
  return {x, x + split.cols};
}

Vector pre_activation(const Coder<double>& coder, const Vector& x) {
  Vector hidden = affine(coder, 0, x);
  for (double& h : hidden) h = std::tanh(h);
  return affine(coder, 1, hidden);
}

RealCodes room(const Split& split, std::int64_t units) {
  const auto values = static_cast<std::size_t>(split.rows * units);
  return {split.rows, units, Vector(values, -99.0), Vector(values, -99.0)};
}

struct ActivationCase {
  ComponentSpec component;
  std::function<double(double)> value;
};

const ActivationCase kActivations[] = {
    {{"", {}}, [](double z) { return z; }},
    {{"tanh", {}}, [](double z) { return std::tanh(z); }},
    {{"binary", {}}, [](double z) { return z >= 0.0 ? 1.0 : -1.0; }},
    {{"noisy_sigmoid", {}}, [](double z) { return 1.0 / (1.0 + std::exp(-z)); }},
    {{"relu", {}}, [](double z) { return z > 0.0 ? z : 0.0; }}};

TEST(Encoder, GivesCodesAndWhatWentIntoTheirActivation) {
  const CodedData data;
  for (const ActivationCase& c : kActivations) {
    const TrialSpec spec = coded_spec(c.component);
    Coder<double> coder(spec, data.dataset);
    Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0);
    EXPECT_EQ(encoder.batch_rows(), 30);
    RealCodes codes = room(data.dataset.test, 7);
    ASSERT_TRUE(encoder.encode(data.dataset.test, 0, 37, codes).ok());
    for (std::int64_t i = 0; i < 37; ++i) {
      const Vector pre = pre_activation(coder, sample(data.dataset.test, i));
      for (std::size_t j = 0; j < 7; ++j) {
        const std::size_t at = static_cast<std::size_t>(i) * 7 + j;
        // Two products of at most 12 terms of a few units in size.
        EXPECT_NEAR(codes.pre[at], pre[j], 1e-14) << c.component.name;
        EXPECT_NEAR(codes.codes[at], c.value(codes.pre[at]), 1e-15) << c.component.name;
      }
    }
  }
}

// Activations that look at a whole row or batch: the value before them is the same as without them.
TEST(Encoder, ActivationsOfRowsAndBatchesLeaveThePreActivationAlone) {
  const CodedData data;
  for (const ComponentSpec& activation : {ComponentSpec{"softmax", {}}, {"topk", {{"k", 2}}}}) {
    const TrialSpec spec = coded_spec(activation);
    Coder<double> coder(spec, data.dataset);
    Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0, 101);
    RealCodes codes = room(data.dataset.train, 7);
    ASSERT_TRUE(encoder.encode(data.dataset.train, 0, 101, codes).ok());
    for (std::int64_t i = 0; i < 101; ++i) {
      const Vector pre = pre_activation(coder, sample(data.dataset.train, i));
      for (std::size_t j = 0; j < 7; ++j) {
        EXPECT_NEAR(codes.pre[static_cast<std::size_t>(i) * 7 + j], pre[j], 1e-14);
      }
    }
    EXPECT_NE(codes.codes, codes.pre);
  }
}

template <class T>
void expect_parts_equal_the_whole(const ComponentSpec& activation) {
  const CodedData data;
  TrialSpec spec = coded_spec(activation);
  spec.model.scalar = Abi<T>::kSpecScalar;
  Coder<T> coder(spec, data.dataset);
  Encoder<T> encoder(spec, coder.setup.network, coder.parameters, 3);
  RealCodes whole = room(data.dataset.train, 7), parts = whole;
  ASSERT_TRUE(encoder.encode(data.dataset.train, 0, 101, whole).ok());
  for (const std::int64_t first : {90, 0, 60}) {
    const std::int64_t count = first == 0 ? 60 : std::min<std::int64_t>(30, 101 - first);
    ASSERT_TRUE(encoder.encode(data.dataset.train, first, count, parts).ok());
  }
  EXPECT_EQ(whole.codes, parts.codes);
  EXPECT_EQ(whole.pre, parts.pre);
}

TEST(Encoder, AnyPartOfTheBatchesHasTheSameBits) {
  expect_parts_equal_the_whole<float>({"tanh", {}});
  expect_parts_equal_the_whole<double>({"softmax", {}});
}

// The last batch of 37 is one shard of 7, longer than those of 6 of a full batch.
TEST(Encoder, StreamedSamplesHaveTheSameBits) {
  const CodedData data;
  for (const ComponentSpec& activation : {ComponentSpec{"tanh", {}}, {"topk", {{"k", 2}}}}) {
    const TrialSpec spec = coded_spec(activation);
    Coder<double> coder(spec, data.dataset);
    Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0);
    for (const Split* split : {&data.dataset.train, &data.dataset.test}) {
      const StreamedSplit streamed(*split);
      RealCodes memory = room(*split, 7), file = memory;
      ASSERT_TRUE(encoder.encode(*split, 0, split->rows, memory).ok());
      ASSERT_TRUE(encoder.encode(streamed.split(), 0, split->rows, file).ok());
      EXPECT_EQ(memory.codes, file.codes);
      EXPECT_EQ(memory.pre, file.pre);
      const auto rows = static_cast<std::size_t>(split->rows);
      Vector errors(rows, -1.0), of_file = errors;
      ASSERT_TRUE(encoder.squared_errors(*split, 0, split->rows, memory.codes, errors).ok());
      ASSERT_TRUE(
          encoder.squared_errors(streamed.split(), 0, split->rows, memory.codes, of_file).ok());
      EXPECT_EQ(errors, of_file);
    }
  }
}

// The first encoder's reader had pools left to read when the fault ended its call.
TEST(Encoder, AFaultEndsTheReadingToo) {
  const CodedData data;
  const TrialSpec spec = coded_spec({"tanh", {}});
  Coder<double> coder(spec, data.dataset);
  const StreamedSplit streamed(data.dataset.train);
  RealCodes codes = room(data.dataset.train, 7);
  {
    Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0);
    ASSERT_TRUE(encoder.encode(streamed.split(), 0, 101, codes).ok());
    streamed.cut(47);  // In the second batch.
    const Status status = encoder.encode(streamed.split(), 0, 101, codes);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.fault(), Fault::kWorld);
    EXPECT_NE(status.message().find("samples"), std::string::npos) << status.message();
  }
  Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0);
  RealCodes again = room(data.dataset.train, 7);
  again.pre.clear();
  EXPECT_TRUE(encoder.encode(data.dataset.train, 0, 101, again).ok());
  EXPECT_EQ(again.codes.size(), codes.codes.size());
}

TEST(EncoderDeathTest, StopsOnShardsThatTheNetworkIsNotPlannedFor) {
  const CodedData data;
  TrialSpec spec = coded_spec({"tanh", {}});
  spec.record.samples = 0;
  Dataset planned = data.dataset;
  planned.train.rows = planned.test.rows = 60;  // Shards of 6.
  Coder<double> coder(spec, planned);
  Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0);
  RealCodes codes = room(data.dataset.test, 7);
  EXPECT_DEATH(static_cast<void>(encoder.encode(data.dataset.test, 0, 37, codes)),
               "the network is planned for shards");
}

// With the samples' shards cut alike, codes are those that results keep.
TEST(Encoder, CodesAreThoseOfTheSamplesInResults) {
  const CodedData data;
  TrialSpec spec = coded_spec({"tanh", {}});
  spec.record.samples = 30;
  Coder<double> coder(spec, data.dataset);
  TrialResult result;
  ASSERT_TRUE(take_samples(spec, data.dataset, coder.setup.network, coder.parameters, result).ok());
  Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0);
  RealCodes codes = room(data.dataset.test, 7);
  ASSERT_TRUE(encoder.encode(data.dataset.test, 0, 37, codes).ok());
  const NamedTensor& stored = result.samples[1];
  ASSERT_EQ(stored.name, "codes");
  const auto* first = reinterpret_cast<const double*>(stored.bytes.data());
  EXPECT_EQ(Vector(first, first + 30 * 7), Vector(codes.codes.begin(), codes.codes.begin() + 210));
}

TEST(Encoder, ErrorsAreThoseOfTheDecodersOutputForTheLevels) {
  const CodedData data;
  for (const ComponentSpec& activation : {ComponentSpec{"tanh", {}}, {"topk", {{"k", 2}}}}) {
    const TrialSpec spec = coded_spec(activation);
    Coder<double> coder(spec, data.dataset);
    Encoder<double> encoder(spec, coder.setup.network, coder.parameters, 0);
    Vector levels;
    for (int i = 0; i < 7 * 7; ++i) levels.push_back(std::cos(0.7 * i));
    // The last batch: rows 30 to 36.
    Vector errors(7, -1.0);
    ASSERT_TRUE(encoder.squared_errors(data.dataset.test, 30, 7, levels, errors).ok());
    for (std::size_t i = 0; i < 7; ++i) {
      const Vector level(levels.begin() + static_cast<std::ptrdiff_t>(7 * i),
                         levels.begin() + static_cast<std::ptrdiff_t>(7 * i + 7));
      const Vector y = affine(coder, 2, level);
      const Vector x = sample(data.dataset.test, 30 + static_cast<std::int64_t>(i));
      double sum = 0.0;
      for (std::size_t c = 0; c < x.size(); ++c) sum += (y[c] - x[c]) * (y[c] - x[c]);
      EXPECT_NEAR(errors[i], sum, 1e-13) << activation.name;
    }
  }
}

}  // namespace
}  // namespace aesweep::test
