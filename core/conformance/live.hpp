// Live<T>: one instance of a component in one scalar, called through the raw ABI.
//
// It goes past the host's own wrappers, so that the cases can hand over what a correct host never
// would. Owns the instance. A call that fails, or that lets an exception out, is a Finding.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/conformance/example.hpp"
#include "core/conformance/verdict.hpp"
#include "core/model/abi_types.hpp"
#include "core/model/catalogue.hpp"

namespace aesweep::conformance {

// Told of every call into the component: to note who is at work, or to look what a call changed.
// [any-thread]
class CallWatch {
 public:
  CallWatch() = default;
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;
  virtual ~CallWatch() = default;
  virtual void before(const char* component, const char* function, const char* scalar) = 0;
  virtual void after() = 0;
};

// What is examined, and who watches; no watch is fine. The entry outlives everything made of it.
struct Subject {
  const CatalogueEntry* entry = nullptr;
  CallWatch* watch = nullptr;
};

template <class T>
[[nodiscard]] constexpr const char* scalar_name() {
  return Abi<T>::kScalar == AESWEEP_F32 ? "f32" : "f64";
}

// "invalid parameter (1)" for a status.
[[nodiscard]] std::string status_text(std::int32_t status);

// A struct of the ABI with room behind it, in which a newer host would have more members. They are
// garbage: a plugin of this version has no business there.
template <class Struct>
struct Extended {
  explicit Extended(bool longer) {
    value.struct_size = sizeof(Struct) + (longer ? sizeof tail : 0);
    tail.fill(kTail);
  }
  // The members, with the size that was declared.
  void set(const Struct& members) {
    const std::uint32_t size = value.struct_size;
    value = members;
    value.struct_size = size;
  }
  [[nodiscard]] bool tail_intact() const {
    for (const unsigned char byte : tail) {
      if (byte != kTail) return false;
    }
    return true;
  }
  static constexpr unsigned char kTail = 0xE7;
  Struct value{};
  std::array<unsigned char, 64> tail{};
};

// The host's error buffer.
struct ErrorText {
  explicit ErrorText(bool longer = false) : members(longer) {
    members.value.capacity = static_cast<std::uint32_t>(text.size());
    members.value.text = text.data();
  }
  ErrorText(const ErrorText&) = delete;
  ErrorText& operator=(const ErrorText&) = delete;

  std::array<char, 512> text{};
  Extended<aesweep_error> members;
  [[nodiscard]] std::string str() const { return text.data(); }
};

// The widths that a component is planned for.
struct Shape {
  std::int64_t rows_max = 0;
  std::int64_t input_cols = 0;
  std::int64_t target_cols = 0;
};

template <class T>
class Live {
 public:
  // A refusal is a Finding.
  explicit Live(const Subject& subject);
  // `longer`: create and everything after it get structs of a newer host.
  Live(const Subject& subject, const Example& example, bool longer = false);
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;
  ~Live();

  // True, and the accessors below are set; or the component refuses these widths, with text.
  // Anything else is a Finding.
  [[nodiscard]] bool plan(const Shape& shape);
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  [[nodiscard]] const Subject& subject() const { return subject_; }
  [[nodiscard]] const Example& example() const { return example_; }
  [[nodiscard]] const aesweep_component& component() const { return subject_.entry->component; }
  [[nodiscard]] bool has(std::uint32_t flag) const { return (component().flags & flag) != 0; }
  [[nodiscard]] void* instance() const { return instance_; }
  [[nodiscard]] const aesweep_lifecycle& lifecycle() const { return lifecycle_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] const aesweep_plan& planned() const { return plan_; }
  [[nodiscard]] const std::vector<aesweep_tensor>& tensors() const { return tensors_; }
  [[nodiscard]] const std::vector<aesweep_round>& rounds() const { return rounds_; }
  // The tensors that the plan request lists; their names are static.
  [[nodiscard]] const std::vector<aesweep_known_tensor>& known() const { return known_; }

  template <class Table>
  [[nodiscard]] Table table() const {
    Table ours{};
    const void* theirs = component().table[Abi<T>::kScalar];
    std::uint32_t size = 0;
    std::memcpy(&size, theirs, sizeof size);
    std::memcpy(&ours, theirs, size < sizeof ours ? size : sizeof ours);
    return ours;
  }

  // The status of function(instance, arguments..., error).
  template <class Function, class... Arguments>
  std::int32_t try_call(const char* what, aesweep_error& error, Function function,
                        Arguments... arguments) const {
    if (subject_.watch != nullptr) {
      subject_.watch->before(component().name, what, scalar_name<T>());
    }
    std::int32_t status = AESWEEP_OK;
    try {
      status = function(instance_, arguments..., &error);
    } catch (const std::exception& exception) {
      escaped(what, exception.what());
    } catch (...) {
      escaped(what, "of unknown type");
    }
    if (subject_.watch != nullptr) subject_.watch->after();
    return status;
  }

  template <class Function, class... Arguments>
  void call(const char* what, Function function, Arguments... arguments) const {
    ErrorText error(longer_);
    const std::int32_t status = try_call(what, error.members.value, function, arguments...);
    if (!error.members.tail_intact()) fail(what, " writes behind the members of aesweep_error");
    if (status != AESWEEP_OK) failed(what, status, error.str());
  }

 private:
  [[noreturn]] void escaped(const char* what, const std::string& how) const;
  [[noreturn]] void failed(const char* what, std::int32_t status, const std::string& text) const;
  void create();
  void check_plan() const;

  Subject subject_;
  Example example_;
  bool longer_ = false;
  aesweep_lifecycle lifecycle_{};
  void* instance_ = nullptr;
  Shape shape_;
  aesweep_plan plan_{};
  std::vector<aesweep_tensor> tensors_;
  std::vector<aesweep_round> rounds_;
  std::vector<aesweep_known_tensor> known_;
  std::string refusal_;
};

}  // namespace aesweep::conformance
