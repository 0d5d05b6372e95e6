// SampleFiles: the samples of one array in a file, and the labels of another, as yet uncut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "core/data/split_rows.hpp"

namespace aesweep {

// Samples have 2 dimensions or more, the first of which counts them. Labels are integers [n] or
// [n, 1]. Files may be read by several calls at once.
struct SampleFiles {
  std::unique_ptr<ArrayFile> samples;
  std::unique_ptr<ArrayFile> labels;  // Null: none.

  [[nodiscard]] std::int64_t rows() const { return samples->shape().dims[0]; }
  [[nodiscard]] std::int64_t cols() const;
};

// Both as FILE or FILE#NAME; `labels` may be empty. Checks shapes and types.
[[nodiscard]] Result<SampleFiles> open_samples(const std::string& samples,
                                               const std::string& labels,
                                               const ArrayOpener& open_hdf5);

// Calls visit(row, place, bytes) for each row of the list, whose place in the list is `place`, in
// the order of the file, once per place. A row is what lies at one index of the first dimension.
// Takes a piece of the file at a time into memory, a larger one where it may be compressed.
using VisitRow =
    std::function<Status(std::int64_t row, std::int64_t place, std::span<const std::byte> bytes)>;
[[nodiscard]] Status visit_rows(const ArrayFile& file, const RowList& list, const VisitRow& visit);

// out: the list's samples, one after another, converted (core/data/convert.hpp).
[[nodiscard]] Status read_samples(const ArrayFile& samples, const RowList& list,
                                  std::span<std::byte> out);

// The list's labels; faults name the first that is not in [0, 2^31).
[[nodiscard]] Status read_labels(const ArrayFile& labels, const RowList& list,
                                 std::span<std::int32_t> out);

}  // namespace aesweep
