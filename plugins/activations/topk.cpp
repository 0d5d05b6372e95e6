// topk: y keeps the k largest values of each row of x and is 0 elsewhere; exactly k, be they positive
// or not. Among equal values the lowest columns win; NaN counts as largest, so that it stays visible.
// dx is dy at the kept positions and 0 elsewhere, and dy is read there only. Makhzani & Frey 2013.
#include <algorithm>
#include <limits>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
struct Candidate {
  Real value;
  std::int32_t column;
};

// Whether a comes before b: by value, NaN first, then by column. A strict total order.
template <class Real>
bool before(const Candidate<Real>& a, const Candidate<Real>& b) {
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
  if (a_nan || b_nan) return a_nan != b_nan ? a_nan : a.column < b.column;
  return a.value != b.value ? a.value > b.value : a.column < b.column;
}

// Moves the first k of candidates[0, count) to the front, in any order, and returns the k-th's value.
template <class Real>
Real keep_first(Candidate<Real>* candidates, std::int64_t count, std::int64_t k) {
  std::nth_element(candidates, candidates + (k - 1), candidates + count, before<Real>);
  return candidates[k - 1].value;
}

// Puts the k largest of x[0, cols) into candidates[0, k), columns rising. candidates holds
// 2 k + kChunk. Most elements only meet one comparison, with a bound that k elements already reach:
// a later element equal to the bound has a higher column and loses.
template <class Real>
void select_largest(const Real* x, std::int64_t cols, std::int64_t k, Candidate<Real>* candidates) {
  std::int64_t count = 0;
  std::int64_t i = 0;
  for (; i < k; ++i) candidates[count++] = {x[i], static_cast<std::int32_t>(i)};
  Real bound = keep_first(candidates, count, k);
  while (i < cols) {
    const std::int64_t end = std::min(i + sdk::kChunk<Real>, cols);
    int above = 0;  // NaN is not at most the bound, so it counts.
    for (std::int64_t j = i; j < end; ++j) above |= static_cast<int>(!(x[j] <= bound));
    if (above != 0) {
      for (std::int64_t j = i; j < end; ++j) {
        if (!(x[j] <= bound)) candidates[count++] = {x[j], static_cast<std::int32_t>(j)};
      }
      if (count >= 2 * k) {
        bound = keep_first(candidates, count, k);
        count = k;
      }
    }
    i = end;
  }
  keep_first(candidates, count, k);
  std::sort(candidates, candidates + k,
            [](const Candidate<Real>& a, const Candidate<Real>& b) { return a.column < b.column; });
}

template <class Real>
class TopK {
 public:
  static constexpr sdk::Info kInfo = {.name = "topk",
                                      .summary = "y = x at the k largest of each row, else 0",
                                      .flags = AESWEEP_GRADIENT_AT_ACTIVE};
  static constexpr aesweep_parameter_info kParameters[] = {sdk::required(
      sdk::integer("k", "Values kept per row", 0,
                   sdk::between(1, std::numeric_limits<std::int32_t>::max())))};

  explicit TopK(const sdk::Parameters& p) : k_(p.integer("k")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    sdk::require(k_ <= request.input_cols, AESWEEP_INVALID_SHAPE, "k: ", k_,
                 " is more than the width of the layer, ", request.input_cols);
    plan.active_per_row = k_;
    plan.workspace_bytes = static_cast<std::uint64_t>(2 * k_ + sdk::kChunk<Real>) *
                           sizeof(Candidate<Real>);
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    sdk::require(y.active != nullptr && y.active->capacity >= y.rows * k_, AESWEEP_INVALID_SHAPE,
                 "topk needs an active set of ", y.rows * k_, " entries");
    auto* candidates = static_cast<Candidate<Real>*>(memory.workspace);
    std::int64_t entry = 0;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      select_largest(sdk::row(x, i), x.cols, k_, candidates);
      std::fill_n(sdk::row(y, i), y.cols, Real(0));
      y.active->row_offsets[i] = entry;
      for (std::int64_t n = 0; n < k_; ++n, ++entry) {
        const auto [value, column] = candidates[n];
        sdk::row(y, i)[column] = value;
        y.active->columns[entry] = column;
        y.active->values[entry] = value;
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
