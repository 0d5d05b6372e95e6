#include "tests/plugins/products.hpp"

namespace aesweep::test {

int& product_count() {
  static int count = 0;
  return count;
}

namespace {

template <class Real>
void plain_gemm(int transpose_a, int transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                Real alpha, const Real* a, std::int64_t lda, const Real* b, std::int64_t ldb,
                Real beta, Real* c, std::int64_t ldc) {
  ++product_count();
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      Real sum = 0;
      for (std::int64_t l = 0; l < k; ++l) {
        const Real left = transpose_a != 0 ? a[l * lda + i] : a[i * lda + l];
        sum += left * (transpose_b != 0 ? b[j * ldb + l] : b[l * ldb + j]);
      }
      c[i * ldc + j] = alpha * sum + (beta == Real(0) ? Real(0) : beta * c[i * ldc + j]);
    }
  }
}

}  // namespace

void count_products_of(const std::string& name) {
  static const aesweep_host host = {sizeof(aesweep_host), AESWEEP_ABI_MAJOR, AESWEEP_ABI_MINOR,
                                    &plain_gemm<float>, &plain_gemm<double>};
  (void)builtins();  // Loads and initialises with the real host first.
  ErrorText error;
  EXPECT_EQ(builtin_entry(name).init(&host, &error.error), AESWEEP_OK) << error.str();
  product_count() = 0;
}

}  // namespace aesweep::test
