// A program for array_numpy_test.py: the readers and writers of arrays, seen from outside.
//
//   array_tool read FILE[#NAME]    type and dims as one line, then the elements' bytes
//   array_tool list FILE           the names of a safetensors file's tensors, a line each
//   array_tool write FOLDER        t.npy for every type t that .npy has, and all.safetensors
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/text.hpp"
#include "core/data/array.hpp"
#include "core/data/npy.hpp"
#include "core/data/safetensors.hpp"

namespace aesweep {
namespace {

constexpr ArrayType kTypes[] = {ArrayType::kBool, ArrayType::kU8,  ArrayType::kI8,  ArrayType::kI16,
                                ArrayType::kI32,  ArrayType::kI64, ArrayType::kF16, ArrayType::kF32,
                                ArrayType::kF64,  ArrayType::kBf16};

int failed(const Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return static_cast<int>(status.fault());
}

bool put(std::span<const std::byte> bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
}

int read_array(const std::string& reference) {
  const Result<std::unique_ptr<ArrayFile>> array = open_array(parse_array_ref(reference));
  if (!array.ok()) return failed(array.status());
  const ArrayShape& shape = array.value()->shape();
  std::vector<std::byte> elements(shape.bytes());
  if (const Status status = array.value()->read(0, elements); !status.ok()) return failed(status);
  const std::string line = shape_text(shape) + "\n";
  return put(std::as_bytes(std::span(line))) && put(elements) ? 0 : 1;
}

int list_tensors(const std::string& path) {
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file.ok()) return failed(file.status());
  for (const SafetensorsTensor& tensor : file.value().tensors()) {
    std::printf("%s\n", tensor.name.c_str());
  }
  return 0;
}

bool save(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  return out.good();
}

// Six elements of each type: byte i is i for numbers, i mod 2 for bools.
int write_arrays(const std::string& folder) {
  std::vector<std::vector<std::byte>> data;
  for (const ArrayType type : kTypes) {
    std::vector<std::byte>& bytes = data.emplace_back(6 * array_type_bytes(type));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(type == ArrayType::kBool ? i % 2 : i);
    }
  }
  std::vector<TensorBytes> tensors;
  for (std::size_t i = 0; i < std::size(kTypes); ++i) {
    const ArrayShape shape{kTypes[i], {2, 3}};
    const std::string name(array_type_name(kTypes[i]));
    tensors.push_back({"layer \"\xc3\xa9\"/" + name, shape, data[i]});
    if (kTypes[i] == ArrayType::kBf16) continue;
    if (!save(text(folder, "/", name, ".npy"), npy_bytes(shape, data[i]))) return 1;
  }
  std::string file;
  const Status status = write_safetensors(tensors, [&](std::span<const std::byte> piece) {
    file.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return Status();
  });
  if (!status.ok()) return failed(status);
  return save(folder + "/all.safetensors", file) ? 0 : 1;
}

}  // namespace
}  // namespace aesweep

int main(int argc, char** argv) {
  const std::string_view verb = argc == 3 ? argv[1] : "";
  if (verb == "read") return aesweep::read_array(argv[2]);
  if (verb == "list") return aesweep::list_tensors(argv[2]);
  if (verb == "write") return aesweep::write_arrays(argv[2]);
  std::fprintf(stderr, "usage: array_tool read|list|write PATH\n");
  return 1;
}
