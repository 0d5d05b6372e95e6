// ParameterColumn: one swept parameter over all trials, and the single type that its values get.
//
//   values over the trials                              column
//   all booleans                                        unsigned byte, 0 or 1
//   all integers                                        64-bit integer
//   reals, or numbers with some missing or both kinds   double; missing is NaN
//   anything else                                       text; missing is ""
// Integers beside reals become text where a double cannot hold one exactly. A real as text is the
// shortest one that reads back as the same number.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/model/spec.hpp"
#include "runner/store/table.hpp"

namespace aesweep {

class ParameterColumn {
 public:
  explicit ParameterColumn(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  // The value in trial `row`; rows ascend, those skipped have none. The value is copied.
  void add(std::size_t row, ParameterValue value);
  // The type for a table of `rows` trials, under the name given.
  [[nodiscard]] h5::Column column(std::string stored, std::size_t rows) const;
  // Fills a column that column() described.
  void fill(h5::Table& table, std::size_t column) const;

 private:
  struct Entry {
    std::size_t row;
    ParameterValue value;
  };
  std::string name_;
  std::vector<Entry> entries_;
};

}  // namespace aesweep
