// What the plugin tests share: one live component through the raw ABI, and matrices with traps.
//
// Nothing here goes through the host's own wrappers, so a fault there cannot hide one in a plugin.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/abi/plugin.h"
#include "core/sdk/types.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep::test {

using Value = std::variant<std::int64_t, double, std::string>;
using Values = std::vector<std::pair<std::string, Value>>;

template <class Real>
inline constexpr int kScalarIndex = std::is_same_v<Real, float> ? AESWEEP_F32 : AESWEEP_F64;

template <class Real>
inline constexpr double kEpsilon = std::numeric_limits<Real>::epsilon();

// The host's error buffer.
struct ErrorText {
  std::array<char, 256> text{};
  aesweep_error error = {sizeof(aesweep_error), 256, text.data()};
  [[nodiscard]] std::string str() const { return text.data(); }
};

// The context of a shard: rows [first_row, first_row + shard_rows) of batch_rows.
[[nodiscard]] inline aesweep_context make_context(std::uint64_t batch_rows,
                                                  std::uint64_t first_row = 0,
                                                  std::uint64_t step = 0) {
  aesweep_context context{};
  context.struct_size = sizeof context;
  context.step = step;
  context.batch_rows = batch_rows;
  context.first_row = first_row;
  context.rate_factor = 1.0;
  return context;
}

[[nodiscard]] inline aesweep_block make_block(std::uint64_t count) {
  aesweep_block block{};
  block.struct_size = sizeof block;
  block.count = count;
  block.rows = 1;
  block.cols = static_cast<std::int64_t>(count);
  return block;
}

// A matrix in memory that is as awkward as the ABI allows: `offset` elements off alignment, rows
// `padding` elements apart, and everything outside the rows filled with a NaN that must survive.
template <class Real>
class Grid {
 public:
  Grid(std::int64_t rows, std::int64_t cols, std::int64_t padding = 0, std::int64_t offset = 0)
      : rows_(rows),
        cols_(cols),
        stride_(cols + padding),
        offset_(offset + 3),
        memory_(static_cast<std::size_t>(rows * stride_ + offset_ + 3), canary()) {}

  // Element (i, j) = f(i, j).
  template <class F>
  Grid& fill(const F& f) {
    for (std::int64_t i = 0; i < rows_; ++i) {
      for (std::int64_t j = 0; j < cols_; ++j) at(i, j) = static_cast<Real>(f(i, j));
    }
    return *this;
  }

  Real& at(std::int64_t i, std::int64_t j) {
    return memory_[static_cast<std::size_t>(offset_ + i * stride_ + j)];
  }
  const Real& at(std::int64_t i, std::int64_t j) const { return const_cast<Grid*>(this)->at(i, j); }

  [[nodiscard]] sdk::Matrix<Real> out() {
    return {memory_.data() + offset_, nullptr, rows_, cols_, stride_};
  }
  [[nodiscard]] sdk::ConstMatrix<Real> in() const {
    return {memory_.data() + offset_, nullptr, rows_, cols_, stride_};
  }
  // Rows [first, first + count) as matrices of their own.
  [[nodiscard]] sdk::Matrix<Real> out(std::int64_t first, std::int64_t count) {
    return {memory_.data() + offset_ + first * stride_, nullptr, count, cols_, stride_};
  }
  [[nodiscard]] sdk::ConstMatrix<Real> in(std::int64_t first, std::int64_t count) const {
    return {memory_.data() + offset_ + first * stride_, nullptr, count, cols_, stride_};
  }

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t cols() const { return cols_; }

  [[nodiscard]] std::vector<Real> values() const {
    std::vector<Real> all;
    for (std::int64_t i = 0; i < rows_; ++i) {
      for (std::int64_t j = 0; j < cols_; ++j) all.push_back(at(i, j));
    }
    return all;
  }

  // Whether every element outside the rows still has its bits.
  [[nodiscard]] bool canaries_intact() const {
    const Real expected = canary();
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(memory_.size()); ++k) {
      const std::int64_t inside = k - offset_;
      if (inside >= 0 && inside < rows_ * stride_ && inside % stride_ < cols_) continue;
      if (std::memcmp(&memory_[static_cast<std::size_t>(k)], &expected, sizeof expected) != 0) {
        return false;
      }
    }
    return true;
  }

 private:
  static Real canary() { return static_cast<Real>(std::nan("0x5a5")); }

  std::int64_t rows_;
  std::int64_t cols_;
  std::int64_t stride_;
  std::int64_t offset_;
  std::vector<Real> memory_;
};

