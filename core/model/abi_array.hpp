// Arrays of ABI structs, which lie struct_size bytes apart: another version's may be longer or
// shorter than ours.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace aesweep {

// The host's copy of a struct that starts with its struct_size: members beyond it are zero.
template <class Struct>
[[nodiscard]] Struct host_copy(const void* theirs) {
  std::uint32_t size = 0;
  std::memcpy(&size, theirs, sizeof size);
  Struct ours{};
  std::memcpy(&ours, theirs, std::min<std::size_t>(size, sizeof ours));
  return ours;
}

// Copies of `count` of them; null with a count of 0 is an empty array.
template <class Struct>
[[nodiscard]] std::vector<Struct> host_copies(const Struct* first, std::uint32_t count) {
  std::vector<Struct> copies;
  const auto* at = reinterpret_cast<const std::byte*>(first);
  for (std::uint32_t i = 0; i < count; ++i) {
    copies.push_back(host_copy<Struct>(at));
    std::uint32_t size = 0;
    std::memcpy(&size, at, sizeof size);
    at += size;
  }
  return copies;
}

}  // namespace aesweep
