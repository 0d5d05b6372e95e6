// PlainArray: an array that lies in a file in one piece, not compressed; what most formats come to
// once their headers are read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/file.hpp"
#include "core/data/array.hpp"

namespace aesweep {

// Shared, so that the arrays of one file have one descriptor.
struct PlainArraySpec {
  std::shared_ptr<const InputFile> file;
  std::uint64_t offset = 0;  // The file has shape.bytes() bytes from there.
  ArrayShape shape;
  bool swapped = false;  // Elements have the other byte order.
  std::string name;
};

class PlainArray final : public ArrayFile {
 public:
  explicit PlainArray(PlainArraySpec spec);

  [[nodiscard]] const ArrayShape& shape() const override { return spec_.shape; }
  [[nodiscard]] const std::string& name() const override { return spec_.name; }
  // A kBool that is neither 0 nor 1 is an input fault.
  [[nodiscard]] Status read(std::uint64_t first, std::span<std::byte> out) const override;
  [[nodiscard]] std::optional<RawBytes> raw() const override;

 private:
  PlainArraySpec spec_;
};

}  // namespace aesweep
