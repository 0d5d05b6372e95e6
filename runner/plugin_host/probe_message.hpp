// What a PluginProbe, its helper and the helper's children say to each other: words between
// separators, in one datagram or pipe. Internal to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aesweep {

// More than any path or message; longer texts are cut.
inline constexpr std::size_t kProbeBytesMax = std::size_t{64} << 10;

// Neither paths nor messages hold a zero byte.
inline constexpr char kProbeSeparator = '\0';

// "a\0b\0" of {"a", "b"}, and back. A last word without its separator was not sent whole and is
// left out.
[[nodiscard]] std::string join_words(const std::vector<std::string>& words);
[[nodiscard]] std::vector<std::string> split_words(std::string_view bytes);

// The first words of a line that a child writes, and what follows.
inline constexpr std::string_view kProbeStage = "stage";      // What it is about to run.
inline constexpr std::string_view kProbePassed = "passed";    // SHA-256, impure text.
inline constexpr std::string_view kProbeRefused = "refused";  // Fault as a number, message.

}  // namespace aesweep
