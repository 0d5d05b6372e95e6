// Plan: where a component says which width, tensors, statistics rounds and memory it needs.
//
// Lives in the instance; the host reads its arrays until destroy or the next plan. Names must be
// string literals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/abi/plugin.h"

namespace aesweep::sdk {

// How the host fills a tensor before the first step.
struct Initializer {
  aesweep_initializer kind = AESWEEP_INIT_CONSTANT;
  double a = 0.0;
  double b = 0.0;
};

// The request's i-th known tensor; the host's struct may be longer than ours.
[[nodiscard]] inline const aesweep_known_tensor& known_tensor(const aesweep_plan_request& request,
                                                              std::uint32_t i) {
  const auto* bytes = reinterpret_cast<const std::byte*>(request.tensors);
  return *reinterpret_cast<const aesweep_known_tensor*>(bytes + std::size_t{i} *
                                                                    request.tensors->struct_size);
}

// The known tensor of this full name; null if there is none.
[[nodiscard]] inline const aesweep_known_tensor* find_tensor(const aesweep_plan_request& request,
                                                             std::string_view name) {
  for (std::uint32_t i = 0; i < request.tensor_count; ++i) {
    if (known_tensor(request, i).name == name) return &known_tensor(request, i);
  }
  return nullptr;
}

class Plan {
 public:
  std::int64_t output_cols = 0;  // Preset to the input's width.
  std::uint64_t kept_bytes = 0;
  std::uint64_t workspace_bytes = 0;
  std::int64_t active_per_row = 0;

  // Members of Memory::parameters, ::buffers and the optimizer's state, in order of these calls.
  void learned(const char* name, std::int64_t rows, std::int64_t cols, Initializer init,
               std::uint32_t flags = 0) {
    add(AESWEEP_LEARNED, name, rows, cols, init, flags);
  }
  void buffer(const char* name, std::int64_t rows, std::int64_t cols, Initializer init) {
    add(AESWEEP_BUFFER, name, rows, cols, init, 0);
  }
  void state(const char* name, double initial = 0.0) {
    add(AESWEEP_STATE, name, 0, 0, {AESWEEP_INIT_CONSTANT, initial, 0.0}, 0);
  }

  // Computes with another layer's tensor, too: the next of Memory::viewed.
  void viewed(const aesweep_known_tensor& owner) {
    viewed_names_.push_back(std::make_unique<std::string>(owner.name));
    add(AESWEEP_VIEWED, viewed_names_.back()->c_str(), owner.rows, owner.cols, {}, 0);
  }

  // Adds a statistics round of `length` doubles; its index is the number of rounds before it.
  void round(aesweep_phase phase, aesweep_reduction reduction, std::int64_t length,
             std::uint32_t flags = 0) {
    aesweep_round round{};
    round.struct_size = sizeof round;
    round.phase = phase;
    round.reduction = reduction;
    round.flags = flags;
    round.length = static_cast<std::uint64_t>(length);
    rounds_.push_back(round);
  }

  // The ABI's form of this plan; its pointers lead into this object.
  void publish(aesweep_plan& out) const {
    out.output_cols = output_cols;
    out.tensors = tensors_.data();
    out.rounds = rounds_.data();
    out.tensor_count = static_cast<std::uint32_t>(tensors_.size());
    out.round_count = static_cast<std::uint32_t>(rounds_.size());
    out.kept_bytes = kept_bytes;
    out.workspace_bytes = workspace_bytes;
    out.active_per_row = active_per_row;
  }

 private:
  void add(aesweep_role role, const char* name, std::int64_t rows, std::int64_t cols,
           Initializer init, std::uint32_t flags) {
    aesweep_tensor tensor{};
    tensor.struct_size = sizeof tensor;
    tensor.role = role;
    tensor.flags = flags;
    tensor.init = init.kind;
    tensor.name = name;
    tensor.rows = rows;
    tensor.cols = cols;
    tensor.init_a = init.a;
    tensor.init_b = init.b;
    tensors_.push_back(tensor);
  }

  std::vector<aesweep_tensor> tensors_;
  std::vector<std::unique_ptr<std::string>> viewed_names_;  // Outlive the request's strings.
  std::vector<aesweep_round> rounds_;
};

}  // namespace aesweep::sdk
