// The section data: where samples come from, how they are cut into splits, scaled and stored.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/status.hpp"
#include "core/data/source.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

[[nodiscard]] std::string_view data_source_name(DataSpec::Source source);  // "idx", ...
[[nodiscard]] std::string_view scaling_name(Scaling scaling);              // "auto", ...

// A data section, with paths as written.
struct DataSettings {
  DataSpec spec;
  std::map<std::string, Mark> paths;  // By key ("path", "test_labels"): where those given stand.
};

// A key that the source does not have is a fault, as is what contradicts itself.
[[nodiscard]] Result<DataSettings> read_data_section(const std::string& file, const Node& document);

}  // namespace aesweep
