#include "core/data/sample_files.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/data/convert.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{64} << 20;
// A compressed file is read from its start for every piece.
constexpr std::uint64_t kPackedPieceBytes = std::uint64_t{512} << 20;

std::int64_t row_elements(const ArrayFile& file) {
  return static_cast<std::int64_t>(file.shape().element_count()) / file.shape().dims[0];
}

Status check_samples(const ArrayFile& samples) {
  if (samples.shape().dims.size() >= 2) return {};
  return Status::input(text(samples.name(), ": is ", shape_text(samples.shape()),
                            "; samples have 2 dimensions or more, [n, ...], samples first"));
}

Status check_labels(const ArrayFile& labels, const ArrayFile& samples) {
  const ArrayShape& shape = labels.shape();
  if (!is_whole(shape.type)) {
    return Status::input(text(labels.name(), ": labels of type ", array_type_name(shape.type),
                              " are not read; expected whole numbers"));
  }
  if (shape.dims.empty() || shape.dims.size() > 2 ||
      (shape.dims.size() == 2 && shape.dims[1] != 1)) {
    return Status::input(text(labels.name(), ": is ", shape_text(shape),
                              "; labels are [n] or [n, 1], one per sample"));
  }
  if (shape.dims[0] == samples.shape().dims[0]) return {};
  return Status::input(text(labels.name(), ": has ", shape.dims[0], " labels for the ",
                            samples.shape().dims[0], " samples of ", samples.name()));
}

struct PlacedRow {
  std::int64_t row;
  std::int64_t place;
};

// Picked rows in the order of the file.
std::vector<PlacedRow> placed_rows(const std::vector<std::int64_t>& picked) {
  std::vector<PlacedRow> rows;
  rows.reserve(picked.size());
  for (std::size_t i = 0; i < picked.size(); ++i) {
    rows.push_back({picked[i], static_cast<std::int64_t>(i)});
  }
  std::sort(rows.begin(), rows.end(), [](const PlacedRow& a, const PlacedRow& b) {
    return a.row != b.row ? a.row < b.row : a.place < b.place;
  });
  return rows;
}

// One piece of a file in memory, moved forward.
class Piece {
 public:
  explicit Piece(const ArrayFile& file)
      : file_(file),
        elements_(static_cast<std::uint64_t>(row_elements(file))),
        row_bytes_(elements_ * array_type_bytes(file.shape().type)),
        rows_max_(static_cast<std::int64_t>(std::max<std::uint64_t>(
            1, (file.raw() ? kPieceBytes : kPackedPieceBytes) / row_bytes_))) {}

  // The row's bytes; if they are not there yet, the piece begins with it and ends before `last`.
  [[nodiscard]] Result<std::span<const std::byte>> row(std::int64_t row, std::int64_t last) {
    if (row < first_ || row >= first_ + count_) {
      first_ = row;
      count_ = std::min(rows_max_, last - row);
      bytes_.resize(static_cast<std::size_t>(count_) * row_bytes_);
      AESWEEP_RETURN_IF_ERROR(file_.read(static_cast<std::uint64_t>(row) * elements_, bytes_));
    }
    return std::span<const std::byte>(bytes_).subspan(
        static_cast<std::size_t>(row - first_) * row_bytes_, row_bytes_);
  }

 private:
  const ArrayFile& file_;
  std::uint64_t elements_;
  std::uint64_t row_bytes_;
  std::int64_t rows_max_;
  std::int64_t first_ = 0;
  std::int64_t count_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace

std::int64_t SampleFiles::cols() const { return row_elements(*samples); }

Result<SampleFiles> open_samples(const std::string& samples, const std::string& labels,
                                 const ArrayOpener& open_hdf5) {
  SampleFiles files;
  Result<std::unique_ptr<ArrayFile>> array = open_array(parse_array_ref(samples), open_hdf5);
  AESWEEP_RETURN_IF_ERROR(array.status());
  files.samples = std::move(array).value();
  AESWEEP_RETURN_IF_ERROR(check_samples(*files.samples));
  if (labels.empty()) return files;
  array = open_array(parse_array_ref(labels), open_hdf5);
  AESWEEP_RETURN_IF_ERROR(array.status());
  files.labels = std::move(array).value();
  AESWEEP_RETURN_IF_ERROR(check_labels(*files.labels, *files.samples));
  return files;
}

Status visit_rows(const ArrayFile& file, const RowList& list, const VisitRow& visit) {
  Piece piece(file);
  const auto visit_one = [&](std::int64_t row, std::int64_t place, std::int64_t last) {
    const Result<std::span<const std::byte>> bytes = piece.row(row, last);
    return bytes.ok() ? visit(row, place, bytes.value()) : bytes.status();
  };
  std::int64_t place = 0;
  for (const RowSpan& span : list.spans) {
    for (std::int64_t i = 0; i < span.count; ++i, ++place) {
      AESWEEP_RETURN_IF_ERROR(visit_one(span.first + i, place, span.first + span.count));
    }
  }
  const std::vector<PlacedRow> rows = placed_rows(list.picked);
  for (const PlacedRow& one : rows) {
    AESWEEP_RETURN_IF_ERROR(visit_one(one.row, one.place, rows.back().row + 1));
  }
  return {};
}

Status read_samples(const ArrayFile& samples, const RowList& list, std::span<std::byte> out) {
  const ArrayType type = samples.shape().type;
  const std::int64_t cols = row_elements(samples);
  const std::size_t row_bytes = static_cast<std::size_t>(cols) * element_bytes(element_of(type));
  AESWEEP_CHECK(out.size() == static_cast<std::size_t>(list.count()) * row_bytes,
                "read_samples needs memory for just the list");
  if (is_kept(type) && list.picked.empty()) {
    for (const RowSpan& span : list.spans) {
      const std::size_t bytes = static_cast<std::size_t>(span.count) * row_bytes;
      AESWEEP_RETURN_IF_ERROR(
          samples.read(static_cast<std::uint64_t>(span.first * cols), out.first(bytes)));
      out = out.subspan(bytes);
    }
    return {};
  }
  return visit_rows(
      samples, list, [&](std::int64_t row, std::int64_t place, std::span<const std::byte> bytes) {
        const Status status =
            convert(type, bytes, out.data() + static_cast<std::size_t>(place) * row_bytes);
        return status.ok() ? status : status.in(text(samples.name(), ": sample ", row));
      });
}

Status read_labels(const ArrayFile& labels, const RowList& list, std::span<std::int32_t> out) {
  AESWEEP_CHECK(out.size() == static_cast<std::size_t>(list.count()),
                "read_labels needs memory for just the list");
  return visit_rows(labels, list,
                    [&](std::int64_t row, std::int64_t place, std::span<const std::byte> bytes) {
                      const std::int64_t label = whole_number(labels.shape().type, bytes.data());
                      if (label < 0 || label > std::numeric_limits<std::int32_t>::max()) {
                        return Status::input(text(labels.name(), ": label ", row, " is ", label,
                                                  "; expected at least 0 and below 2^31"));
                      }
                      out[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(label);
                      return Status();
                    });
}

}  // namespace aesweep
