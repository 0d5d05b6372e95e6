// tied_dense: y[B,D] = x[B,K] w^T + b[D], where w[D,K] are the weights of an earlier layer, `of`,
// so that a decoder shares its encoder's weights (Vincent et al., "Stacked denoising autoencoders",
// JMLR 2010). The bias is the layer's own and optional. Row-major; B may be 0.
//   dw = dy^T x, added by the host to the owner's gradient;  db = column sums of dy;  dx = dy w
// Non-finite inputs, weights and gradients pass on by the rules of the arithmetic. Where the owner
// is quantized, w is what its quantizer made of the weights.
//
// Where x carries an active set with few entries (use_entries), y and dw are formed from them
// alone; likewise dx where dx carries one. An entry of x meets a column of w, so w goes through the
// workspace in transposed tiles of kTile of its rows.
#include <algorithm>
#include <string>

#include "plugins/layers/entries.hpp"

namespace {

namespace sdk = aesweep::sdk;
using sdk::Op;

template <class Real>
inline constexpr std::int64_t kTile = sdk::kChunk<Real>;

// Rows of w are taken in groups whose lines stay in an 8-way cache even where their distance is a
// power of two.
constexpr std::int64_t kGroup = 8;

// tile[K,kTile] = the transpose of w's rows [first, first + width); the other columns are zero.
template <class Real>
void load_tile(const Real* w, std::int64_t width, std::int64_t cols, Real* tile) {
  if (width < kTile<Real>) std::fill_n(tile, cols * kTile<Real>, Real(0));
  for (std::int64_t group = 0; group < width; group += kGroup) {
    const std::int64_t end = std::min(group + kGroup, width);
    for (std::int64_t k = 0; k < cols; ++k) {
      for (std::int64_t r = group; r < end; ++r) tile[k * kTile<Real> + r] = w[r * cols + k];
    }
  }
}

// The way back: w's rows = the first `width` columns of tile, transposed.
template <class Real>
void store_tile(const Real* tile, std::int64_t width, std::int64_t cols, Real* w) {
  for (std::int64_t group = 0; group < width; group += kGroup) {
    const std::int64_t end = std::min(group + kGroup, width);
    for (std::int64_t k = 0; k < cols; ++k) {
      for (std::int64_t r = group; r < end; ++r) w[r * cols + k] = tile[k * kTile<Real> + r];
    }
  }
}

template <class Real>
sdk::Chunk<Real> load_chunk(const Real* from, std::int64_t width) {
  sdk::Chunk<Real> chunk = sdk::Chunk<Real>::Zero();
  std::copy_n(from, width, chunk.data());
  return chunk;
}

// body(first, width) for tiles of at most kTile of `rows` rows.
template <class Real, class Body>
void for_each_tile(std::int64_t rows, const Body& body) {
  for (std::int64_t first = 0; first < rows; first += kTile<Real>) {
    body(first, std::min(kTile<Real>, rows - first));
  }
}

template <class Real>
class TiedDense {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "tied_dense", .summary = "y = x w^T + b with the weights w of an earlier layer"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::word("of", "The earlier layer whose tensor `weights` is used", "encoder")),
      sdk::boolean("bias", "Whether b is there; it starts at 0", true)};

  explicit TiedDense(const sdk::Parameters& p) : of_(p.word("of")), bias_(p.boolean("bias")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    const aesweep_known_tensor* owner = sdk::find_tensor(request, of_ + "/weights");
    sdk::require(owner != nullptr, AESWEEP_INVALID_PARAMETER, "of: no earlier layer `", of_,
                 "` has a tensor weights; name a dense layer before this one");
    sdk::require(owner->cols == request.input_cols, AESWEEP_INVALID_SHAPE, "of: the weights of `",
                 of_, "` are ", owner->rows, " x ", owner->cols,
                 ", so this layer needs an input of ", owner->cols, " columns, not ",
                 request.input_cols);
    plan.output_cols = owner->rows;
    plan.viewed(*owner);
    if (bias_) plan.learned("bias", 1, owner->rows, {});
    plan.workspace_bytes =
        static_cast<std::uint64_t>(owner->cols * kTile<Real>) * std::uint64_t{sizeof(Real)};
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    const Real* w = memory.viewed[0];
    aesweep::set_rows(y, bias_ ? memory.parameters[0] : nullptr);
    if (x.rows == 0) return;
    if (aesweep::use_entries(x)) {
      decode_entries(w, x, y, static_cast<Real*>(memory.workspace));
    } else {
      sdk::gemm(Op::kPlain, Op::kTransposed, x.rows, y.cols, x.cols, Real(1), x.data, x.row_stride,
                w, x.cols, Real(1), y.data, y.row_stride);
    }
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    auto* tile = static_cast<Real*>(memory.workspace);
    if (bias_) aesweep::column_sums<Real>(dy, memory.gradients[0]);
    Real* dw = memory.viewed_gradients[0];
    if (x.rows == 0) {
      std::fill_n(dw, dy.cols * x.cols, Real(0));
    } else if (aesweep::use_entries(x)) {
      gradient_of_entries(x, dy, dw, tile);
    } else {
      sdk::gemm(Op::kTransposed, Op::kPlain, dy.cols, x.cols, x.rows, Real(1), dy.data,
                dy.row_stride, x.data, x.row_stride, Real(0), dw, x.cols);
    }
    if (dx == nullptr || dx->rows == 0) return;
    const Real* w = memory.viewed[0];
    if (aesweep::use_entries(*dx)) {
      input_gradient_at_entries(w, dy, *dx, tile);
    } else {
      sdk::gemm(Op::kPlain, Op::kPlain, dx->rows, dx->cols, dy.cols, Real(1), dy.data,
                dy.row_stride, w, dx->cols, Real(0), dx->data, dx->row_stride);
    }
  }

 private:
  using Chunk = sdk::Chunk<Real>;
  using TileRow = Eigen::Map<Chunk>;

  // y += x w^T
  static void decode_entries(const Real* w, const sdk::ConstMatrix<Real>& x,
                             const sdk::Matrix<Real>& y, Real* tile) {
    for_each_tile<Real>(y.cols, [&](std::int64_t first, std::int64_t width) {
      load_tile(w + first * x.cols, width, x.cols, tile);
      for (std::int64_t i = 0; i < x.rows; ++i) {
        Real* out = sdk::row(y, i) + first;
        Chunk sum = load_chunk(out, width);
        for (std::int64_t e = x.active->row_offsets[i]; e < x.active->row_offsets[i + 1]; ++e) {
          sum += x.active->values[e] * TileRow(tile + x.active->columns[e] * kTile<Real>);
        }
        std::copy_n(sum.data(), width, out);
      }
    });
  }

  // dw = dy^T x
  static void gradient_of_entries(const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>& dy,
                                  Real* dw, Real* tile) {
    for_each_tile<Real>(dy.cols, [&](std::int64_t first, std::int64_t width) {
      std::fill_n(tile, x.cols * kTile<Real>, Real(0));
      for (std::int64_t i = 0; i < x.rows; ++i) {
        const Chunk delta = load_chunk(sdk::row(dy, i) + first, width);
        for (std::int64_t e = x.active->row_offsets[i]; e < x.active->row_offsets[i + 1]; ++e) {
          TileRow(tile + x.active->columns[e] * kTile<Real>) += x.active->values[e] * delta;
        }
      }
      store_tile(tile, width, x.cols, dw + first * x.cols);
    });
  }

  // dx = dy w at the entries of dx, which is zero at first.
  static void input_gradient_at_entries(const Real* w, const sdk::ConstMatrix<Real>& dy,
                                        const sdk::Matrix<Real>& dx, Real* tile) {
    for_each_tile<Real>(dy.cols, [&](std::int64_t first, std::int64_t width) {
      load_tile(w + first * dx.cols, width, dx.cols, tile);
      for (std::int64_t i = 0; i < dx.rows; ++i) {
        const Chunk delta = load_chunk(sdk::row(dy, i) + first, width);
        for (std::int64_t e = dx.active->row_offsets[i]; e < dx.active->row_offsets[i + 1]; ++e) {
          const std::int32_t column = dx.active->columns[e];
          const Chunk terms = delta * TileRow(tile + column * kTile<Real>);
          sdk::row(dx, i)[column] += aesweep::sum_of_lanes(terms);
        }
      }
    });
  }

  std::string of_;
  bool bias_;
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("tied_dense", "0.1.0", sdk::layer<TiedDense>());
