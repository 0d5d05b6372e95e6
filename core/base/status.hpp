// Status and Result: how a function says that its input or the world, not our code, was at fault.
//
// A fault's class decides the exit status of the program (docs/design.md): bad input is 2, a fault
// of the world (disk, MPI, plugin) is 3. The message is one line that names the thing, the value,
// the limit and the next step; whoever knows more (file, rank, trial) prepends it with `in`.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/base/check.hpp"

namespace aesweep {

enum class Fault { kNone = 0, kInput = 2, kWorld = 3 };

class [[nodiscard]] Status {
 public:
  Status() = default;  // Success.
  [[nodiscard]] static Status input(std::string message) {
    return Status(Fault::kInput, std::move(message));
  }
  [[nodiscard]] static Status world(std::string message) {
    return Status(Fault::kWorld, std::move(message));
  }
  [[nodiscard]] static Status of(Fault fault, std::string message) {
    return Status(fault, std::move(message));
  }

  [[nodiscard]] bool ok() const { return fault_ == Fault::kNone; }
  [[nodiscard]] Fault fault() const { return fault_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  // The same fault with "where: " in front of its message; success stays success.
  [[nodiscard]] Status in(const std::string& where) const {
    return ok() ? *this : Status(fault_, where + ": " + message_);
  }

 private:
  Status(Fault fault, std::string message) : fault_(fault), message_(std::move(message)) {}

  Fault fault_ = Fault::kNone;
  std::string message_;
};

// A value, or the status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}            // NOLINT: implicit on purpose.
  Result(Status status) : status_(std::move(status)) {     // NOLINT: implicit on purpose.
    AESWEEP_CHECK(!status_.ok(), "a Result without a value needs a fault");
  }

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  [[nodiscard]] const Status& status() const { return status_; }
  [[nodiscard]] T& value() & { return checked(); }
  [[nodiscard]] const T& value() const& { return const_cast<Result*>(this)->checked(); }
  [[nodiscard]] T&& value() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->checked(); }
  T& operator*() { return checked(); }

 private:
  T& checked() {
    AESWEEP_CHECK(value_.has_value(), "value() of a failed Result: " + status_.message());
    return *value_;
  }

  Status status_;
  std::optional<T> value_;
};

}  // namespace aesweep

// Returns the status of `expression` from the current function unless it is ok.
#define AESWEEP_RETURN_IF_ERROR(expression)                           \
  do {                                                                \
    if (::aesweep::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)
