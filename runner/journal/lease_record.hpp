// The bytes of a lease file: always kLeaseBytes, so that a renewal rewrites them in place.
//
// "aesweep-lease 1 CRC\n", one line "name value\n" per field, line breaks up to the end; the
// CRC-32C is that of all after the first line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "runner/journal/lease.hpp"

namespace aesweep {

inline constexpr std::size_t kLeaseBytes = 512;

// Texts are cut, and what could not stand in a line is replaced by '_'.
[[nodiscard]] std::string encode_lease(const LeaseHolder& holder);
// Nothing where these are not the bytes of an intact lease.
[[nodiscard]] std::optional<LeaseHolder> decode_lease(std::string_view bytes);

// Whether the holder is of the same boot and pid namespace: one whose process can be looked for.
[[nodiscard]] bool same_host(const LeaseHolder& holder, const LeaseHolder& self);

// The bytes of the file, kLeaseBytes + 1 at most; nothing if it is not there. A symbolic link, or
// what is no regular file, is a fault.
[[nodiscard]] Result<std::optional<std::string>> read_lease_bytes(const std::string& path);

}  // namespace aesweep
