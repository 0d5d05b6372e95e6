#include "core/data/plain_array.hpp"

#include <algorithm>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/data/byte_order.hpp"

namespace aesweep {

PlainArray::PlainArray(PlainArraySpec spec) : spec_(std::move(spec)) {
  AESWEEP_CHECK(spec_.offset <= spec_.file->size() &&
                    spec_.shape.bytes() <= spec_.file->size() - spec_.offset,
                "PlainArray beyond its file");
}

Status PlainArray::read(std::uint64_t first, std::span<std::byte> out) const {
  check_array_range(spec_.shape, first, out.size());
  const std::size_t element = array_type_bytes(spec_.shape.type);
  AESWEEP_RETURN_IF_ERROR(spec_.file->read_at(spec_.offset + first * element, out));
  if (spec_.swapped) swap_elements(out, element);
  if (spec_.shape.type != ArrayType::kBool) return {};
  const auto bad =
      std::find_if(out.begin(), out.end(), [](std::byte b) { return b > std::byte{1}; });
  if (bad == out.end()) return {};
  return Status::input(text(spec_.name, ": element ", first + (bad - out.begin()), " is ",
                            std::to_integer<int>(*bad), "; a bool is 0 or 1"));
}

std::optional<RawBytes> PlainArray::raw() const {
  const bool as_stored = !spec_.swapped || array_type_bytes(spec_.shape.type) == 1;
  if (!as_stored || spec_.shape.type == ArrayType::kBool) return std::nullopt;
  return RawBytes{spec_.file->path(), spec_.offset};
}

}  // namespace aesweep
