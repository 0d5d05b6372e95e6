// topk: y keeps the k largest values of each row of x and is 0 elsewhere; exactly k, be they
// positive or not. Among equal values the lowest columns win; NaN counts as largest, so that it
// stays visible. dx is dy at the kept positions and 0 elsewhere, and dy is read there only.
// Makhzani & Frey 2013.
#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <type_traits>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
using Key = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;

// An integer that orders as the value does: both zeros are 0, every NaN is above infinity.
template <class Real>
Key<Real> key_of(Real value) {
  constexpr Key<Real> kMost = std::numeric_limits<Key<Real>>::max();
  const auto bits = std::bit_cast<Key<Real>>(value + Real(0));  // -0 + 0 is +0.
  const Key<Real> key = bits < 0 ? bits ^ kMost : bits;         // Sign and magnitude to integer.
  return value != value ? kMost : key;
}

// Scratch of one row's selection, in the call's workspace.
template <class Real>
struct Scratch {
  static constexpr std::int64_t kArrays = 4;
  Scratch(void* workspace, std::int64_t cols)
      : keys(static_cast<Key<Real>*>(workspace)),
        ranked(keys + cols),
        candidates(ranked + cols),
        columns(candidates + cols) {}
  Key<Real>* keys;        // Of every element.
  Key<Real>* ranked;      // For nth_element.
  Key<Real>* candidates;  // Keys of the elements that may stay, columns rising.
  Key<Real>* columns;     // Their columns.
};

// The k-th largest of keys[0, count); reorders them.
template <class Integer>
Integer kth_largest(Integer* keys, std::int64_t count, std::int64_t k) {
  std::nth_element(keys, keys + (k - 1), keys + count, std::greater<>());
  return keys[k - 1];
}

// A number that at least k keys reach, and not many more: the k-th largest of the maxima of
// `groups` groups of columns (equal modulo groups).
template <class Real>
Key<Real> lower_bound(const Scratch<Real>& s, std::int64_t cols, std::int64_t k) {
  constexpr std::int64_t kGroupsPerKept = 4;  // About 1.15 k keys then reach the bound.
  const std::int64_t groups = kGroupsPerKept * k;
  if (2 * groups > cols) return std::numeric_limits<Key<Real>>::min();
  std::copy_n(s.keys, groups, s.ranked);
  for (std::int64_t first = groups; first < cols; first += groups) {
    const std::int64_t count = std::min(groups, cols - first);
    for (std::int64_t g = 0; g < count; ++g) s.ranked[g] = std::max(s.ranked[g], s.keys[first + g]);
  }
  return kth_largest(s.ranked, groups, k);
}

// Whether any of keys[0, kStride) reaches `bound`; the fixed count makes it a few instructions.
constexpr std::int64_t kStride = 32;
template <class Integer>
bool any_reaches(const Integer* keys, Integer bound) {
  Integer any = 0;
  for (std::int64_t j = 0; j < kStride; ++j) any |= static_cast<Integer>(keys[j] >= bound);
  return any != 0;
}

// Collects the keys that reach `bound` with their columns; returns how many there are.
template <class Real>
std::int64_t collect(const Scratch<Real>& s, std::int64_t cols, Key<Real> bound) {
  std::int64_t count = 0;
  for (std::int64_t first = 0; first < cols; first += kStride) {
    const std::int64_t end = std::min(first + kStride, cols);
    if (end == first + kStride && !any_reaches(s.keys + first, bound)) continue;
    for (std::int64_t j = first; j < end; ++j) {  // Without a branch: count moves on a hit only.
      s.candidates[count] = s.keys[j];
      s.columns[count] = static_cast<Key<Real>>(j);
      count += static_cast<std::int64_t>(s.keys[j] >= bound);
    }
  }
  return count;
}

// Writes the columns of the k largest of x[0, cols), rising, to columns[k].
template <class Real>
void select_largest(const Real* x, std::int64_t cols, std::int64_t k, const Scratch<Real>& s,
                    std::int32_t* columns) {
  for (std::int64_t j = 0; j < cols; ++j) s.keys[j] = key_of(x[j]);
  const std::int64_t count = collect(s, cols, lower_bound(s, cols, k));
  std::copy_n(s.candidates, count, s.ranked);
  const Key<Real> kth = kth_largest(s.ranked, count, k);
  // Of those equal to the k-th, as many as the larger ones leave room for, lowest columns first.
  std::int64_t equals =
      k - std::count_if(s.ranked, s.ranked + k, [kth](Key<Real> key) { return key > kth; });
  std::int64_t kept = 0;
  for (std::int64_t c = 0; c < count; ++c) {
    if (s.candidates[c] < kth || (s.candidates[c] == kth && equals-- <= 0)) continue;
    columns[kept++] = static_cast<std::int32_t>(s.columns[c]);
  }
}

template <class Real>
class TopK {
 public:
  static constexpr sdk::Info kInfo = {.name = "topk",
                                      .summary = "y = x at the k largest of each row, else 0",
                                      .flags = AESWEEP_GRADIENT_AT_ACTIVE};
  static constexpr aesweep_parameter_info kParameters[] = {sdk::required(sdk::integer(
      "k", "Values kept per row", 1, sdk::between(1, std::numeric_limits<std::int32_t>::max())))};

  explicit TopK(const sdk::Parameters& p) : k_(p.integer("k")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    sdk::require(k_ <= request.input_cols, AESWEEP_INVALID_SHAPE, "k: ", k_,
                 " is more than the width of the layer, ", request.input_cols);
    plan.active_per_row = k_;
    plan.workspace_bytes =
        static_cast<std::uint64_t>(Scratch<Real>::kArrays * request.input_cols) * sizeof(Key<Real>);
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    sdk::require(y.active != nullptr && y.active->capacity >= y.rows * k_, AESWEEP_INVALID_SHAPE,
                 "topk needs an active set of ", y.rows * k_, " entries");
    const Scratch<Real> scratch(memory.workspace, x.cols);
    std::int64_t entry = 0;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      select_largest(sdk::row(x, i), x.cols, k_, scratch, y.active->columns + entry);
      std::fill_n(sdk::row(y, i), y.cols, Real(0));
      y.active->row_offsets[i] = entry;
      for (const std::int64_t end = entry + k_; entry < end; ++entry) {
        const std::int32_t column = y.active->columns[entry];
        y.active->values[entry] = sdk::row(y, i)[column] = sdk::row(x, i)[column];
      }
    }
    y.active->row_offsets[x.rows] = entry;
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& y, const sdk::ConstMatrix<Real>& dy,
                const sdk::Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    sdk::require(y.active != nullptr, AESWEEP_INVALID_SHAPE, "topk needs the active set of y");
    for (std::int64_t i = 0; i < dx->rows; ++i) {
      std::fill_n(sdk::row(*dx, i), dx->cols, Real(0));
      const std::int64_t end = y.active->row_offsets[i + 1];
      for (std::int64_t e = y.active->row_offsets[i]; e < end; ++e) {
        const std::int32_t column = y.active->columns[e];
        sdk::row(*dx, i)[column] = sdk::row(dy, i)[column];
      }
    }
  }

 private:
  std::int64_t k_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("topk", "0.1.0", sdk::activation<TopK>());
