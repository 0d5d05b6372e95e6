#include "runner/store/image_file.hpp"

#include <utility>

#include "runner/store/byte_sink.hpp"
#include "runner/store/fence.hpp"

namespace aesweep {

Status write_h5(ByteSink& sink, const std::string& name, std::uint64_t bytes,
                const H5Contents& contents) {
  const Status written = [&]() -> Status {
    const h5::Session session;
    Result<h5::Node> file = h5::create_file(sink, name);
    if (!file.ok()) return file.status();
    const Status filled = contents(*file);
    const Status closed = file->close();
    return filled.ok() ? closed : filled;
  }();
  // libhdf5 does not see a failed write, so `written` may well be a success.
  return sink.error() != 0 ? write_fault(name, sink.error(), bytes) : written;
}

Result<std::vector<std::byte>> h5_image(const std::string& name, std::uint64_t bytes,
                                        const H5Contents& contents) {
  return fenced(name, [&]() -> Result<std::vector<std::byte>> {
    MemorySink sink;
    AESWEEP_RETURN_IF_ERROR(write_h5(sink, name, bytes, contents));
    return sink.take();
  });
}

Result<FileFacts> create_h5(const std::string& path, std::uint64_t bytes,
                            std::uint64_t image_bytes_max, const H5Contents& contents) {
  if (bytes <= image_bytes_max) {
    Result<std::vector<std::byte>> image = h5_image(path, bytes, contents);
    if (!image.ok()) return image.status();
    AESWEEP_RETURN_IF_ERROR(durable_write(path, *image, WriteMode::kCreate));
    return facts_of(*image);
  }
  return fenced(path, [&]() -> Result<FileFacts> {
    Result<PendingFile> file = PendingFile::create(path);
    if (!file.ok()) return file.status();
    AESWEEP_RETURN_IF_ERROR(file->reserve(bytes));
    FileSink sink(file->fd());
    AESWEEP_RETURN_IF_ERROR(write_h5(sink, path, bytes, contents));
    Result<FileFacts> facts = file->facts();
    if (!facts.ok()) return facts.status();
    AESWEEP_RETURN_IF_ERROR(file->commit(WriteMode::kCreate));
    return facts;
  });
}

}  // namespace aesweep
