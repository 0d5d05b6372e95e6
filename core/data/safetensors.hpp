// safetensors: named tensors in one file, as machine learning libraries exchange weights.
//
// Layout: the header's length as eight bytes (little-endian), the header (safetensors_header.hpp),
// then the tensors' bytes without gaps and nothing else. The file is not trusted: the header's
// length is checked before it is read, and every byte of the file belongs to exactly one tensor.
// Values are not looked at: NaN and infinities may be among them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "core/data/safetensors_header.hpp"

namespace aesweep {

// Const functions may be called from any thread. What open_tensor gave outlives the file object.
class SafetensorsFile {
 public:
  [[nodiscard]] static Result<SafetensorsFile> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return file_->path(); }
  // In the order of their bytes.
  [[nodiscard]] const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }
  // A tensor without elements, or of a type that is not read (unsigned above 8 bits, complex, below
  // 16 bits floating), is an input fault, as is a name that is not there.
  [[nodiscard]] Result<std::unique_ptr<ArrayFile>> open_tensor(const std::string& name) const;

 private:
  SafetensorsFile(std::shared_ptr<const InputFile> file, std::uint64_t data_offset,
                  std::vector<SafetensorsTensor> tensors);

  std::shared_ptr<const InputFile> file_;
  std::uint64_t data_offset_;
  std::vector<SafetensorsTensor> tensors_;
};

// The tensor ref.dataset; without a name, the file's only one.
[[nodiscard]] Result<std::unique_ptr<ArrayFile>> open_safetensors(const ArrayRef& ref);

struct TensorBytes {
  std::string name;
  ArrayShape shape;
  std::span<const std::byte> data;  // shape.bytes()
};
using ByteSink = std::function<Status(std::span<const std::byte>)>;

// Hands a whole file to `sink`, piece by piece; its first fault ends the writing. Wider types come
// first, then names in order, so that every tensor begins on a multiple of its element's size. A
// name that a file may not have, or twice, is an input fault, found before anything is written.
[[nodiscard]] Status write_safetensors(std::vector<TensorBytes> tensors, const ByteSink& sink);

}  // namespace aesweep
