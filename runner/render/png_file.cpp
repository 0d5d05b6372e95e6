#include "runner/render/png_file.hpp"

#include <png.h>

#include <cstdint>
#include <span>

#include "core/base/text.hpp"
#include "runner/store/durable_write.hpp"

namespace aesweep {
namespace {

bool is_grey(std::span<const std::uint8_t> rgb) {
  for (std::size_t i = 0; i < rgb.size(); i += 3) {
    if (rgb[i] != rgb[i + 1] || rgb[i] != rgb[i + 2]) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<std::byte>> png_bytes(const Picture& picture) {
  std::span<const std::uint8_t> pixels = picture.bytes();
  std::vector<std::uint8_t> grey;
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width());
  image.height = static_cast<png_uint_32>(picture.height());
  image.format = PNG_FORMAT_RGB;
  if (is_grey(pixels)) {
    image.format = PNG_FORMAT_GRAY;
    for (std::size_t i = 0; i < pixels.size(); i += 3) grey.push_back(pixels[i]);
    pixels = grey;
  }
  // libpng's longjmp stays inside of these calls.
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> bytes(size);
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    return Status::world(text("libpng cannot write a picture of ", picture.width(), " x ",
                              picture.height(), " pixels: ", image.message));
  }
  bytes.resize(size);
  return bytes;
}

Status write_png(const std::string& path, const Picture& picture) {
  const Result<std::vector<std::byte>> bytes = png_bytes(picture);
  if (!bytes.ok()) return bytes.status().in(path);
  return durable_write(path, bytes.value(), WriteMode::kReplace);
}

}  // namespace aesweep
