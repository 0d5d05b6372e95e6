// Names: how names of parameters, metrics and tensors become names in HDF5, and how texts are cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/base/status.hpp"

namespace aesweep {

// The name with every dot and slash turned into `_`.
[[nodiscard]] std::string stored_name(std::string_view name);

// "000012" for 12.
[[nodiscard]] std::string trial_name(std::int64_t number);

// The text in at most `bytes_max` bytes; a longer one ends with " [...]" and no broken UTF-8.
[[nodiscard]] std::string cut_text(std::string_view text, std::size_t bytes_max);

// The names of one group or table. Two different names that would be stored as one are refused, and
// so is the same name twice.
class NameSet {
 public:
  // `what` says what they name: "parameter".
  explicit NameSet(std::string what) : what_(std::move(what)) {}
  // Takes a stored name out of use.
  void reserve(const std::string& stored) { names_.emplace(stored, ""); }
  [[nodiscard]] Status add(const std::string& stored, const std::string& name);

 private:
  std::string what_;
  std::map<std::string, std::string> names_;  // Stored name to name; empty for a reserved one.
};

}  // namespace aesweep
