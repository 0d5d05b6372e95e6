// Reads one array as a run does and writes it to stdout, for hdf5_h5py_test.py: "f32 [3, 4] 2048"
// and the elements. The number is where raw() says they lie; "-" where it says nothing.
#include <cstdio>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "core/data/array.hpp"
#include "runner/hdf5_reader/hdf5_array.hpp"
#include "runner/hdf5_reader/serve.hpp"

namespace aesweep {
namespace {

int fail(const Status& status) {
  std::fputs((status.message() + "\n").c_str(), stderr);
  return static_cast<int>(status.fault());
}

int show(const std::string& what) {
  const ArrayOpener opener = [](const ArrayRef& ref) { return open_hdf5_array(ref); };
  const Result<std::unique_ptr<ArrayFile>> array = open_array(parse_array_ref(what), opener);
  if (!array.ok()) return fail(array.status());
  const ArrayShape& shape = array.value()->shape();
  std::vector<std::byte> bytes(static_cast<std::size_t>(shape.bytes()));
  const Status status = array.value()->read(0, bytes);
  if (!status.ok()) return fail(status);
  const std::optional<RawBytes> raw = array.value()->raw();
  const std::string line =
      text(shape_text(shape), " ", raw ? text(raw->offset) : std::string("-"), "\n");
  std::fputs(line.c_str(), stdout);
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  return 0;
}

}  // namespace
}  // namespace aesweep

int main(int argc, char** argv) {
  if (aesweep::is_reader_call(argc, argv)) return aesweep::serve_hdf5_reads(argv);
  return argc == 2 ? aesweep::show(argv[1]) : 2;
}
