#include "runner/store/table.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.hpp"

namespace aesweep::h5 {

std::size_t cell_bytes(CellType type) {
  constexpr std::size_t kBytes[] = {1, 4, 8, 8, 4, 8, 0};  // In the order of CellType.
  return kBytes[static_cast<std::size_t>(type)];
}

std::size_t Column::bytes() const {
  return type == CellType::kText ? text_bytes : cell_bytes(type);
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (const Column& column : columns_) {
    AESWEEP_CHECK(column.bytes() > 0, "column " + column.name + " has no width");
    offsets_.push_back(row_bytes_);
    row_bytes_ += column.bytes();
  }
}

std::size_t Table::at(std::size_t row, std::size_t column, CellType type) const {
  AESWEEP_CHECK(column < columns_.size() && row < rows(), "a table has no such cell");
  AESWEEP_CHECK(columns_[column].type == type,
                "column " + columns_[column].name + " has another type");
  return row * row_bytes_ + offsets_[column];
}

template <class T>
void Table::put(std::size_t row, std::size_t column, CellType type, T value) {
  std::memcpy(bytes_.data() + at(row, column, type), &value, sizeof(T));
}

template <class T>
T Table::get(std::size_t row, std::size_t column, CellType type) const {
  T value;
  std::memcpy(&value, bytes_.data() + at(row, column, type), sizeof(T));
  return value;
}

void Table::set_integer(std::size_t row, std::size_t column, std::int64_t value) {
  const CellType type = columns_.at(column).type;
  if (type == CellType::kU1) return put(row, column, type, static_cast<std::uint8_t>(value));
  if (type == CellType::kI4) return put(row, column, type, static_cast<std::int32_t>(value));
  put(row, column, CellType::kI8, value);
}

void Table::set_unsigned(std::size_t row, std::size_t column, std::uint64_t value) {
  put(row, column, CellType::kU8, value);
}

void Table::set_real(std::size_t row, std::size_t column, double value) {
  put(row, column, CellType::kF8, value);
}

void Table::set_text(std::size_t row, std::size_t column, std::string_view value) {
  std::byte* cell = bytes_.data() + at(row, column, CellType::kText);
  const std::size_t width = columns_[column].text_bytes;
  AESWEEP_CHECK(value.size() <= width, "text is wider than column " + columns_[column].name);
  std::memset(cell, 0, width);
  std::memcpy(cell, value.data(), value.size());
}

std::int64_t Table::integer(std::size_t row, std::size_t column) const {
  const CellType type = columns_.at(column).type;
  if (type == CellType::kU1) return get<std::uint8_t>(row, column, type);
  if (type == CellType::kI4) return get<std::int32_t>(row, column, type);
  return get<std::int64_t>(row, column, CellType::kI8);
}

std::uint64_t Table::unsigned_integer(std::size_t row, std::size_t column) const {
  return get<std::uint64_t>(row, column, CellType::kU8);
}

double Table::real(std::size_t row, std::size_t column) const {
  return get<double>(row, column, CellType::kF8);
}

std::string_view Table::text(std::size_t row, std::size_t column) const {
  const std::size_t start = at(row, column, CellType::kText);
  const char* cell = reinterpret_cast<const char*>(bytes_.data() + start);
  return {cell, ::strnlen(cell, columns_[column].text_bytes)};
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

void TextFit::add(std::string_view value) {
  bytes_ = std::max(bytes_, value.size());
  ascii_ = ascii_ && is_ascii(value);
}

Column TextFit::column(std::string name) const {
  return {std::move(name), CellType::kText, bytes_, ascii_};
}

}  // namespace aesweep::h5
