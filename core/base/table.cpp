#include "core/base/table.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <system_error>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

struct Column {
  std::size_t width = 0;
  bool numbers = true;  // All cells, as far as seen.
};

// Code points: every byte but the continuation bytes 10xxxxxx starts one.
std::size_t width_of(std::string_view cell) {
  return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool is_number(std::string_view cell) {
  if (cell.empty() || cell == "-") return true;
  double value = 0.0;
  const char* const end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  return stop == end && error != std::errc::invalid_argument;
}

std::vector<Column> measure(std::span<const std::string> headers,
                            std::span<const std::vector<std::string>> rows) {
  std::vector<Column> columns(headers.size());
  for (std::size_t j = 0; j < headers.size(); ++j) columns[j].width = width_of(headers[j]);
  for (const std::vector<std::string>& row : rows) {
    AESWEEP_CHECK(row.size() <= columns.size(), "a table's row has more cells than headers");
    for (std::size_t j = 0; j < row.size(); ++j) {
      columns[j].width = std::max(columns[j].width, width_of(row[j]));
      columns[j].numbers = columns[j].numbers && is_number(row[j]);
    }
  }
  return columns;
}

void append_line(std::span<const Column> columns, std::span<const std::string> cells,
                 std::string* out) {
  std::string line;
  for (std::size_t j = 0; j < cells.size(); ++j) {
    const std::string pad(columns[j].width - width_of(cells[j]), ' ');
    if (j > 0) line += "  ";
    line += columns[j].numbers ? pad + cells[j] : cells[j] + pad;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  *out += line + '\n';
}

}  // namespace

std::string format_table(std::span<const std::string> headers,
                         std::span<const std::vector<std::string>> rows) {
  const std::vector<Column> columns = measure(headers, rows);
  std::vector<std::string> dashes;
  for (const Column& column : columns) dashes.emplace_back(column.width, '-');
  std::string out;
  append_line(columns, headers, &out);
  append_line(columns, dashes, &out);
  for (const std::vector<std::string>& row : rows) append_line(columns, row, &out);
  return out;
}

}  // namespace aesweep
