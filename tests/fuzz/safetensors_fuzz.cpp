// Fuzz target: the safetensors reader, and that the tensors it lets through are the same after they
// are written.
#include <cstdint>
#include <span>

#include "core/base/check.hpp"
#include "core/data/safetensors.hpp"
#include "tests/fuzz/array_checks.hpp"
#include "tests/fuzz/fuzz_file.hpp"

namespace aesweep {
namespace {

struct ReadTensor {
  std::string name;
  ArrayShape shape;
  std::vector<std::byte> elements;
};

// A hostile file may have very many tensors; the first ones do.
constexpr std::size_t kTensorsRead = 64;

std::vector<ReadTensor> read_tensors(const SafetensorsFile& file, std::uint64_t stored_bytes) {
  std::vector<ReadTensor> read;
  std::uint64_t end = 0;
  for (const SafetensorsTensor& tensor : file.tensors()) {
    AESWEEP_CHECK(tensor.begin == end, "a hole or an overlap got through");
    end += tensor.bytes;
    if (read.size() == kTensorsRead) continue;
    const Result<std::unique_ptr<ArrayFile>> array = file.open_tensor(tensor.name);
    if (!array.ok()) {
      check_refusal(array.status(), file.path());
      continue;
    }
    AESWEEP_CHECK(array.value()->shape().bytes() == tensor.bytes, "a shape of other bytes");
    auto elements = check_array(*array.value(), file.path(), stored_bytes, 1);
    if (elements) {
      read.push_back({tensor.name, array.value()->shape(), std::move(elements).value()});
    }
  }
  AESWEEP_CHECK(end < stored_bytes, "tensors longer than their file");
  return read;
}

void check_round_trip(const std::vector<ReadTensor>& tensors) {
  std::vector<TensorBytes> views;
  for (const ReadTensor& tensor : tensors) {
    views.push_back({tensor.name, tensor.shape, tensor.elements});
  }
  std::vector<std::byte> bytes;
  const Status written = write_safetensors(views, [&](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Status();
  });
  AESWEEP_CHECK(written.ok(), "what was read is not written: " + written.message());
  const FuzzFile file(bytes);
  const Result<SafetensorsFile> again = SafetensorsFile::open(file.path());
  AESWEEP_CHECK(again.ok(), "what was written is refused: " + again.status().message());
  AESWEEP_CHECK(again.value().tensors().size() == tensors.size(), "tensors got lost");
  for (const ReadTensor& tensor : tensors) {
    const Result<std::unique_ptr<ArrayFile>> array = again.value().open_tensor(tensor.name);
    AESWEEP_CHECK(array.ok(), "a tensor got lost: " + array.status().message());
    AESWEEP_CHECK(array.value()->shape() == tensor.shape, "another shape after writing");
    AESWEEP_CHECK(check_array(*array.value(), file.path(), bytes.size(), 1) == tensor.elements,
                  "other elements after writing");
  }
}

void run(std::span<const std::byte> bytes) {
  const FuzzFile file(bytes);
  const Result<SafetensorsFile> tensors = SafetensorsFile::open(file.path());
  check_recognised(file.path(), "", open_safetensors({file.path(), ""}));
  if (!tensors.ok()) return check_refusal(tensors.status(), file.path());
  check_round_trip(read_tensors(tensors.value(), bytes.size()));
}

}  // namespace
}  // namespace aesweep

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  aesweep::run(std::as_bytes(std::span(data, size)));
  return 0;
}
