// batch_norm (Ioffe & Szegedy, ICML 2015): y = gain (x - mean) / spread + bias, column by column,
// with mean and variance v over the rows of the *global* batch, whatever its shards and ranks:
//   variant variance   spread = sqrt(v + epsilon)    the paper, and most libraries
//   variant deviation  spread = sqrt(v) + epsilon    BinaryConnect (Courbariaux et al., 2015)
// Row-major, x[B,K]; gain[K] starts at 1 and bias[K] at 0; with affine false there are neither.
//
// v = mean of (x - mean)^2, in a second round over the centred data: no cancellation. Gradients are
// the true ones, through mean and spread, with xhat = (x - mean) / spread and means over the batch:
//   dx = gain / spread (dy - mean(dy) - h mean(dy xhat)),   dgain = sum dy xhat,   dbias = sum dy
// where h = xhat (variance) or (x - mean) / sqrt(v) (deviation; 0 where v = 0, a kink).
//
// Evaluation normalizes by running averages, which change once per step:
//   running = (1 - momentum) running + momentum * (the batch's)
// of the mean (from 0) and of the variance, or of sqrt(v) in the variant deviation (from 1).
// `running` says what is averaged: v itself (biased), v N / (N - 1) (unbiased; v for N = 1), or
// auto: unbiased for variance, as PyTorch does, and biased for deviation, as BinaryConnect does.
// Usual values: momentum 0.1 and epsilon 1e-5 (PyTorch); 0.15 and 1e-4 (BinaryConnect's MNIST).
//
// Everything is computed in double and rounded once. A column without variance, such as any column
// of a batch of one row, gives y = bias and finite gradients. A column with a NaN or an infinity is
// NaN throughout; so is one in double precision whose squares overflow.
#include <cmath>
#include <string>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

constexpr const char* kVariants[] = {"variance", "deviation", nullptr};
constexpr const char* kRunning[] = {"auto", "biased", "unbiased", nullptr};

// Rounds, by index.
constexpr std::uint32_t kSums = 0;     // [K] sum of x
constexpr std::uint32_t kSquares = 1;  // [K] sum of (x - mean)^2
constexpr std::uint32_t kSlopes = 2;   // [2,K] sum of dy, then sum of dy xhat