template <class Real>
[[nodiscard]] bool same_bits(const std::vector<Real>& a, const std::vector<Real>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0);
}

// What create made of a component's declared parameters, `given` replacing defaults.
struct Created {
  std::int32_t status = AESWEEP_OK;
  std::string text;
  void* instance = nullptr;
};

[[nodiscard]] const aesweep_component& find_component(aesweep_kind kind, const std::string& name);
[[nodiscard]] Created create(const aesweep_component& component, int scalar, const Values& given);

// One planned instance with its memory. Failures to create or plan are test failures.
template <class Real>
class Live {
 public:
  Live(aesweep_kind kind, const std::string& name, const Values& given = {})
      : Live(find_component(kind, name), given) {}
  // `component` outlives this.
  explicit Live(const aesweep_component& component, const Values& given = {})
      : component_(component) {
    const Created created = create(component_, kScalarIndex<Real>, given);
    EXPECT_EQ(created.status, AESWEEP_OK) << created.text;
    instance_ = created.instance;
  }
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;
  ~Live() { lifecycle().destroy(instance_); }

  // A learned tensor that the following plans get to know: of an earlier layer, or, for a
  // regularizer, of its own, which is then in parameters(). `name` outlives this.
  Live& know(const char* name, std::int64_t rows, std::int64_t cols) {
    aesweep_known_tensor tensor{};
    tensor.struct_size = sizeof tensor;
    tensor.name = name;
    tensor.rows = rows;
    tensor.cols = cols;
    known_.push_back(tensor);
    return *this;
  }

  [[nodiscard]] std::int32_t try_plan(std::int64_t rows_max, std::int64_t input_cols,
                                      std::int64_t target_cols, ErrorText& error) {
    aesweep_plan_request request{};
    request.struct_size = sizeof request;
    request.scalar = kScalarIndex<Real>;
    request.shard_rows_max = rows_max;
    request.input_cols = input_cols;
    request.target_cols = target_cols;
    request.tensors = known_.data();
    request.tensor_count = static_cast<std::uint32_t>(known_.size());
    plan_ = {};
    plan_.struct_size = sizeof plan_;
    const std::int32_t status = lifecycle().plan(instance_, &request, &plan_, &error.error);
    allocate();
    return status;
  }

  Live& plan(std::int64_t rows_max, std::int64_t input_cols, std::int64_t target_cols = 0) {
    ErrorText error;
    EXPECT_EQ(try_plan(rows_max, input_cols, target_cols, error), AESWEEP_OK) << error.str();
    return *this;
  }

  template <class Table>
  [[nodiscard]] const Table& table() const {
    return *static_cast<const Table*>(component_.table[kScalarIndex<Real>]);
  }
  [[nodiscard]] const auto& transform() const {
    return table<typename sdk::Abi<Real>::TransformTable>();
  }
  [[nodiscard]] const aesweep_component& component() const { return component_; }
  [[nodiscard]] const aesweep_plan& planned() const { return plan_; }
  [[nodiscard]] void* instance() const { return instance_; }
  [[nodiscard]] sdk::Memory<Real>& memory() { return memory_; }
  [[nodiscard]] std::vector<std::vector<Real>>& parameters() { return parameters_; }
  [[nodiscard]] std::vector<std::vector<Real>>& gradients() { return gradients_; }
  [[nodiscard]] std::vector<std::vector<Real>>& buffers() { return buffers_; }
  [[nodiscard]] std::vector<std::vector<Real>>& viewed() { return viewed_; }
  [[nodiscard]] std::vector<std::vector<Real>>& viewed_gradients() { return viewed_gradients_; }
  [[nodiscard]] std::vector<double>& statistics(std::size_t round = 0) {
    return statistics_[round];
  }

  // Calls function(instance, arguments..., error); a failure of the call is a test failure.
  template <class Function, class... Arguments>
  void call(Function function, Arguments... arguments) const {
    ErrorText error;
    EXPECT_EQ(function(instance_, arguments..., &error.error), AESWEEP_OK) << error.str();
  }

