// Names: how far apart two names are, and which known name somebody may have meant.
// For every "did you mean" of the program: configuration keys, components, commands.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace aesweep {

// The least number of insertions, deletions, replacements and swaps of neighbours that turn a into
// b, no part being edited twice (optimal string alignment distance). Counts bytes.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `name`, ignoring the case of ASCII letters; the first of several. Empty
// if none is near: more than one edit, and more than a third of the longer name.
[[nodiscard]] std::string closest(std::string_view name, std::span<const std::string> candidates);

// " (did you mean X?)" to append to a message, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       std::span<const std::string> candidates);

}  // namespace aesweep
