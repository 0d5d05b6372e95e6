#include "runner/plugin_host/probe_message.hpp"

#include <algorithm>

namespace aesweep {

std::string join_words(const std::vector<std::string>& words) {
  const std::size_t share = kProbeBytesMax / (words.size() + 1) - 1;
  std::string bytes;
  for (const std::string& word : words) {
    bytes.append(word, 0, share);
    bytes += kProbeSeparator;
  }
  return bytes;
}

std::vector<std::string> split_words(std::string_view bytes) {
  std::vector<std::string> words;
  for (std::size_t end; (end = bytes.find(kProbeSeparator)) != std::string_view::npos;) {
    words.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  return words;
}

}  // namespace aesweep
