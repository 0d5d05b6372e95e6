// Matrix product: the one place that calls the BLAS. Single-threaded, row-major.
#pragma once

#include <cstdint>
#include <string>

namespace aesweep {

// c[m,n] = alpha * op(a) * op(b) + beta * c. op(a) is a[m,k], or the transpose of a[k,m] if
// transpose_a; op(b) is b[k,n], or the transpose of b[n,k]. Leading dimensions count elements. With
// beta = 0, c is not read. c aliases neither a nor b. Any of m, n, k may be 0. The same shape and
// operands give the same bits; the same row in a call with another m may not.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          T alpha, const T* a, std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c,
          std::int64_t ldc);

// Library, version and kernel, such as "OpenBLAS 0.3.21 ... SkylakeX".
[[nodiscard]] std::string blas_description();

}  // namespace aesweep
