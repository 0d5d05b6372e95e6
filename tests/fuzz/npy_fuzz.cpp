// Fuzz target: the .npy reader, and that what it lets through is the same after it is written.
#include <cstdint>
#include <span>

#include "core/base/check.hpp"
#include "core/data/npy.hpp"
#include "tests/fuzz/array_checks.hpp"
#include "tests/fuzz/fuzz_file.hpp"

namespace aesweep {
namespace {

void check_round_trip(const ArrayShape& shape, std::span<const std::byte> elements) {
  const std::string bytes = npy_bytes(shape, elements);
  const FuzzFile file(std::as_bytes(std::span(bytes)));
  const Result<std::unique_ptr<ArrayFile>> again = open_npy(file.path());
  AESWEEP_CHECK(again.ok(), "what was written is refused: " + again.status().message());
  AESWEEP_CHECK(again.value()->shape() == shape, "another shape after writing");
  const auto read = check_array(*again.value(), file.path(), bytes.size(), 1);
  AESWEEP_CHECK(read && std::equal(read->begin(), read->end(), elements.begin(), elements.end()),
                "other elements after writing");
}

void run(std::span<const std::byte> bytes) {
  const FuzzFile file(bytes);
  const Result<std::unique_ptr<ArrayFile>> array = open_npy(file.path());
  check_recognised(file.path(), "", array);
  if (!array.ok()) return check_refusal(array.status(), file.path());
  const auto elements = check_array(*array.value(), file.path(), bytes.size(), 1);
  if (elements) check_round_trip(array.value()->shape(), *elements);
}

}  // namespace
}  // namespace aesweep

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  aesweep::run(std::as_bytes(std::span(data, size)));
  return 0;
}
