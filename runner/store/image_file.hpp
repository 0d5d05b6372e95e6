// How an HDF5 file is made, whole and durably: as an image in memory, or, where that would be too
// large, by libhdf5 writing to the temporary file. Both ways give the same bytes.
//
// Threads: any number of calls at once; inside libhdf5 they run one at a time. `contents` writes
// everything below the root; it runs within an h5::Session and may open other files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/h5.hpp"

namespace aesweep {

inline constexpr std::uint64_t kImageBytesMax = std::uint64_t{64} << 20;

using H5Contents = std::function<Status(const h5::Node& file)>;

// Leaves a whole file in `sink`, or says why not. The sink's own error comes first; `bytes` is what
// its message says is needed.
[[nodiscard]] Status write_h5(ByteSink& sink, const std::string& name, std::uint64_t bytes,
                              const H5Contents& contents);

// The bytes of the file. `name` is for messages, `bytes` about its size.
[[nodiscard]] Result<std::vector<std::byte>> h5_image(const std::string& name, std::uint64_t bytes,
                                                      const H5Contents& contents);

// Creates the file durably (durable_write.hpp, kCreate); in memory where `bytes`, about its size,
// is at most image_bytes_max.
[[nodiscard]] Result<FileFacts> create_h5(const std::string& path, std::uint64_t bytes,
                                          std::uint64_t image_bytes_max,
                                          const H5Contents& contents);

}  // namespace aesweep
