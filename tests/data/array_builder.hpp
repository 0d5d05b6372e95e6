// Builders of .npy and safetensors bytes for tests: written from the formats' descriptions, not
// from the readers and writers.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace aesweep {

// The little-endian bytes of numbers.
template <class T>
std::string stored(const std::vector<T>& numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

// \x93NUMPY, version, the header's length, the header; the elements are for the caller to append.
inline std::string npy_start(const std::string& header, int major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {static_cast<char>(major), '\0'};
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) {
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  }
  return bytes + header;
}

inline std::string npy_literal(const std::string& descr, const std::string& order,
                               const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

inline std::string npy_file(const std::string& descr, const std::string& shape,
                            const std::string& elements) {
  return npy_start(npy_literal(descr, "False", shape)) + elements;
}

// Eight bytes of length (or of a lie), the header, the data.
inline std::string safetensors_file(const std::string& header, const std::string& data) {
  return stored(std::vector<std::uint64_t>{header.size()}) + header + data;
}

inline std::string tensor_json(const std::string& name, const std::string& dtype,
                               const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + offsets + "]}";
}

}  // namespace aesweep
