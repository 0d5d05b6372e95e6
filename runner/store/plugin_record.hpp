// PluginRecord: what the journal and results.h5 keep of a component that an experiment uses.
#pragma once

#include <string>

namespace aesweep {

struct PluginRecord {
  std::string kind;
  std::string name;
  std::string library;  // The library's id, not its path.
  std::string version;
  std::string sha256;
  std::string abi;  // "0.2"
  bool operator==(const PluginRecord&) const = default;
};

}  // namespace aesweep
