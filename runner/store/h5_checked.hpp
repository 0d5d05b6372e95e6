// Checks before reading HDF5 files that anyone may have made: nothing is allocated, followed or
// decompressed that the size of the file does not cover.
//
// h5.hpp's readers trust a file that this program wrote; call these first for any other.
// `bytes_max` is the file's size: what results.h5 holds is stored plainly, so no data set can be
// larger. Only hard links are followed, so no other file is opened. Needs an h5::Session. Failures:
// a Status that names the object; an input fault or one of the world, as the caller sees fit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/store/h5.hpp"
#include "runner/store/table.hpp"

namespace aesweep::h5 {

// h5::open_group through a hard link.
[[nodiscard]] Result<Node> open_checked_group(const Node& parent, const std::string& name);

// The names of all links of a group, ascending.
[[nodiscard]] Result<std::vector<std::string>> members(const Node& group, std::uint64_t bytes_max);

// h5::read_text, read_array and text_attribute of what was checked.
[[nodiscard]] Result<std::string> read_checked_text(const Node& parent, const std::string& name,
                                                    std::uint64_t bytes_max);
[[nodiscard]] Result<Array> read_checked_array(const Node& parent, const std::string& name,
                                               std::uint64_t bytes_max);
[[nodiscard]] Result<std::string> checked_attribute(const Node& parent, const std::string& name,
                                                    std::uint64_t bytes_max);

// A table with whichever columns it has.
[[nodiscard]] Result<Table> read_checked_table(const Node& parent, const std::string& name,
                                               std::uint64_t bytes_max);

}  // namespace aesweep::h5
