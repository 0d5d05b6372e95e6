#include "core/data/safetensors.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/data/byte_order.hpp"
#include "core/data/plain_array.hpp"
#include "core/data/text_cursor.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kHeaderAlignment = 8;

// The header's text, whose length is checked before memory is taken.
Result<std::string> read_header(const InputFile& file) {
  std::array<std::byte, kLengthBytes + 1> start{};
  if (file.size() < start.size()) {
    return Status::input(text("has ", file.size(), " bytes; a safetensors file has more"));
  }
  AESWEEP_RETURN_IF_ERROR(file.read_at(0, start));
  const std::uint64_t length = little_endian(std::span(start).first(kLengthBytes));
  const std::uint64_t limit = std::min(kSafetensorsHeaderBytesMax, file.size() - kLengthBytes);
  if (length < 2 || length > limit) {
    return Status::input(
        text("declares a safetensors header of ", length, " bytes; expected 2 to ", limit));
  }
  if (start.back() != std::byte{'{'}) {
    return Status::input("its header does not begin with '{'; it is no safetensors file");
  }
  std::string header(length, '\0');
  AESWEEP_RETURN_IF_ERROR(file.read_at(kLengthBytes, std::as_writable_bytes(std::span(header))));
  return header;
}

// For "did you mean", whose time is bounded.
std::vector<std::string> candidates(const std::vector<SafetensorsTensor>& tensors) {
  constexpr std::size_t kCandidates = 1000;
  std::vector<std::string> names;
  for (const SafetensorsTensor& tensor :
       std::span(tensors).first(std::min(kCandidates, tensors.size()))) {
    if (tensor.name.size() < 256) names.push_back(tensor.name);
  }
  return names;
}

// The first few, for messages.
std::string listed(const std::vector<SafetensorsTensor>& tensors) {
  constexpr std::size_t kShown = 8;
  std::string list;
  for (const SafetensorsTensor& tensor :
       std::span(tensors).first(std::min(kShown, tensors.size()))) {
    list += text(list.empty() ? "" : ", ", quoted(tensor.name));
  }
  return tensors.size() > kShown ? list + ", ..." : list;
}

}  // namespace

SafetensorsFile::SafetensorsFile(std::shared_ptr<const InputFile> file, std::uint64_t data_offset,
                                 std::vector<SafetensorsTensor> tensors)
    : file_(std::move(file)), data_offset_(data_offset), tensors_(std::move(tensors)) {}

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  Result<InputFile> opened = InputFile::open(path);
  if (!opened.ok()) return opened.status();
  auto file = std::make_shared<const InputFile>(std::move(opened).value());
  const Result<std::string> header = read_header(*file);
  if (!header.ok()) return header.status().in(path);
  const std::uint64_t data_offset = kLengthBytes + header.value().size();
  Result<std::vector<SafetensorsTensor>> tensors =
      parse_safetensors_header(header.value(), kLengthBytes, file->size() - data_offset);
  if (!tensors.ok()) return tensors.status().in(path);
  return SafetensorsFile(std::move(file), data_offset, std::move(tensors).value());
}

Result<std::unique_ptr<ArrayFile>> SafetensorsFile::open_tensor(const std::string& name) const {
  const auto tensor = std::find_if(tensors_.begin(), tensors_.end(),
                                   [&](const SafetensorsTensor& t) { return t.name == name; });
  if (tensor == tensors_.end()) {
    return Status::input(text(path(), ": has no tensor ", quoted(name),
                              did_you_mean(name, candidates(tensors_)), "; it has ",
                              listed(tensors_)));
  }
  const std::string where = path() + "#" + name;
  if (!tensor->type) {
    return Status::input(text(where, ": type ", tensor->dtype,
                              " is not read; expected BOOL, U8, I8, I16, I32, I64, F16, BF16, F32 "
                              "or F64. Convert it before saving"));
  }
  ArrayShape shape{*tensor->type, tensor->dims};
  AESWEEP_RETURN_IF_ERROR(check_array_shape(shape).in(where));
  return std::unique_ptr<ArrayFile>(std::make_unique<PlainArray>(
      PlainArraySpec{file_, data_offset_ + tensor->begin, std::move(shape), false, where}));
}

Result<std::unique_ptr<ArrayFile>> open_safetensors(const ArrayRef& ref) {
  const Result<SafetensorsFile> file = SafetensorsFile::open(ref.path);
  if (!file.ok()) return file.status();
  if (!ref.dataset.empty()) return file.value().open_tensor(ref.dataset);
  const std::vector<SafetensorsTensor>& tensors = file.value().tensors();
  if (tensors.size() == 1) return file.value().open_tensor(tensors[0].name);
  if (tensors.empty()) return Status::input(text(ref.path, ": holds no tensors"));
  return Status::input(text(ref.path, ": holds ", tensors.size(), " tensors; name one, as in ",
                            ref.path, "#NAME. It has ", listed(tensors)));
}

Status write_safetensors(std::vector<TensorBytes> tensors, const ByteSink& sink) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorBytes& a, const TensorBytes& b) {
    const std::size_t a_bytes = array_type_bytes(a.shape.type);
    const std::size_t b_bytes = array_type_bytes(b.shape.type);
    return a_bytes != b_bytes ? a_bytes > b_bytes : a.name < b.name;
  });
  std::vector<SafetensorsTensor> entries;
  std::vector<std::string> names;
  std::uint64_t begin = 0;
  for (const TensorBytes& tensor : tensors) {
    AESWEEP_CHECK(tensor.data.size() == tensor.shape.bytes(), "a tensor of other than its bytes");
    entries.push_back({tensor.name, std::string(safetensors_dtype(tensor.shape.type)),
                       tensor.shape.type, tensor.shape.dims, begin, tensor.data.size()});
    names.push_back(tensor.name);
    begin += tensor.data.size();
  }
  AESWEEP_RETURN_IF_ERROR(check_safetensors_names(std::move(names)));
  std::string header = safetensors_header_text(entries);
  header.append((kHeaderAlignment - header.size() % kHeaderAlignment) % kHeaderAlignment, ' ');
  std::string start;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    start += static_cast<char>(header.size() >> (8 * i) & 0xff);
  }
  start += header;
  AESWEEP_RETURN_IF_ERROR(sink(std::as_bytes(std::span(start))));
  for (const TensorBytes& tensor : tensors) AESWEEP_RETURN_IF_ERROR(sink(tensor.data));
  return {};
}

}  // namespace aesweep
