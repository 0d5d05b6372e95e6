#include "runner/app/sample_file.hpp"

#include <algorithm>

#include "core/base/text.hpp"
#include "core/data/convert.hpp"
#include "core/data/source.hpp"
#include "runner/sweep/services.hpp"

namespace aesweep {
namespace {

// Bytes are scaled by 1/255 or 2/255, everything else by 1 or by what its values are. Which of both
// the trial had cannot always be told; where it can, the other one would give wrong codes.
Status check_type(const std::string& name, ArrayType type, const InputScaling& scaling) {
  const auto all = [&](double value) {
    return std::all_of(scaling.scale.begin(), scaling.scale.end(),
                       [value](double one) { return one == value; });
  };
  const double unit = type_scale(ArrayType::kU8);
  if (type != ArrayType::kU8 && (all(unit) || all(2 * unit))) {
    return Status::input(text(name, ": holds ", array_type_name(type),
                              ", but the trial was trained on u8 (bytes, times 1/255); store the "
                              "samples as u8, from 0 to 255"));
  }
  if (type == ArrayType::kU8 && all(1.0) && !scaling.as_stored) {
    return Status::input(text(name,
                              ": holds u8, but the trial was trained on other numbers, as they "
                              "were stored; store the samples as f32, in the range of the "
                              "training data"));
  }
  return {};
}

}  // namespace

Result<SampleFile> SampleFile::open(const std::string& name, InputScaling scaling) {
  SampleFile file;
  file.name_ = name;
  Result<std::unique_ptr<ArrayFile>> array = open_array(parse_array_ref(name), hdf5_opener());
  if (!array.ok()) return array.status();
  file.array_ = std::move(*array);
  const ArrayShape& shape = file.array_->shape();
  if (shape.dims.empty()) return Status::input(name + ": a single number has no samples");
  file.rows_ = shape.dims[0];
  file.cols_ = static_cast<std::int64_t>(shape.element_count()) / file.rows_;
  if (parse_array_ref(name).path.ends_with(".gz") && shape.bytes() > kSampleBytesMax) {
    return Status::input(text(name, ": ", shape.bytes(), " compressed bytes are more than the ",
                              kSampleBytesMax, " that are read; decompress the file"));
  }
  AESWEEP_RETURN_IF_ERROR(check_type(name, shape.type, scaling));
  file.scaling_ = std::make_unique<InputScaling>(std::move(scaling));
  return file;
}

std::int64_t SampleFile::rows_per_part(std::int64_t bytes) const {
  // A compressed file is read from its start each time.
  if (parse_array_ref(name_).path.ends_with(".gz")) return rows_;
  const ArrayType type = array_->shape().type;
  const auto element =
      static_cast<std::int64_t>(array_type_bytes(type) + element_bytes(element_of(type)));
  return std::max<std::int64_t>(1, bytes / element / cols_);
}

Result<const Split*> SampleFile::read(std::int64_t first, std::int64_t count) {
  const ArrayType type = array_->shape().type;
  const auto elements = static_cast<std::size_t>(count * cols_);
  stored_.resize(elements * array_type_bytes(type));
  AESWEEP_RETURN_IF_ERROR(array_->read(static_cast<std::uint64_t>(first * cols_), stored_));
  split_ = std::make_unique<Split>();
  split_->element = element_of(type);
  split_->rows = count;
  split_->cols = cols_;
  if (is_kept(type)) {
    split_->samples = stored_.data();
  } else {
    values_.resize(elements * element_bytes(split_->element));
    AESWEEP_RETURN_IF_ERROR(convert(type, stored_, values_.data()).in(name_));
    split_->samples = values_.data();
  }
  if (scaling_->scale.size() == 1) {
    split_->scale = scaling_->scale[0];
    split_->shift = scaling_->shift[0];
  } else {
    split_->col_scale = scaling_->scale.data();
    split_->col_shift = scaling_->shift.data();
  }
  return split_.get();
}

}  // namespace aesweep
