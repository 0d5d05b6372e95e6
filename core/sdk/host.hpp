// The host's services, reached from anywhere in a plugin library.
//
// They are kept in one variable per library, defined by AESWEEP_EXPORT_PLUGIN and hidden. An inline
// variable would not do: the loader merges those over all libraries of the process
// (STB_GNU_UNIQUE), RTLD_LOCAL or not. Written by init [main], read by all threads afterwards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/abi/plugin.h"
#include "core/sdk/failure.hpp"

namespace aesweep::sdk {

// Members that the host lacks are null.
[[gnu::visibility("hidden")]] extern aesweep_host library_host;

// c[m,n] = alpha * op(a) * op(b) + beta * c, row-major; op(a) = a[m,k] or the transpose of a[k,m].
// With beta = 0, c is not read. c aliases nothing. Equal shapes and operands give equal bits.
enum class Op { kPlain = 0, kTransposed = 1 };

inline void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
                 const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta,
                 float* c, std::int64_t ldc) {
  require(library_host.gemm_f32 != nullptr, AESWEEP_UNSUPPORTED, "the host offers no gemm_f32");
  library_host.gemm_f32(static_cast<int>(op_a), static_cast<int>(op_b), m, n, k, alpha, a, lda, b,
                        ldb, beta, c, ldc);
}
inline void gemm(Op op_a, Op op_b, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
                 const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta,
                 double* c, std::int64_t ldc) {
  require(library_host.gemm_f64 != nullptr, AESWEEP_UNSUPPORTED, "the host offers no gemm_f64");
  library_host.gemm_f64(static_cast<int>(op_a), static_cast<int>(op_b), m, n, k, alpha, a, lda, b,
                        ldb, beta, c, ldc);
}

namespace detail {

// The init of every library: checks the host's version and keeps its services.
inline std::int32_t init_library(const aesweep_host* host, aesweep_error* error) noexcept {
  return fence(error, [&] {
    require(host != nullptr, AESWEEP_INTERNAL, "init: host is null");
    require(host->abi_major == AESWEEP_ABI_MAJOR && host->abi_minor >= AESWEEP_ABI_MINOR &&
                (AESWEEP_ABI_MAJOR > 0 || host->abi_minor == AESWEEP_ABI_MINOR),
            AESWEEP_UNSUPPORTED, "the host's ABI ", host->abi_major, ".", host->abi_minor,
            " does not fit ", AESWEEP_ABI_MAJOR, ".", AESWEEP_ABI_MINOR,
            ", for which this plugin was built: rebuild it");
    aesweep_host copy{};
    std::memcpy(&copy, host, std::min<std::size_t>(host->struct_size, sizeof copy));
    library_host = copy;
  });
}

}  // namespace detail

}  // namespace aesweep::sdk