  void forward(const aesweep_context& context, const sdk::ConstMatrix<Real>& x,
               const sdk::Matrix<Real>& y) {
    call(transform().forward, &context, &memory_, &x, &y);
  }
  void backward(const aesweep_context& context, const sdk::ConstMatrix<Real>& x,
                const sdk::ConstMatrix<Real>& y, const sdk::ConstMatrix<Real>& dy,
                const sdk::Matrix<Real>* dx) {
    call(transform().backward, &context, &memory_, &x, &y, &dy, dx);
  }

 private:
  [[nodiscard]] const aesweep_lifecycle& lifecycle() const {
    return *component_.lifecycle[kScalarIndex<Real>];
  }

  using Tensors = std::vector<std::vector<Real>>;
  // What memory of undefined contents holds: the bytes of a NaN in either precision.
  static constexpr std::byte kUndefined{0xFF};

  static void add_tensor(std::int64_t rows, std::int64_t cols, double value, Tensors& to) {
    to.emplace_back(static_cast<std::size_t>(rows * cols), static_cast<Real>(value));
  }

  template <class Pointer>
  static void point_at(Tensors& tensors, std::vector<Pointer>& pointers) {
    pointers.clear();
    for (auto& tensor : tensors) pointers.push_back(tensor.data());
  }

  void allocate() {
    parameters_.clear();
    buffers_.clear();
    viewed_.clear();
    if (component_.kind == AESWEEP_REGULARIZER) {
      for (const auto& tensor : known_) add_tensor(tensor.rows, tensor.cols, 0.0, parameters_);
    }
    for (std::uint32_t i = 0; i < plan_.tensor_count; ++i) {
      const aesweep_tensor& tensor = plan_.tensors[i];
      if (tensor.role == AESWEEP_STATE) continue;
      Tensors& to = tensor.role == AESWEEP_LEARNED  ? parameters_
                    : tensor.role == AESWEEP_BUFFER ? buffers_
                                                    : viewed_;
      add_tensor(tensor.rows, tensor.cols, tensor.init_a, to);
    }
    gradients_ = parameters_;
    viewed_gradients_ = viewed_;
    point_at(parameters_, parameter_pointers_);
    point_at(gradients_, gradient_pointers_);
    point_at(buffers_, buffer_pointers_);
    point_at(viewed_, viewed_pointers_);
    point_at(viewed_gradients_, viewed_gradient_pointers_);
    statistics_.clear();
    statistic_pointers_.clear();
    for (std::uint32_t r = 0; r < plan_.round_count; ++r) {
      statistics_.emplace_back(plan_.rounds[r].length, 0.0);
      statistic_pointers_.push_back(statistics_.back().data());
    }
    kept_.assign(plan_.kept_bytes + 64, kUndefined);
    workspace_.assign(plan_.workspace_bytes + 64, kUndefined);
    memory_ = {};
    memory_.struct_size = sizeof memory_;
    memory_.parameters = parameter_pointers_.data();
    memory_.gradients = gradient_pointers_.data();
    memory_.buffers = buffer_pointers_.data();
    memory_.viewed = viewed_pointers_.data();
    memory_.viewed_gradients = viewed_gradient_pointers_.data();
    memory_.statistics = statistic_pointers_.data();
    memory_.kept = aligned(kept_);
    memory_.workspace = aligned(workspace_);
  }

  static void* aligned(std::vector<std::byte>& bytes) {
    void* data = bytes.data();
    std::size_t space = bytes.size();
    return std::align(64, space - 63, data, space);
  }

  const aesweep_component& component_;
  void* instance_ = nullptr;
  aesweep_plan plan_{};
  std::vector<aesweep_known_tensor> known_;
  Tensors parameters_;
  Tensors gradients_;
  Tensors buffers_;
  Tensors viewed_;
  Tensors viewed_gradients_;
  std::vector<const Real*> parameter_pointers_;
  std::vector<Real*> gradient_pointers_;
  std::vector<Real*> buffer_pointers_;
  std::vector<const Real*> viewed_pointers_;
  std::vector<Real*> viewed_gradient_pointers_;
  std::vector<std::vector<double>> statistics_;
  std::vector<const double*> statistic_pointers_;
  std::vector<std::byte> kept_;
  std::vector<std::byte> workspace_;
  sdk::Memory<Real> memory_{};
};

// A repeatable number in [-1, 1) for the pair (i, j), with all bits of a double in use.
[[nodiscard]] double scatter(std::int64_t i, std::int64_t j = 0, std::uint64_t salt = 0);

}  // namespace aesweep::test
