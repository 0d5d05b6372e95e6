#include "core/data/patches.hpp"

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/data/bounded.hpp"
#include "core/data/convert.hpp"
#include "core/data/sample_files.hpp"

namespace aesweep {
namespace {

constexpr std::int64_t kCountMax = (std::int64_t{1} << 32) - 1;  // What bounded() draws from.

Status check_size(const char* key, std::int64_t patch, std::int64_t image, const char* what,
                  const ArrayFile& images) {
  if (patch >= 1 && patch <= image) return {};
  return Status::input(text("data.patches.", key, ": ", patch, " is not in [1, ", image, "], the ",
                            what, " of the images of ", images.name()));
}

}  // namespace

std::vector<PatchPlace> patch_places(const PatchSpec& spec, PatchSplit split, std::int64_t count,
                                     std::int64_t images, std::int64_t height, std::int64_t width) {
  const PhiloxKey key =
      stream_key(stream_hash(spec.seed, "data/patches", 0), static_cast<std::uint64_t>(split));
  std::vector<PatchPlace> places(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto draw = [&](std::uint32_t which, std::int64_t bound) {
      const PhiloxBlock counter = {static_cast<std::uint32_t>(i),
                                   static_cast<std::uint32_t>(std::uint64_t{i} >> 32), which, 0};
      return static_cast<std::int64_t>(bounded(key, counter, static_cast<std::uint32_t>(bound)));
    };
    places[i] = {draw(0, images), draw(1, height - spec.rows + 1), draw(2, width - spec.cols + 1)};
  }
  return places;
}

Status check_patches(const PatchSpec& spec, const ArrayFile& images) {
  const std::vector<std::int64_t>& dims = images.shape().dims;
  if (dims.size() != 3) {
    return Status::input(text("data.patches: ", images.name(), " has ", dims.size(),
                              " dimensions; patches are cut from images [n, height, width]"));
  }
  for (const std::int64_t size : dims) {
    if (size <= kCountMax) continue;
    return Status::input(text("data.patches: ", images.name(), " has a dimension of ", size,
                              "; patches are cut from at most ", kCountMax));
  }
  AESWEEP_RETURN_IF_ERROR(check_size("rows", spec.rows, dims[1], "height", images));
  return check_size("cols", spec.cols, dims[2], "width", images);
}

RowList images_of(const RowList& list, std::span<const PatchPlace> places) {
  std::vector<std::int64_t> rows = list.picked;
  for (const RowSpan& span : list.spans) {
    for (std::int64_t i = 0; i < span.count; ++i) rows.push_back(span.first + i);
  }
  RowList images;
  images.picked.reserve(places.size());
  for (const PatchPlace& place : places) {
    images.picked.push_back(rows[static_cast<std::size_t>(place.image)]);
  }
  return images;
}

Status read_patches(const PatchSpec& spec, const ArrayFile& images, const RowList& list,
                    std::span<const PatchPlace> places, std::span<std::byte> out) {
  const ArrayType type = images.shape().type;
  const auto width = static_cast<std::size_t>(images.shape().dims[2]);
  const auto rows = static_cast<std::size_t>(spec.rows);
  const auto cols = static_cast<std::size_t>(spec.cols);
  const std::size_t stored = array_type_bytes(type);
  const std::size_t kept = element_bytes(element_of(type));
  AESWEEP_CHECK(out.size() == places.size() * rows * cols * kept,
                "read_patches needs memory for just the patches");
  const auto copy = [&](std::int64_t row, std::int64_t index, std::span<const std::byte> image) {
    const PatchPlace& place = places[static_cast<std::size_t>(index)];
    std::byte* to = out.data() + static_cast<std::size_t>(index) * rows * cols * kept;
    for (std::size_t y = 0; y < rows; ++y, to += cols * kept) {
      const std::size_t from =
          (static_cast<std::size_t>(place.row) + y) * width + static_cast<std::size_t>(place.col);
      const Status status = convert(type, image.subspan(from * stored, cols * stored), to);
      if (!status.ok()) {
        return status.in(text(images.name(), ": sample ", row, ", row ",
                              static_cast<std::size_t>(place.row) + y, " from column ", place.col));
      }
    }
    return Status();
  };
  return visit_rows(images, images_of(list, places), copy);
}

}  // namespace aesweep
