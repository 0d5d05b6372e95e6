// Builders of IDX and gzip bytes for tests: written from the formats' descriptions, not from the
// reader.
#pragma once

#include <zlib.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/check.hpp"

namespace aesweep {

// The big-endian bytes of a number.
template <class T>
std::string big_endian(T number) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &number, sizeof(T));
  return {bytes.rbegin(), bytes.rend()};
}

// 0 0 type ndim, then the dimensions.
inline std::string idx_header(int type, const std::vector<std::uint32_t>& dims) {
  std::string bytes = {'\0', '\0', static_cast<char>(type), static_cast<char>(dims.size())};
  for (const std::uint32_t size : dims) bytes += big_endian(size);
  return bytes;
}

template <class T>
constexpr int idx_code() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return 0x08;
  if constexpr (std::is_same_v<T, std::int8_t>) return 0x09;
  if constexpr (std::is_same_v<T, std::int16_t>) return 0x0B;
  if constexpr (std::is_same_v<T, std::int32_t>) return 0x0C;
  if constexpr (std::is_same_v<T, float>) return 0x0D;
  if constexpr (std::is_same_v<T, double>) return 0x0E;
}

template <class T>
std::string idx_bytes(const std::vector<std::uint32_t>& dims, const std::vector<T>& elements) {
  std::string bytes = idx_header(idx_code<T>(), dims);
  for (const T element : elements) bytes += big_endian(element);
  return bytes;
}

// One gzip member.
inline std::string gzipped(const std::string& bytes) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  AESWEEP_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  AESWEEP_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace aesweep
