// SampleFile: the samples of a file, scaled as a trial's data were, a part after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "core/data/dataset.hpp"

namespace aesweep {

// How a trial's data became its input.
struct InputScaling {
  std::vector<double> scale;  // One element: for all columns.
  std::vector<double> shift;
  bool as_stored = false;  // data.scaling: none
};

class SampleFile {
 public:
  // `name`: FILE or FILE#NAME; samples are along the first dimension. `scaling` is not empty. An
  // input fault: bytes where the trial had other numbers, or the reverse; another width.
  [[nodiscard]] static Result<SampleFile> open(const std::string& name, InputScaling scaling);

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t cols() const { return cols_; }
  // Of a split in memory, per sample, or all of them where a file can be read in one piece only.
  [[nodiscard]] std::int64_t rows_per_part(std::int64_t bytes) const;

  // Samples [first, first + count), until the next call.
  [[nodiscard]] Result<const Split*> read(std::int64_t first, std::int64_t count);

 private:
  SampleFile() = default;

  std::string name_;
  std::unique_ptr<ArrayFile> array_;
  std::unique_ptr<InputScaling> scaling_;  // Split points into it.
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  std::vector<std::byte> stored_;
  std::vector<std::byte> values_;
  std::unique_ptr<Split> split_;
};

}  // namespace aesweep
