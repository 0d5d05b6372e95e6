#include "core/data/idx_folder.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/data/idx.hpp"

namespace aesweep {
namespace {

struct SplitFiles {
  IdxFile images;
  IdxFile labels;
};

Result<IdxFile> open_named(const std::string& folder, const std::string& name) {
  const std::string plain = (std::filesystem::path(folder) / name).string();
  std::error_code error;  // What cannot be looked at cannot be opened either; open says why.
  const bool has_plain = std::filesystem::exists(plain, error);
  const bool has_packed = std::filesystem::exists(plain + ".gz", error);
  if (has_plain && has_packed) {
    return Status::input(
        text(plain, ": ", name, ".gz is there, too, and may differ; remove one of the two"));
  }
  if (has_plain) return IdxFile::open(plain);
  if (has_packed) return IdxFile::open(plain + ".gz");
  if (!std::filesystem::is_directory(folder, error)) {
    return Status::input(text(folder, ": no such folder; an idx source reads ", name,
                              ", plain or .gz, and three more files from it"));
  }
  return Status::input(text(folder, ": holds neither ", name, " nor ", name,
                            ".gz; an idx source needs both splits, images and labels"));
}

Status check_images(const IdxFile& images) {
  const IdxHeader& header = images.header();
  const bool readable =
      header.type == IdxType::kU8 || header.type == IdxType::kF32 || header.type == IdxType::kF64;
  if (!readable) {
    return Status::input(text(images.path(), ": images of type ", idx_type_name(header.type),
                              " are not read; expected u8, f32 or f64"));
  }
  if (header.dims.size() < 2) {
    return Status::input(
        text(images.path(), ": images have 2 to 4 dimensions, samples first; this file has 1"));
  }
  return {};
}

Status check_labels(const IdxFile& labels, const IdxFile& images) {
  const IdxHeader& header = labels.header();
  if (header.type == IdxType::kF32 || header.type == IdxType::kF64) {
    return Status::input(text(labels.path(), ": labels of type ", idx_type_name(header.type),
                              " are not read; expected u8, i8, i16 or i32"));
  }
  if (header.dims.size() != 1) {
    return Status::input(
        text(labels.path(), ": labels have 1 dimension; this file has ", header.dims.size()));
  }
  if (header.dims[0] != images.header().dims[0]) {
    return Status::input(text(labels.path(), ": has ", header.dims[0], " labels for the ",
                              images.header().dims[0], " samples of ", images.path()));
  }
  return {};
}

Result<SplitFiles> open_split(const std::string& folder, IdxSplit split) {
  const std::string stem = split == IdxSplit::kTrain ? "train" : "t10k";
  Result<IdxFile> images = open_named(folder, stem + "-images-idx3-ubyte");
  if (!images.ok()) return images.status();
  Result<IdxFile> labels = open_named(folder, stem + "-labels-idx1-ubyte");
  if (!labels.ok()) return labels.status();
  AESWEEP_RETURN_IF_ERROR(check_images(*images));
  AESWEEP_RETURN_IF_ERROR(check_labels(*labels, *images));
  return SplitFiles{std::move(images).value(), std::move(labels).value()};
}

IdxSplitShape shape_of(const IdxHeader& header, std::int64_t limit) {
  IdxSplitShape shape;
  shape.element = header.type == IdxType::kU8    ? Element::kU8
                  : header.type == IdxType::kF32 ? Element::kF32
                                                 : Element::kF64;
  shape.rows = limit > 0 ? std::min(limit, header.dims[0]) : header.dims[0];
  shape.cols = static_cast<std::int64_t>(header.element_count()) / header.dims[0];
  shape.scale = header.type == IdxType::kU8 ? 1.0 / 255.0 : 1.0;
  return shape;
}

template <class Stored>
Status widen_labels(const IdxFile& file, std::span<std::int32_t> labels) {
  std::vector<Stored> stored(labels.size());
  AESWEEP_RETURN_IF_ERROR(file.read(std::as_writable_bytes(std::span(stored))));
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (static_cast<std::int64_t>(stored[i]) < 0) {
      return Status::input(text(file.path(), ": label ", i, " is ",
                                static_cast<std::int64_t>(stored[i]), "; expected at least 0"));
    }
    labels[i] = static_cast<std::int32_t>(stored[i]);
  }
  return {};
}

Status read_labels(const IdxFile& file, std::span<std::int32_t> labels) {
  switch (file.header().type) {
    case IdxType::kU8:
      return widen_labels<std::uint8_t>(file, labels);
    case IdxType::kI8:
      return widen_labels<std::int8_t>(file, labels);
    case IdxType::kI16:
      return widen_labels<std::int16_t>(file, labels);
    default:
      return widen_labels<std::int32_t>(file, labels);
  }
}

}  // namespace

Result<IdxSplitShape> inspect_idx_split(const std::string& folder, IdxSplit split,
                                        std::int64_t limit) {
  const Result<SplitFiles> files = open_split(folder, split);
  if (!files.ok()) return files.status();
  return shape_of(files.value().images.header(), limit);
}

Status load_idx_split(const std::string& folder, IdxSplit split, const IdxSplitShape& shape,
                      std::span<std::byte> samples, std::span<std::int32_t> labels) {
  const Result<SplitFiles> files = open_split(folder, split);
  if (!files.ok()) return files.status();
  const IdxFile& images = files.value().images;
  if (!(shape_of(images.header(), shape.rows) == shape)) {
    return Status::input(text(images.path(), ": changed since its header was inspected"));
  }
  AESWEEP_RETURN_IF_ERROR(images.read(samples));
  return read_labels(files.value().labels, labels);
}

}  // namespace aesweep
