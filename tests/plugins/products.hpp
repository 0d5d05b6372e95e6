// What tests of dense layers share: a host that counts matrix products, and active sets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/plugins/harness.hpp"

namespace aesweep::test {

// Gives the built-in library `name` a host whose matrix product is three plain loops and counts its
// calls, from then on and for the rest of the program. Sets the count to 0.
void count_products_of(const std::string& name);

// Products since it was set to 0.
[[nodiscard]] int& product_count();

// The active set of a grid's non-zeros.
template <class Real>
class NonZeros {
 public:
  explicit NonZeros(const Grid<Real>& m) {
    offsets_.push_back(0);
    for (std::int64_t i = 0; i < m.rows(); ++i) {
      for (std::int64_t j = 0; j < m.cols(); ++j) {
        if (m.at(i, j) == Real(0)) continue;
        columns_.push_back(static_cast<std::int32_t>(j));
        values_.push_back(m.at(i, j));
      }
      offsets_.push_back(static_cast<std::int64_t>(columns_.size()));
    }
    active_.struct_size = sizeof active_;
    active_.capacity = static_cast<std::int64_t>(columns_.size());
    active_.row_offsets = offsets_.data();
    active_.columns = columns_.data();
    active_.values = values_.data();
  }
  [[nodiscard]] const sdk::Active<Real>* get() const { return &active_; }
  [[nodiscard]] sdk::Active<Real>* get() { return &active_; }

 private:
  std::vector<std::int64_t> offsets_;
  std::vector<std::int32_t> columns_;
  std::vector<Real> values_;
  sdk::Active<Real> active_{};
};

}  // namespace aesweep::test
