// Table: packed rows of named columns in memory, as they lie in an HDF5 compound dataset. No HDF5
// here.
//
// A cell is little-endian, without padding; text is cut off by nothing and filled with zero bytes
// to its column's width, so the widths must be known before the first row. Reading a cell as
// another type than its column's, or a column out of range, is a bug and stops the program.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aesweep::h5 {

static_assert(std::endian::native == std::endian::little, "rows are stored as they lie in memory");

enum class CellType : std::uint8_t { kU1, kI4, kI8, kU8, kF4, kF8, kText };

struct Column {
  std::string name;
  CellType type;
  std::size_t text_bytes = 0;  // Width of a kText column, at least 1.
  bool ascii = true;           // Of a kText column: all its values are ASCII; else they are UTF-8.

  [[nodiscard]] std::size_t bytes() const;
  bool operator==(const Column&) const = default;
};

[[nodiscard]] std::size_t cell_bytes(CellType type);  // 0 for kText.

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] std::size_t offset(std::size_t column) const { return offsets_[column]; }
  [[nodiscard]] std::size_t row_bytes() const { return row_bytes_; }
  [[nodiscard]] std::size_t rows() const {
    return row_bytes_ == 0 ? 0 : bytes_.size() / row_bytes_;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }
  // Rows added are all zero.
  void resize(std::size_t rows) { bytes_.resize(rows * row_bytes_); }

  void set_integer(std::size_t row, std::size_t column, std::int64_t value);    // kU1, kI4, kI8.
  void set_unsigned(std::size_t row, std::size_t column, std::uint64_t value);  // kU8.
  void set_real(std::size_t row, std::size_t column, double value);             // kF8.
  void set_text(std::size_t row, std::size_t column, std::string_view value);   // kText.

  [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::uint64_t unsigned_integer(std::size_t row, std::size_t column) const;
  [[nodiscard]] double real(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;

 private:
  [[nodiscard]] std::size_t at(std::size_t row, std::size_t column, CellType type) const;
  template <class T>
  void put(std::size_t row, std::size_t column, CellType type, T value);
  template <class T>
  [[nodiscard]] T get(std::size_t row, std::size_t column, CellType type) const;

  std::vector<Column> columns_;
  std::vector<std::size_t> offsets_;
  std::size_t row_bytes_ = 0;
  std::vector<std::byte> bytes_;
};

[[nodiscard]] bool is_ascii(std::string_view text);

// Finds the column that a set of texts fits into.
class TextFit {
 public:
  void add(std::string_view value);
  [[nodiscard]] Column column(std::string name) const;

 private:
  std::size_t bytes_ = 1;
  bool ascii_ = true;
};

}  // namespace aesweep::h5
