// Includes Eigen the way plugins need it, and names the maps over matrices of the ABI.
//
// A failed eigen_assert throws, also with NDEBUG, so that the fence turns it into a status instead
// of ending the rank; Eigen starts no threads, which belong to the host. No Eigen type crosses a
// library's border: its layout depends on the compiler's flags.
#pragma once

#ifdef EIGEN_CORE_H
#error "Include core/sdk/plugin.hpp before any Eigen header: it decides what eigen_assert does."
#endif

#include <stdexcept>

namespace aesweep::sdk {

[[noreturn]] inline void eigen_assertion_failed(const char* condition) {
  throw std::logic_error(condition);
}

}  // namespace aesweep::sdk

#define eigen_assert(condition) \
  ((condition) ? static_cast<void>(0) : ::aesweep::sdk::eigen_assertion_failed(#condition))
#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif

#include <Eigen/Core>
