// What must hold of any array that a reader lets through, and of any message with which it refuses:
// shared by the targets. A property that does not hold stops the program (AESWEEP_CHECK).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/array.hpp"

namespace aesweep {

// What a target reads of an array, so that an input is done in little time.
inline constexpr std::uint64_t kFuzzReadBytesMax = std::uint64_t{4} << 20;

// An input fault, or one that says that memory or descriptors are out, is no answer to bytes: only
// kInput is accepted. One line, beginning with the path, of bounded length.
void check_refusal(const Status& status, const std::string& path);

// Limits of the shape; the bytes fit in a file of stored_bytes that expands at most expansion-fold;
// elements read whole and in pieces are the same, and are those that raw() points at. Gives the
// elements, or nothing if there are more than kFuzzReadBytesMax or the file refuses them.
[[nodiscard]] std::optional<std::vector<std::byte>> check_array(const ArrayFile& array,
                                                                const std::string& path,
                                                                std::uint64_t stored_bytes,
                                                                std::uint64_t expansion);

// open_array gives the same shape for a file that the format's own reader lets through, and refuses
// one that it refuses.
void check_recognised(const std::string& path, const std::string& dataset,
                      const Result<std::unique_ptr<ArrayFile>>& own);

}  // namespace aesweep
