// Component<T>: one live instance of a catalogued component, in one scalar.
//
// Owns the instance; the library's tables and strings live for ever. Not thread-safe. Failing calls
// come back as a Status that names the component and carries the plugin's own text: an input fault
// from create and plan (the experiment asked for something impossible), a world fault later.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/base/text.hpp"
#include "core/model/abi_array.hpp"
#include "core/model/abi_types.hpp"
#include "core/model/call_trace.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/float_mode.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

// The most elements, doubles or bytes that a plan may ask for at once: far more than any machine
// has, and so little that sums and products of such sizes with rows and shards fit in 64 bits.
inline constexpr std::uint64_t kPlannedMax = std::uint64_t{1} << 48;
// Active sets number columns in 32 bits.
inline constexpr std::int64_t kColumnsMax = std::numeric_limits<std::int32_t>::max();

// While it lives the component is the one that a crash handler blames.
class AtWork {
 public:
  AtWork(const aesweep_component& component, const PluginLibrary& library, const char* function) {
    CallTrace& trace = call_trace();
    trace.library = library.path.c_str();
    trace.function = function;
    trace.kind = component.kind;
    trace.component = component.name;
    trace.moved();
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  ~AtWork() { call_trace().component = nullptr; }
};

// Of the exception that is being handled and should not have left the plugin: writes its text and
// returns the code of a bug in a plugin.
[[nodiscard]] std::int32_t describe_exception(std::span<char> reason);

template <class T>
class Component {
 public:
  // Looks `spec.name` up in the catalogue, completes its parameters and creates an instance.
  [[nodiscard]] static Result<Component> create(const Catalogue& catalogue, aesweep_kind kind,
                                                const ComponentSpec& spec);

  // Fixes shapes and memory needs; fills the accessors below. `known`: see aesweep_plan_request.
  [[nodiscard]] Status plan(std::int64_t shard_rows_max, std::int64_t input_cols,
                            std::int64_t target_cols,
                            std::span<const aesweep_known_tensor> known = {});

  [[nodiscard]] const char* name() const { return component_.name; }
  // "activation relu (plugin relu)", as messages about what the plugin did wrong name it: with the
  // library's id, not its path, since results hold such texts and no paths.
  [[nodiscard]] std::string label() const;
  [[nodiscard]] aesweep_kind kind() const { return static_cast<aesweep_kind>(component_.kind); }
  [[nodiscard]] bool has(std::uint32_t flag) const { return (component_.flags & flag) != 0; }
  [[nodiscard]] std::uint32_t views() const { return component_.views; }
  [[nodiscard]] const aesweep_plan& plan() const { return plan_; }
  [[nodiscard]] const std::vector<aesweep_tensor>& tensors() const { return tensors_; }
  [[nodiscard]] const std::vector<aesweep_round>& rounds() const { return rounds_; }

  // The function table of this kind: a struct of Abi<T>, null members where not offered.
  template <class Table>
  [[nodiscard]] Table table() const {
    return host_copy<Table>(component_.table[Abi<T>::kScalar]);
  }

  // Calls function(instance, arguments..., error). Does not allocate unless the call fails, which
  // it also does by throwing, and by leaving another floating-point mode behind: that is set right.
  template <class Function, class... Arguments>
  [[nodiscard]] Status call(const char* what, Function function, Arguments... arguments) const {
    std::array<char, 512> reason;
    reason[0] = '\0';
    aesweep_error error = {sizeof(aesweep_error), reason.size(), reason.data()};
    std::int32_t code = AESWEEP_OK;
    try {
      const AtWork at_work(component_, *library_, what);
      code = function(instance_.get(), arguments..., &error);
    } catch (...) {
      code = describe_exception(reason);
    }
    if (code == AESWEEP_OK && float_mode_intact()) return {};
    return failure(what, code, reason.data());
  }

 private:
  struct Destroy {
    void (*destroy)(void*) = nullptr;
    void operator()(void* instance) const {
      if (destroy != nullptr) destroy(instance);
    }
  };

  Component() = default;
  [[nodiscard]] Status failure(const char* what, std::int32_t code, const char* reason) const;
  // Whether the plan is what the ABI allows, and its sizes ones that can be meant.
  [[nodiscard]] Status check_plan() const;
  [[nodiscard]] Status check_tensor(const aesweep_tensor& tensor) const;
  [[nodiscard]] Status check_rounds() const;

  aesweep_component component_{};
  std::shared_ptr<const PluginLibrary> library_;
  aesweep_lifecycle lifecycle_{};
  std::unique_ptr<void, Destroy> instance_;
  aesweep_plan plan_{};
  std::vector<aesweep_tensor> tensors_;
  std::vector<aesweep_round> rounds_;
};

}  // namespace aesweep
