#include "runner/hdf5_reader/hdf5_array.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/data/plain_array.hpp"
#include "runner/hdf5_reader/reply.hpp"

namespace aesweep {
namespace {

// A reader that has said what the data set is.
struct Opened {
  std::unique_ptr<ReaderProcess> process;
  StoredArray array;
};

Result<Opened> open_reader(const ArrayRef& ref, const ReaderProgram& program) {
  Result<std::unique_ptr<ReaderProcess>> process =
      ReaderProcess::start(program, ref.path, ref.dataset);
  if (!process.ok()) return process.status();
  Result<StoredArray> array = receive_array(**process);
  if (!array.ok()) return array.status();
  return Opened{std::move(*process), std::move(*array)};
}

// Elements that a reader converts and decompresses. It is asked for one range after another, so
// that a chunk is decompressed once where ranges follow each other.
class ReaderArray final : public ArrayFile {
 public:
  ReaderArray(ArrayRef ref, ReaderProgram program, std::string name, Opened opened)
      : ref_(std::move(ref)),
        program_(std::move(program)),
        name_(std::move(name)),
        shape_(std::move(opened.array.shape)),
        process_(std::move(opened.process)) {}

  [[nodiscard]] const ArrayShape& shape() const override { return shape_; }
  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] Status read(std::uint64_t first, std::span<std::byte> out) const override {
    check_array_range(shape_, first, out.size());
    if (out.empty()) return {};
    const std::lock_guard<std::mutex> lock(mutex_);
    const Status status = ask(first, out);
    if (!status.ok()) process_.reset();  // The next question is for another.
    return status.in(name_);
  }

 private:
  [[nodiscard]] Status ask(std::uint64_t first, std::span<std::byte> out) const {
    if (!process_) {
      Result<Opened> again = open_reader(ref_, program_);
      if (!again.ok()) return again.status();
      if (again->array.shape != shape_) {
        return Status::input(text("is now ", shape_text(again->array.shape), ", was ",
                                  shape_text(shape_), "; leave the file as it is during a run"));
      }
      process_ = std::move(again->process);
    }
    const Question question = {first, out.size() / array_type_bytes(shape_.type)};
    AESWEEP_RETURN_IF_ERROR(process_->write(std::as_bytes(std::span(&question, 1))));
    AESWEEP_RETURN_IF_ERROR(receive_elements(*process_, out));
    if (shape_.type != ArrayType::kBool) return {};
    const auto bad =
        std::find_if(out.begin(), out.end(), [](std::byte b) { return b > std::byte{1}; });
    if (bad == out.end()) return {};
    return Status::input(text("element ", first + static_cast<std::uint64_t>(bad - out.begin()),
                              " is ", std::to_integer<int>(*bad), "; a bool is 0 or 1"));
  }

  ArrayRef ref_;
  ReaderProgram program_;
  std::string name_;
  ArrayShape shape_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<ReaderProcess> process_;  // None after a fault.
};

Status check_against_file(const StoredArray& array, std::uint64_t file_bytes) {
  const std::uint64_t bytes = array.shape.bytes();
  if (array.offset && (*array.offset > file_bytes || bytes > file_bytes - *array.offset)) {
    return Status::input(text("is said to be ", bytes, " bytes from byte ", *array.offset,
                              " on, but the file ends at ", file_bytes,
                              "; it is damaged or cut short"));
  }
  if (bytes / kHdf5ExpansionMax > file_bytes) {
    return Status::input(text("declares ", bytes, " bytes, more than can be in a file of ",
                              file_bytes, " (", kHdf5ExpansionMax, " times as much)"));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<ArrayFile>> open_hdf5_array(const ArrayRef& ref,
                                                   const ReaderProgram& program) {
  Result<InputFile> file = InputFile::open(ref.path);
  if (!file.ok()) return file.status();
  const std::string name = ref.dataset.empty() ? ref.path : ref.path + "#" + ref.dataset;
  Result<Opened> opened = open_reader(ref, program);
  if (!opened.ok()) return opened.status().in(name);
  AESWEEP_RETURN_IF_ERROR(check_against_file(opened->array, file->size()).in(name));
  if (!opened->array.offset) {
    return std::unique_ptr<ArrayFile>(
        std::make_unique<ReaderArray>(ref, program, name, std::move(*opened)));
  }
  PlainArraySpec spec;
  spec.file = std::make_shared<const InputFile>(std::move(*file));
  spec.offset = *opened->array.offset;
  spec.shape = std::move(opened->array.shape);
  spec.name = name;
  return std::unique_ptr<ArrayFile>(std::make_unique<PlainArray>(std::move(spec)));
}

}  // namespace aesweep
