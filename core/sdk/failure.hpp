// How component code fails (it throws) and how that becomes a status with text (the fence).
//
// Component code throws Failure for what its author foresaw. Every function that the host calls
// runs inside fence, the one place where exceptions stop; none leaves the library.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "core/abi/plugin.h"

namespace aesweep::sdk {

// A foreseen failure: a status and one line that names thing, value, limit and next step.
class Failure : public std::exception {
 public:
  Failure(aesweep_status status, std::string text) : status_(status), text_(std::move(text)) {}
  [[nodiscard]] aesweep_status status() const { return status_; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  aesweep_status status_;
  std::string text_;
};

namespace detail {

inline void append(std::string& out, std::string_view part) { out += part; }

template <class Number>
requires std::integral<Number> || std::floating_point<Number>
void append(std::string& out, Number value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

// Writes `text` to the host's buffer, cut at its capacity, and returns `status`.
inline std::int32_t report(aesweep_error* error, aesweep_status status,
                           std::string_view text) noexcept {
  if (error != nullptr && error->text != nullptr && error->capacity > 0) {
    const std::size_t size = std::min<std::size_t>(text.size(), error->capacity - 1);
    std::memcpy(error->text, text.data(), size);
    error->text[size] = '\0';
  }
  return status;
}

// Called in a catch block: the status of the exception in flight.
[[gnu::noinline]] inline std::int32_t report_current_exception(aesweep_error* error) noexcept {
  try {
    throw;
  } catch (const Failure& failure) {
    return report(error, failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return report(error, AESWEEP_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& exception) {
    return report(error, AESWEEP_INTERNAL, exception.what());
  } catch (...) {
    return report(error, AESWEEP_INTERNAL, "an exception of unknown type");
  }
}

template <class Body>
std::int32_t fence(aesweep_error* error, Body&& body) noexcept {
  try {
    body();
    return AESWEEP_OK;
  } catch (...) {
    return report_current_exception(error);
  }
}

}  // namespace detail

// The arguments, texts and numbers, written one after another; numbers in their shortest exact
// form.
template <class... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

// Throws Failure(status, parts...) unless the condition holds.
template <class... Parts>
void require(bool condition, aesweep_status status, const Parts&... parts) {
  if (!condition) [[unlikely]] {
    throw Failure(status, text(parts...));
  }
}

}  // namespace aesweep::sdk
