#include "runner/weights/read_weights.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/checked.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/data/npy.hpp"
#include "core/data/safetensors.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/results_reader.hpp"

namespace aesweep {
namespace {

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float from_f16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F;
  const int fraction = bits & 0x3FF;
  const bool negative = (bits & 0x8000) != 0;
  float magnitude = std::ldexp(static_cast<float>(fraction), -24);  // Subnormal, or zero.
  if (exponent == 31) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent > 0) {
    magnitude = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return negative ? -magnitude : magnitude;
}

// The same values in f32.
std::vector<std::byte> widened(const std::vector<std::byte>& halves, ArrayType type) {
  std::vector<std::byte> bytes(halves.size() * 2);
  for (std::size_t i = 0; i * 2 < halves.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, halves.data() + i * sizeof bits, sizeof bits);
    const float value = type == ArrayType::kF16 ? from_f16(bits) : from_bf16(bits);
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
  return bytes;
}

class TensorList {
 public:
  explicit TensorList(const std::string& path) : path_(path) {}

  [[nodiscard]] Status add(const std::string& name, Result<std::unique_ptr<ArrayFile>> opened) {
    if (!opened.ok()) return opened.status();
    const ArrayFile& file = **opened;
    const ArrayShape& shape = file.shape();
    const bool half = shape.type == ArrayType::kF16 || shape.type == ArrayType::kBf16;
    if (!half && shape.type != ArrayType::kF32 && shape.type != ArrayType::kF64) {
      return Status::input(text(file.name(), ": is ", array_type_name(shape.type),
                                "; weights are f16, bf16, f32 or f64"));
    }
    AESWEEP_RETURN_IF_ERROR(count(half ? 2 : 1, shape.bytes()));
    NamedTensor tensor;
    tensor.name = name;
    tensor.shape = shape.dims;
    tensor.scalar = shape.type == ArrayType::kF64 ? Scalar::kF64 : Scalar::kF32;
    tensor.bytes.resize(shape.bytes());
    AESWEEP_RETURN_IF_ERROR(file.read(0, tensor.bytes));
    if (half) tensor.bytes = widened(tensor.bytes, shape.type);
    tensors_.push_back(std::move(tensor));
    return {};
  }

  [[nodiscard]] Status add(std::vector<NamedTensor> tensors) {
    for (NamedTensor& tensor : tensors) {
      AESWEEP_RETURN_IF_ERROR(count(1, tensor.bytes.size()));
      tensors_.push_back(std::move(tensor));
    }
    return {};
  }

  [[nodiscard]] Result<GivenWeights> finish() {
    if (tensors_.empty()) return Status::input(path_ + ": has no tensors to start from");
    std::sort(tensors_.begin(), tensors_.end(),
              [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
    GivenWeights given;
    given.sha256 = weights_digest(tensors_);
    given.tensors = std::make_shared<const std::vector<NamedTensor>>(std::move(tensors_));
    return given;
  }

 private:
  [[nodiscard]] Status count(std::uint64_t factor, std::uint64_t bytes) {
    const std::optional<std::uint64_t> all = checked_multiply(factor, bytes);
    const std::optional<std::uint64_t> sum = all ? checked_add(bytes_, *all) : std::nullopt;
    if (!sum || *sum > kGivenWeightsBytesMax) {
      return Status::input(text(path_, ": has more than ", kGivenWeightsBytesMax >> 30,
                                " GiB of weights, the most that is read"));
    }
    bytes_ = *sum;
    return {};
  }

  const std::string& path_;
  std::uint64_t bytes_ = 0;
  std::vector<NamedTensor> tensors_;
};

Status add_safetensors(const std::string& path, TensorList& list) {
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file.ok()) return file.status();
  for (const SafetensorsTensor& tensor : file->tensors()) {
    AESWEEP_RETURN_IF_ERROR(list.add(tensor.name, file->open_tensor(tensor.name)));
  }
  return {};
}

Status add_npy_folder(const std::string& path, TensorList& list) {
  const Result<std::vector<NpyFolderEntry>> entries = list_npy_folder(path);
  if (!entries.ok()) return entries.status();
  if (entries->empty()) {
    return Status::input(path +
                         ": has neither .npy files nor results.h5; give a folder of .npy files "
                         "named by parameter, or a run's folder");
  }
  for (const NpyFolderEntry& entry : entries.value()) {
    AESWEEP_RETURN_IF_ERROR(list.add(entry.name, open_npy(entry.path)));
  }
  return {};
}

Status add_trial(const InitFrom& from, TensorList& list) {
  Result<ResultsReader> run = ResultsReader::open(from.path);
  if (!run.ok()) return run.status();
  Result<std::vector<NamedTensor>> weights = run->weights(from.trial, WeightsOf::kFinal);
  if (!weights.ok()) return weights.status();
  return list.add(std::move(weights).value());
}

Status add_all(const InitFrom& from, TensorList& list) {
  switch (from.kind) {
    case InitFrom::Kind::kSafetensors:
      return add_safetensors(from.path, list);
    case InitFrom::Kind::kNpyFolder:
      return add_npy_folder(from.path, list);
    case InitFrom::Kind::kRun:
      break;
  }
  return add_trial(from, list);
}

}  // namespace

std::string weights_digest(std::span<const NamedTensor> tensors) {
  Sha256 hash;
  for (const NamedTensor& tensor : tensors) {
    // Lengths first, so that no two lists of tensors give the same bytes.
    std::string head =
        text(tensor.name.size(), ':', tensor.name, tensor.scalar == Scalar::kF64 ? " f64" : " f32");
    for (const std::int64_t size : tensor.shape) head += text(' ', size);
    hash.update(text(head, ' ', tensor.bytes.size(), ';'));
    hash.update(std::span<const std::byte>(tensor.bytes));
  }
  return hash.finish();
}

Result<GivenWeights> read_weights(const InitFrom& from) {
  const auto read = [&]() -> Result<GivenWeights> {
    TensorList list(from.path);
    AESWEEP_RETURN_IF_ERROR(add_all(from, list));
    return list.finish();
  };
  return fenced(from.path, read, "give the layers that are needed in a file of their own");
}

}  // namespace aesweep
