#include "core/math/gemm.hpp"

#include <cblas.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/base/check.hpp"

// Each present in one BLAS library only; weak, so that any of them links.
extern "C" {
void openblas_set_num_threads(int) __attribute__((weak));
char* openblas_get_config() __attribute__((weak));
void MKL_Set_Num_Threads(int) __attribute__((weak));
void bli_thread_set_num_threads(long) __attribute__((weak));
}

namespace aesweep {
namespace {

// Ranks are the parallelism; a BLAS thread pool beside them would oversubscribe the cores and make
// the split of a product, and so its bits, depend on the machine.
const bool kSingleThread = [] {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  if (MKL_Set_Num_Threads != nullptr) MKL_Set_Num_Threads(1);
  if (bli_thread_set_num_threads != nullptr) bli_thread_set_num_threads(1);
  return true;
}();

int narrow(std::int64_t value) {
  AESWEEP_CHECK(value >= 0 && value <= std::numeric_limits<int>::max(),
                "a matrix dimension does not fit the BLAS interface");
  return static_cast<int>(value);
}

}  // namespace

template <class T>
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          T alpha, const T* a, std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c,
          std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  const CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans;
  const CBLAS_TRANSPOSE tb = transpose_b ? CblasTrans : CblasNoTrans;
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemm(CblasRowMajor, ta, tb, narrow(m), narrow(n), narrow(k), alpha, a, narrow(lda), b,
                narrow(ldb), beta, c, narrow(ldc));
  } else {
    cblas_dgemm(CblasRowMajor, ta, tb, narrow(m), narrow(n), narrow(k), alpha, a, narrow(lda), b,
                narrow(ldb), beta, c, narrow(ldc));
  }
}

template void gemm<float>(bool, bool, std::int64_t, std::int64_t, std::int64_t, float, const float*,
                          std::int64_t, const float*, std::int64_t, float, float*, std::int64_t);
template void gemm<double>(bool, bool, std::int64_t, std::int64_t, std::int64_t, double,
                           const double*, std::int64_t, const double*, std::int64_t, double,
                           double*, std::int64_t);

std::string blas_description() {
  static_cast<void>(kSingleThread);
  if (openblas_get_config != nullptr) return openblas_get_config();
  if (MKL_Set_Num_Threads != nullptr) return "Intel MKL";
  if (bli_thread_set_num_threads != nullptr) return "BLIS";
  return "a BLAS that does not name itself";
}

}  // namespace aesweep
