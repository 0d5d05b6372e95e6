// Fuzz target: the examination and reading of a foreign HDF5 file, in this process. For the fuzzer
// alone: libhdf5 itself has known crashes, which in a run end the reader's process and no other. A
// crash whose innermost frames are libhdf5's is no finding; one in our own code is.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/check.hpp"
#include "runner/hdf5_reader/data_set.hpp"
#include "tests/fuzz/array_checks.hpp"
#include "tests/fuzz/fuzz_file.hpp"

namespace aesweep {
namespace {

void run(std::span<const std::byte> bytes) {
  static const bool quiet = quiet_hdf5().ok();
  AESWEEP_CHECK(quiet, "libhdf5 does not start");
  const FuzzFile file(bytes);
  for (const char* name : {"", "images"}) {
    const Result<DataSet> set = DataSet::open(file.path(), name);
    if (!set.ok()) continue;
    const ArrayShape& shape = set.value().array().shape;
    AESWEEP_CHECK(check_array_shape(shape).ok(), "a shape got through that is refused elsewhere");
    const std::size_t element = array_type_bytes(shape.type);
    const std::uint64_t count =
        std::min<std::uint64_t>(shape.element_count(), kBlockBytesMax / element);
    std::vector<std::byte> out(static_cast<std::size_t>(count) * element);
    static_cast<void>(set.value().read(shape.element_count() - count, out));
  }
}

}  // namespace
}  // namespace aesweep

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  aesweep::run(std::as_bytes(std::span(data, size)));
  return 0;
}
