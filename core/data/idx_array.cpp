#include "core/data/idx_array.hpp"

#include <utility>

#include "core/base/check.hpp"
#include "core/data/idx.hpp"

namespace aesweep {
namespace {

ArrayType array_type(IdxType type) {
  switch (type) {
    case IdxType::kU8:
      return ArrayType::kU8;
    case IdxType::kI8:
      return ArrayType::kI8;
    case IdxType::kI16:
      return ArrayType::kI16;
    case IdxType::kI32:
      return ArrayType::kI32;
    case IdxType::kF32:
      return ArrayType::kF32;
    case IdxType::kF64:
      return ArrayType::kF64;
  }
  AESWEEP_CHECK(false, "an IDX type that its reader does not let through");
  return ArrayType::kU8;
}

class IdxArray final : public ArrayFile {
 public:
  explicit IdxArray(IdxFile file) : file_(std::move(file)) {
    shape_ = {array_type(file_.header().type), file_.header().dims};
  }

  [[nodiscard]] const ArrayShape& shape() const override { return shape_; }
  [[nodiscard]] const std::string& name() const override { return file_.path(); }
  [[nodiscard]] Status read(std::uint64_t first, std::span<std::byte> out) const override {
    check_array_range(shape_, first, out.size());
    return file_.read(first, out);
  }
  [[nodiscard]] std::optional<RawBytes> raw() const override {
    if (file_.compressed() || array_type_bytes(shape_.type) > 1) return std::nullopt;
    return RawBytes{file_.path(), file_.header().header_bytes()};
  }

 private:
  IdxFile file_;
  ArrayShape shape_;
};

}  // namespace

Result<std::unique_ptr<ArrayFile>> open_idx(const std::string& path) {
  Result<IdxFile> file = IdxFile::open(path);
  if (!file.ok()) return file.status();
  return std::unique_ptr<ArrayFile>(std::make_unique<IdxArray>(std::move(file).value()));
}

}  // namespace aesweep