template <class Real>
class BatchNorm {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "batch_norm",
      .summary = "y = gain (x - mean) / spread + bias, by columns over the global batch"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::choice("variant", "Spread: variance is sqrt(v + epsilon), deviation sqrt(v) + epsilon",
                  "variance", kVariants),
      sdk::real("epsilon", "Keeps the spread above 0", 1e-5, sdk::above(0)),
      sdk::real("momentum", "Weight of the new batch in the running averages", 0.1,
                {0.0, 1.0, AESWEEP_ABOVE_MINIMUM}),
      sdk::boolean("affine", "Whether gain and bias are learned", true),
      sdk::choice("running",
                  "Variance that is averaged: biased, unbiased, or auto (biased for deviation)",
                  "auto", kRunning)};

  explicit BatchNorm(const sdk::Parameters& p)
      : deviation_(p.choice("variant") == "deviation"),
        epsilon_(p.real("epsilon")),
        momentum_(p.real("momentum")),
        affine_(p.boolean("affine")),
        unbiased_(p.choice("running") == "unbiased" ||
                  (p.choice("running") == "auto" && !deviation_)) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) {
    cols_ = request.input_cols;
    sdk::require(cols_ > 0, AESWEEP_INVALID_SHAPE, "no columns to normalize");
    const sdk::Initializer one = {AESWEEP_INIT_CONSTANT, 1.0, 0.0};
    if (affine_) {
      plan.learned("gain", 1, cols_, one);
      plan.learned("bias", 1, cols_, {});
    }
    plan.buffer("running_mean", 1, cols_, {});
    plan.buffer(deviation_ ? "running_deviation" : "running_variance", 1, cols_, one);
    plan.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, cols_, AESWEEP_TRAIN_ONLY);
    plan.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, cols_, AESWEEP_TRAIN_ONLY);
    plan.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, 2 * cols_);
    plan.workspace_bytes = kColumnArrays * static_cast<std::uint64_t>(cols_) * sizeof(double);
  }

  void accumulate(const sdk::Context& context, std::uint32_t round, const sdk::Memory<Real>& memory,
                  const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>* dy) const {
    if (round == kSums) {
      for (std::int64_t i = 0; i < x.rows; ++i) add(sdk::row(x, i), memory.statistic);
    } else if (round == kSquares) {
      const Columns columns = columns_in(memory.workspace);
      batch_means(context, memory, columns);
      for (std::int64_t i = 0; i < x.rows; ++i) {
        add_squares(sdk::row(x, i), columns.mean, memory.statistic);
      }
    } else if (round == kSlopes) {
      const Columns columns = columns_in(memory.workspace);
      batch_columns(context, memory, columns);
      add_slopes(x, *dy, columns, memory.statistic);
    }
  }

  void forward(const sdk::Context& context, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    const Columns columns = columns_in(memory.workspace);
    if (context.mode == AESWEEP_TRAIN) {
      batch_columns(context, memory, columns);
    } else {
      running_columns(memory, columns);
    }
    for (std::int64_t j = 0; j < cols_; ++j) {
      columns.factor[j] = columns.inverse[j] * gain(memory, j);
      columns.offset[j] = affine_ ? static_cast<double>(memory.parameters[1][j]) : 0.0;
    }
    for (std::int64_t i = 0; i < x.rows; ++i) normalize(sdk::row(x, i), columns, sdk::row(y, i));
  }

  void backward(const sdk::Context& context, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    const Columns columns = columns_in(memory.workspace);
    batch_columns(context, memory, columns);
    if (affine_) {
      std::fill_n(columns.sums, 2 * cols_, 0.0);
      add_slopes(x, dy, columns, columns.sums);
      for (std::int64_t j = 0; j < cols_; ++j) {
        memory.gradients[0][j] = static_cast<Real>(columns.sums[cols_ + j]);
        memory.gradients[1][j] = static_cast<Real>(columns.sums[j]);
      }
    }
    if (dx == nullptr) return;
    const double batch_rows = static_cast<double>(context.batch_rows);
    const double* slopes = memory.statistics[kSlopes];
    for (std::int64_t j = 0; j < cols_; ++j) {
      columns.factor[j] = columns.inverse[j] * gain(memory, j);
      columns.offset[j] = slopes[j] / batch_rows;
      columns.slope[j] = slopes[cols_ + j] / batch_rows *
                         inverse_of_h(memory.statistics[kSquares][j] / batch_rows);
    }
    for (std::int64_t i = 0; i < x.rows; ++i) {
      input_gradient(sdk::row(x, i), sdk::row(dy, i), columns, sdk::row(*dx, i));
    }
  }

  void end_step(const sdk::Context& context, const sdk::Memory<Real>& memory) const {
    const double rows = static_cast<double>(context.batch_rows);
    const double divisor = unbiased_ && rows > 1.0 ? rows - 1.0 : rows;
    for (std::int64_t j = 0; j < cols_; ++j) {
      const double variance = memory.statistics[kSquares][j] / divisor;
      average(memory.buffers[0][j], memory.statistics[kSums][j] / rows);
      average(memory.buffers[1][j], deviation_ ? std::sqrt(variance) : variance);
    }
  }

 private:
  // Arrays of K doubles in the workspace; sums has 2 K.
  struct Columns {
    double* mean;
    double* inverse;  // 1 / spread
    double* factor;
    double* offset;
    double* slope;
    double* sums;
  };
  static constexpr std::uint64_t kColumnArrays = 7;

  Columns columns_in(void* workspace) const {
    auto* first = static_cast<double*>(workspace);
    return {first,
            first + cols_,
            first + 2 * cols_,
            first + 3 * cols_,
            first + 4 * cols_,
            first + 5 * cols_};
  }

  [[nodiscard]] double inverse_spread(double variance) const {
    return 1.0 / (deviation_ ? std::sqrt(variance) + epsilon_ : std::sqrt(variance + epsilon_));
  }

  // h = (x - mean) * this
  [[nodiscard]] double inverse_of_h(double variance) const {
    if (!deviation_) return inverse_spread(variance);
    return variance == 0.0 ? 0.0 : 1.0 / std::sqrt(variance);
  }

  [[nodiscard]] double gain(const sdk::Memory<Real>& memory, std::int64_t j) const {
    return affine_ ? static_cast<double>(memory.parameters[0][j]) : 1.0;
  }

  void average(Real& running, double batch) const {
    running =
        static_cast<Real>((1.0 - momentum_) * static_cast<double>(running) + momentum_ * batch);
  }

  void batch_means(const sdk::Context& context, const sdk::Memory<Real>& memory,
                   const Columns& columns) const {
    const double rows = static_cast<double>(context.batch_rows);
    for (std::int64_t j = 0; j < cols_; ++j) columns.mean[j] = memory.statistics[kSums][j] / rows;
  }

  void batch_columns(const sdk::Context& context, const sdk::Memory<Real>& memory,
                     const Columns& columns) const {
    batch_means(context, memory, columns);
    const double rows = static_cast<double>(context.batch_rows);
    for (std::int64_t j = 0; j < cols_; ++j) {
      columns.inverse[j] = inverse_spread(memory.statistics[kSquares][j] / rows);
    }
  }

  void running_columns(const sdk::Memory<Real>& memory, const Columns& columns) const {
    for (std::int64_t j = 0; j < cols_; ++j) {
      const auto running = static_cast<double>(memory.buffers[1][j]);
      columns.mean[j] = static_cast<double>(memory.buffers[0][j]);
      columns.inverse[j] = deviation_ ? 1.0 / (running + epsilon_) : inverse_spread(running);
    }
  }

  void add(const Real* __restrict x, double* __restrict sums) const {
    for (std::int64_t j = 0; j < cols_; ++j) sums[j] += static_cast<double>(x[j]);
  }

  void add_squares(const Real* __restrict x, const double* __restrict mean,
                   double* __restrict sums) const {
    for (std::int64_t j = 0; j < cols_; ++j) {
      const double centred = static_cast<double>(x[j]) - mean[j];
      sums[j] += centred * centred;
    }
  }

  // sums[K] += sum of dy over the shard's rows, sums[K..2K) += sum of dy xhat.
  void add_slopes(const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>& dy,
                  const Columns& columns, double* __restrict sums) const {
    double* __restrict products = sums + cols_;
    const double* __restrict mean = columns.mean;
    const double* __restrict inverse = columns.inverse;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      const Real* __restrict in = sdk::row(x, i);
      const Real* __restrict delta = sdk::row(dy, i);
      for (std::int64_t j = 0; j < cols_; ++j) {
        const auto d = static_cast<double>(delta[j]);
        sums[j] += d;
        products[j] += d * ((static_cast<double>(in[j]) - mean[j]) * inverse[j]);
      }
    }
  }

  void normalize(const Real* __restrict x, const Columns& columns, Real* __restrict y) const {
    const double* __restrict mean = columns.mean;
    const double* __restrict factor = columns.factor;
    const double* __restrict offset = columns.offset;
    for (std::int64_t j = 0; j < cols_; ++j) {
      y[j] = static_cast<Real>((static_cast<double>(x[j]) - mean[j]) * factor[j] + offset[j]);
    }
  }

  void input_gradient(const Real* __restrict x, const Real* __restrict dy, const Columns& columns,
                      Real* __restrict dx) const {
    const double* __restrict mean = columns.mean;
    const double* __restrict factor = columns.factor;
    const double* __restrict offset = columns.offset;
    const double* __restrict slope = columns.slope;
    for (std::int64_t j = 0; j < cols_; ++j) {
      const double h = (static_cast<double>(x[j]) - mean[j]) * slope[j];
      dx[j] = static_cast<Real>(factor[j] * (static_cast<double>(dy[j]) - offset[j] - h));
    }
  }

  bool deviation_;
  double epsilon_;
  double momentum_;
  bool affine_;
  bool unbiased_;
  std::int64_t cols_ = 0;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("batch_norm", "0.1.0", sdk::layer<BatchNorm>());
