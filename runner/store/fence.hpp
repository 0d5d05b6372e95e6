// fenced: where exceptions end. The store throws none itself; memory that is not there does.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

// The result of `body`, a Status or Result, or a fault of the world that says what ran out of
// memory, and `advice`.
template <class Body>
[[nodiscard]] auto fenced(const std::string& what, Body&& body,
                          const char* advice = "keep fewer trials or samples in one run")
    -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Status::world(what + ": not enough memory; " + advice);
  } catch (const std::length_error&) {  // A size that no memory could hold.
    return Status::world(what + ": not enough memory; " + advice);
  }
}

}  // namespace aesweep
