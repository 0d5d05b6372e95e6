// decorrelation: the units of a code should not repeat each other. With the covariances over the
// global batch of N rows, C[i,j] = mean of (x_i - mean_i)(x_j - mean_j):
//   form covariance    coefficient * sum over i != j of  C[i,j]^2
//   form correlation   coefficient * sum over i != j of  C[i,j]^2 / ((C[i,i] + e) (C[j,j] + e))
// (Cogswell et al., "Reducing overfitting in deep networks by decorrelating representations", ICLR
// 2016: half of the first.) e is `epsilon`: a unit that never changes correlates with none.
// reduction mean divides by the K (K - 1) pairs. One unit alone gives 0. NaN and infinities give
// NaN, as do double precision data whose squares overflow.
//
// Two statistics rounds: sums, then products of the centred columns. The second takes K*K doubles,
// in each of the host's reduction buffers and in every exchange of a step, and a step takes N K^2
// multiplications more; hence at most kMaxUnits units (32 MiB).
//
// The gradient is 2 coefficient / N (x - mean) A, with A[i,j] = 2 C[i,j] q_i q_j off the diagonal
// and, on it, the derivative by C[i,i], -q_i^2 sum over j != i of 2 C[i,j]^2 q_j;
// q_i = 1 / (C[i,i] + e), or 1 and a zero diagonal for covariance. The value is batch-wide, hence
// counted on the first shard alone.
#include <algorithm>
#include <string>

#include "core/sdk/plugin.hpp"
#include "plugins/regularizers/column_sums.hpp"

namespace {

namespace sdk = aesweep::sdk;
using sdk::Op;

constexpr std::int64_t kMaxUnits = 2048;
constexpr const char* kForms[] = {"covariance", "correlation", nullptr};
constexpr const char* kReductions[] = {"sum", "mean", nullptr};

// Rounds, by index.
constexpr std::uint32_t kSums = 0;      // [K]
constexpr std::uint32_t kProducts = 1;  // [K,K]

template <class Real>
class Decorrelation {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "decorrelation",
      .summary = "coefficient * sum over i != j of covariance(i, j)^2 over the batch",
      .views = AESWEEP_VIEW_OUTPUT};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::real("coefficient", "Factor of the penalty", 0.1, sdk::at_least(0))),
      sdk::choice("form", "Of a pair: covariance, or correlation", "covariance", kForms),
      sdk::real("epsilon", "Added to the variances of form correlation", 1e-8, sdk::above(0)),
      sdk::choice("reduction", "Over pairs of units: sum or mean", "sum", kReductions)};

  explicit Decorrelation(const sdk::Parameters& p)
      : coefficient_(p.real("coefficient")),
        correlation_(p.choice("form") == "correlation"),
        epsilon_(p.real("epsilon")),
        over_pairs_(p.choice("reduction") == "mean") {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    const std::int64_t cols = request.input_cols;
    sdk::require(cols <= kMaxUnits, AESWEEP_INVALID_SHAPE, "decorrelation of ", cols,
                 " units would exchange ", cols * cols * 8 / (1 << 20),
                 " MiB of covariances in every step; it takes at most ", kMaxUnits,
                 " units: use a narrower layer");
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, cols);
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, cols * cols);
    // accumulate: the means, then the centred rows in double. on_activations: means and q, then A
    // and the centred rows in Real.
    const std::int64_t rows_bytes = request.shard_rows_max * cols * std::int64_t{sizeof(double)};
    const std::int64_t square_bytes = cols * cols * std::int64_t{sizeof(Real)};
    plan.workspace_bytes = static_cast<std::uint64_t>(2 * cols * std::int64_t{sizeof(double)} +
                                                      square_bytes + rows_bytes);
  }

  void accumulate(const sdk::Context& context, std::uint32_t round, const sdk::Memory<Real>& memory,
                  const sdk::Views<Real>& views) const {
    const auto& x = views.output;
    if (round == kSums) {
      aesweep::add_column_sums<Real>(x, memory.statistic);
    } else if (x.rows > 0) {
      auto* mean = static_cast<double*>(memory.workspace);
      double* centred = mean + x.cols;
      center(context, memory, x, mean, centred);
      sdk::gemm(Op::kTransposed, Op::kPlain, x.cols, x.cols, x.rows, 1.0, centred, x.cols, centred,
                x.cols, 1.0, memory.statistic, x.cols);
    }
  }

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>& memory,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const auto& x = views.output;
    const std::int64_t cols = x.cols;
    auto* mean = static_cast<double*>(memory.workspace);
    double* q = mean + cols;
    auto* a = reinterpret_cast<Real*>(q + cols);
    const double pairs = static_cast<double>(std::max<std::int64_t>(cols * (cols - 1), 1));
    const double scale = over_pairs_ ? coefficient_ / pairs : coefficient_;
    const double rows = static_cast<double>(context.batch_rows);
    const double sum = pair_terms(memory.statistics[kProducts], cols, rows, q, a);
    if (gradient != nullptr && x.rows > 0) {
      Real* centred = a + cols * cols;
      center(context, memory, x, mean, centred);
      sdk::gemm(Op::kPlain, Op::kPlain, x.rows, cols, cols, static_cast<Real>(2.0 * scale / rows),
                centred, cols, a, cols, Real(1), gradient->data, gradient->row_stride);
    }
    return context.first_row == 0 ? scale * sum : 0.0;
  }

 private:
  // centred[B,K] = x - mean, without padding.
  template <class Out>
  static void center(const sdk::Context& context, const sdk::Memory<Real>& memory,
                     const sdk::ConstMatrix<Real>& x, double* mean, Out* centred) {
    const double rows = static_cast<double>(context.batch_rows);
    for (std::int64_t j = 0; j < x.cols; ++j) mean[j] = memory.statistics[kSums][j] / rows;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      const Real* row = sdk::row(x, i);
      for (std::int64_t j = 0; j < x.cols; ++j) {
        centred[i * x.cols + j] = static_cast<Out>(static_cast<double>(row[j]) - mean[j]);
      }
    }
  }

  // The sum over pairs; q[K] and a[K,K] as above, from products = N C.
  double pair_terms(const double* products, std::int64_t cols, double rows, double* q,
                    Real* a) const {
    for (std::int64_t i = 0; i < cols; ++i) {
      q[i] = correlation_ ? 1.0 / (products[i * cols + i] / rows + epsilon_) : 1.0;
    }
    double sum = 0.0;
    for (std::int64_t i = 0; i < cols; ++i) {
      double row_sum = 0.0;
      for (std::int64_t j = 0; j < cols; ++j) {
        const double covariance = j == i ? 0.0 : products[i * cols + j] / rows;
        const double slope = covariance * q[j];
        row_sum += covariance * slope;
        a[i * cols + j] = static_cast<Real>(2.0 * slope * q[i]);
      }
      sum += row_sum * q[i];
      a[i * cols + i] = correlation_ ? static_cast<Real>(-2.0 * row_sum * q[i] * q[i]) : Real(0);
    }
    return sum;
  }

  double coefficient_;
  bool correlation_;
  double epsilon_;
  bool over_pairs_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("decorrelation", "0.1.0", sdk::regularizer<Decorrelation>());
