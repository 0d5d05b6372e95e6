// IDX files as arrays: idx.hpp through the interface that all formats have.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.hpp"
#include "core/data/array.hpp"

namespace aesweep {

// Plain or gzip-compressed. Any read of a compressed file decompresses it from start to end.
[[nodiscard]] Result<std::unique_ptr<ArrayFile>> open_idx(const std::string& path);

}  // namespace aesweep
