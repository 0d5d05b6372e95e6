#include "runner/store/parameter_column.hpp"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <type_traits>
#include <utility>

namespace aesweep {
namespace {

using h5::CellType;

template <class T>
std::string number_text(T number) {
  char buffer[64];  // The shortest text of a double has at most 24 characters.
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  return {buffer, error == std::errc() ? end : buffer};
}

std::string value_text(const ParameterValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return number_text(*integer);
  if (const auto* real = std::get_if<double>(&value)) return number_text(*real);
  return std::get<std::string>(value);
}

// A number that a double holds exactly.
bool fits_double(const ParameterValue& value) {
  if (std::holds_alternative<double>(value)) return true;
  constexpr std::int64_t kExactMax = std::int64_t{1} << 53;
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer != nullptr && *integer >= -kExactMax && *integer <= kExactMax;
}

double as_double(const ParameterValue& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
}

}  // namespace

void ParameterColumn::add(std::size_t row, ParameterValue value) {
  entries_.push_back({row, std::move(value)});
}

h5::Column ParameterColumn::column(std::string stored, std::size_t rows) const {
  std::size_t booleans = 0, integers = 0, doubles = 0;
  h5::TextFit texts;
  for (const Entry& entry : entries_) {
    booleans += std::holds_alternative<bool>(entry.value) ? 1 : 0;
    integers += std::holds_alternative<std::int64_t>(entry.value) ? 1 : 0;
    doubles += fits_double(entry.value) ? 1 : 0;
    texts.add(value_text(entry.value));
  }
  if (booleans == rows) return {std::move(stored), CellType::kU1};
  if (integers == rows) return {std::move(stored), CellType::kI8};
  if (doubles == entries_.size()) return {std::move(stored), CellType::kF8};
  return texts.column(std::move(stored));
}

void ParameterColumn::fill(h5::Table& table, std::size_t column) const {
  const CellType type = table.columns()[column].type;
  for (std::size_t row = 0; type == CellType::kF8 && row < table.rows(); ++row) {
    table.set_real(row, column, std::numeric_limits<double>::quiet_NaN());
  }
  for (const Entry& entry : entries_) {
    switch (type) {
      case CellType::kU1:
        table.set_integer(entry.row, column, std::get<bool>(entry.value) ? 1 : 0);
        break;
      case CellType::kI8:
        table.set_integer(entry.row, column, std::get<std::int64_t>(entry.value));
        break;
      case CellType::kF8:
        table.set_real(entry.row, column, as_double(entry.value));
        break;
      default:
        table.set_text(entry.row, column, value_text(entry.value));
    }
  }
}

}  // namespace aesweep
