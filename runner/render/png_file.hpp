// Picture to PNG. libpng appears in png_file.cpp and nowhere else.
//
// Equal pictures give equal bytes under one version of libpng and zlib: there is no time and no
// text in them. Grey pictures are stored with 8 bits per pixel, all others as RGB.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/render/picture.hpp"

namespace aesweep {

[[nodiscard]] Result<std::vector<std::byte>> png_bytes(const Picture& picture);

// Replaces the file durably (durable_write).
[[nodiscard]] Status write_png(const std::string& path, const Picture& picture);

}  // namespace aesweep
