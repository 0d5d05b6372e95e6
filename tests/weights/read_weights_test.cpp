// Proves that given weights are read as they were written: safetensors and .npy files made by the
// writers of core/data, half precision against values known by heart, digests that tell tensors
// apart, and the message of every mistake.
#include "runner/weights/read_weights.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "core/data/npy.hpp"
#include "core/data/safetensors.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep::test {
namespace {

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

template <class T>
std::vector<T> values_of(const NamedTensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

class ReadWeights : public testing::Test {
 protected:
  std::string write_tensors(const std::string& name, const std::vector<TensorBytes>& tensors) {
    std::string all;
    const Status status = write_safetensors(tensors, [&](std::span<const std::byte> piece) {
      all.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      return Status();
    });
    EXPECT_TRUE(status.ok()) << status.message();
    folder_.write(name, all);
    return folder_.path(name);
  }

  TemporaryFolder folder_;
};

TEST_F(ReadWeights, SafetensorsOfEveryPrecision) {
  const std::vector<float> single = {1.5F, -2.0F, 0.1F, 4.0F, 5.0F, 6.0F};
  const std::vector<double> twice = {0.1, -0.2};
  const std::vector<std::uint16_t> half = {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x8000, 0x7C00, 0x7E00};
  const std::vector<std::uint16_t> brain = {0x3F80, 0xC000, 0x3DCD};
  const std::string path =
      write_tensors("w.safetensors", {{"code.weights", {ArrayType::kF32, {2, 3}}, bytes_of(single)},
                                      {"b", {ArrayType::kF64, {2}}, bytes_of(twice)},
                                      {"h", {ArrayType::kF16, {7}}, bytes_of(half)},
                                      {"g", {ArrayType::kBf16, {3, 1}}, bytes_of(brain)}});
  const Result<GivenWeights> given = read_weights({InitFrom::Kind::kSafetensors, path, 0});
  ASSERT_TRUE(given.ok()) << given.status().message();
  const std::vector<NamedTensor>& tensors = *given->tensors;
  ASSERT_EQ(tensors.size(), 4U);
  EXPECT_EQ(tensors[0].name, "b");
  EXPECT_EQ(tensors[0].scalar, Scalar::kF64);
  EXPECT_EQ(values_of<double>(tensors[0]), twice);
  EXPECT_EQ(tensors[1].name, "code.weights");
  EXPECT_EQ(tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(values_of<float>(tensors[1]), single);
  EXPECT_EQ(tensors[2].shape, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(values_of<float>(tensors[2]), (std::vector<float>{1.0F, -2.0F, 0.10009765625F}));
  const std::vector<float> halves = values_of<float>(tensors[3]);
  ASSERT_EQ(halves.size(), 7U);
  EXPECT_EQ(halves[0], 1.0F);
  EXPECT_EQ(halves[1], -2.0F);
  EXPECT_EQ(halves[2], std::ldexp(1.0F, -24));  // The least one.
  EXPECT_EQ(halves[3], 65504.0F);               // The largest.
  EXPECT_TRUE(halves[4] == 0.0F && std::signbit(halves[4]));
  EXPECT_TRUE(std::isinf(halves[5]));
  EXPECT_TRUE(std::isnan(halves[6]));
  EXPECT_TRUE(given->layers.empty());
}

TEST_F(ReadWeights, AFolderNamesTensorsByFiles) {
  const std::vector<float> values = {1.0F, 2.0F};
  std::filesystem::create_directories(folder_.path("w/code"));
  folder_.write("w/code/weights.npy", npy_bytes({ArrayType::kF32, {2, 1}}, bytes_of(values)));
  folder_.write("w/out_bias.npy", npy_bytes({ArrayType::kF32, {2}}, bytes_of(values)));
  const Result<GivenWeights> given =
      read_weights({InitFrom::Kind::kNpyFolder, folder_.path("w"), 0});
  ASSERT_TRUE(given.ok()) << given.status().message();
  ASSERT_EQ(given->tensors->size(), 2U);
  EXPECT_EQ((*given->tensors)[0].name, "code/weights");
  EXPECT_EQ((*given->tensors)[0].shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ((*given->tensors)[1].name, "out_bias");
  EXPECT_EQ(given->sha256, weights_digest(*given->tensors));
}

TEST_F(ReadWeights, DigestsTellTensorsApart) {
  NamedTensor tensor{"a", {2}, Scalar::kF32, std::vector<std::byte>(8)};
  const std::string digest = weights_digest(std::span(&tensor, 1));
  EXPECT_EQ(digest.size(), 64U);
  const auto differs = [&](auto change) {
    NamedTensor other = tensor;
    change(other);
    return weights_digest(std::span(&other, 1)) != digest;
  };
  EXPECT_TRUE(differs([](NamedTensor& t) { t.name = "b"; }));
  EXPECT_TRUE(differs([](NamedTensor& t) { t.shape = {2, 1}; }));
  EXPECT_TRUE(differs([](NamedTensor& t) { t.scalar = Scalar::kF64; }));
  EXPECT_TRUE(differs([](NamedTensor& t) { t.bytes[7] = std::byte{1}; }));
  EXPECT_FALSE(differs([](NamedTensor&) {}));
}

TEST_F(ReadWeights, Mistakes) {
  const auto fault = [](InitFrom::Kind kind, const std::string& path, std::int64_t trial = 0) {
    const Result<GivenWeights> given = read_weights({kind, path, trial});
    EXPECT_FALSE(given.ok());
    EXPECT_EQ(given.status().fault(), Fault::kInput);
    return given.status().message();
  };
  std::filesystem::create_directories(folder_.path("empty"));
  EXPECT_EQ(fault(InitFrom::Kind::kNpyFolder, folder_.path("empty")),
            folder_.path("empty") +
                ": has neither .npy files nor results.h5; give a folder of "
                ".npy files named by parameter, or a run's folder");
  const std::vector<std::int32_t> whole = {1, 2};
  const std::string path =
      write_tensors("i.safetensors", {{"code.weights", {ArrayType::kI32, {2}}, bytes_of(whole)}});
  EXPECT_EQ(fault(InitFrom::Kind::kSafetensors, path),
            path + "#code.weights: is i32; weights are f16, bf16, f32 or f64");
  folder_.write("bad.safetensors", "short");
  EXPECT_TRUE(fault(InitFrom::Kind::kSafetensors, folder_.path("bad.safetensors"))
                  .starts_with(folder_.path("bad.safetensors")));
  EXPECT_FALSE(fault(InitFrom::Kind::kRun, folder_.path("empty"), 3).empty());
}

}  // namespace
}  // namespace aesweep::test
