// Table: rows of texts as aligned columns for a terminal.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace aesweep {

// A line per row under a line of headers and a line of dashes; two spaces between columns; each
// line ends with a newline and has no spaces before it. A column whose cells are all numbers (or
// empty, "-", "nan", "inf") is aligned to the right, header included. A row may have fewer cells
// than there are headers, never more. Width is counted in code points of UTF-8. No cell holds a
// newline.
[[nodiscard]] std::string format_table(std::span<const std::string> headers,
                                       std::span<const std::vector<std::string>> rows);

}  // namespace aesweep
