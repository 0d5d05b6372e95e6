// Plan: where a component says which width, tensors, statistics rounds and memory it needs.
//
// Lives in the instance; the host reads its arrays until destroy or the next plan. Names must be
// string literals.
#pragma once

#include <cstdint>
#include <vector>

#include "core/abi/plugin.h"

namespace aesweep::sdk {

// How the host fills a tensor before the first step.
struct Initializer {
  aesweep_initializer kind = AESWEEP_INIT_CONSTANT;
  double a = 0.0;
  double b = 0.0;
};

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

  // Adds a statistics round of `length` doubles; its index is the number of rounds before it.
  void round(aesweep_phase phase, aesweep_reduction reduction, std::int64_t length) {
    aesweep_round round{};
    round.struct_size = sizeof round;
    round.phase = phase;
    round.reduction = reduction;
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
  std::vector<aesweep_round> rounds_;
};

}  // namespace aesweep::sdk
