#include "core/codes/itq.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "core/base/text.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Block = Eigen::Map<const Matrix>;

// Rows of one matrix product: what is held beside the codes stays small, and the sums over rows
// have one order.
constexpr std::int64_t kBlockRows = 512;

template <class Body>
void for_blocks(std::span<const double> values, std::int64_t rows, std::int64_t cols,
                const std::function<void()>& progress, const Body& body) {
  for (std::int64_t first = 0; first < rows; first += kBlockRows) {
    const std::int64_t count = std::min(kBlockRows, rows - first);
    body(Block(values.data() + first * cols, count, cols));
    if (progress) progress();
  }
}

Status no_convergence() {
  return Status::input("codes: itq: the rotation cannot be computed; take other bits");
}

// Columns are the principal axes, that of the largest variance first; an axis and its opposite are
// both right, so the element of largest magnitude (the first of equal ones) is made positive.
Result<Matrix> principal_axes(std::span<const double> centred, std::int64_t rows,
                              std::int64_t units, const std::function<void()>& progress) {
  Matrix covariance = Matrix::Zero(units, units);
  for_blocks(centred, rows, units, progress,
             [&](const Block& x) { covariance.noalias() += x.transpose() * x; });
  covariance /= static_cast<double>(rows);
  if (!covariance.allFinite()) {
    return Status::input("codes: itq: sums of the codes' squares are not finite; take other bits");
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);
  if (solver.info() != Eigen::Success) return no_convergence();
  if (progress) progress();
  Matrix axes = solver.eigenvectors().rowwise().reverse();
  for (std::int64_t j = 0; j < units; ++j) {
    std::int64_t largest = 0;
    for (std::int64_t i = 1; i < units; ++i) {
      if (std::abs(axes(i, j)) > std::abs(axes(largest, j))) largest = i;
    }
    if (axes(largest, j) < 0.0) axes.col(j) = -axes.col(j);
  }
  return axes;
}

// Uniform over rotations and reflections: the orthogonal factor of a matrix of normal numbers, with
// the signs that make the other factor's diagonal positive (Mezzadri 2007).
Matrix random_rotation(std::int64_t units, std::uint64_t seed) {
  const PhiloxKey key = stream_key(stream_hash(seed, "codes/itq", 0), 0);
  Matrix normal(units, units);
  const auto elements = static_cast<std::uint64_t>(units * units);
  for (std::uint64_t e = 0; e < elements; e += 4) {
    const auto four = standard_normals(philox(key, tensor_counter(0, e)));
    for (std::uint64_t i = e; i < std::min(e + 4, elements); ++i) normal.data()[i] = four[i - e];
  }
  const Eigen::HouseholderQR<Matrix> qr(normal);
  Matrix q = qr.householderQ();
  for (std::int64_t j = 0; j < units; ++j) {
    if (qr.matrixQR()(j, j) < 0.0) q.col(j) = -q.col(j);
  }
  return q;
}

}  // namespace

// With V the centred codes: B = sign(V R) with sign(0) = 1, then the R that is nearest for this B,
// from the singular vectors of V'B (orthogonal Procrustes).
Result<std::vector<double>> itq_rotation(std::span<const double> centred, std::int64_t rows,
                                         std::int64_t units, std::uint64_t seed,
                                         const std::function<void()>& progress) {
  const Result<Matrix> axes = principal_axes(centred, rows, units, progress);
  AESWEEP_RETURN_IF_ERROR(axes.status());
  // V is codes times axes; the axes are taken into the rotation instead of into the codes.
  Matrix rotation = axes.value() * random_rotation(units, seed);
  Matrix product(units, units);
  Matrix bits;
  for (int iteration = 0; iteration < kItqIterations; ++iteration) {
    product.setZero();
    for_blocks(centred, rows, units, progress, [&](const Block& x) {
      bits.noalias() = x * rotation;
      bits = bits.unaryExpr([](double z) { return z >= 0.0 ? 1.0 : -1.0; });
      product.noalias() += x.transpose() * bits;
    });
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(product, Eigen::ComputeFullU | Eigen::ComputeFullV);
    if (svd.info() != Eigen::Success) return no_convergence();
    rotation.noalias() = svd.matrixU() * svd.matrixV().transpose();
    if (!rotation.allFinite()) return no_convergence();
    if (progress) progress();
  }
  return std::vector<double>(rotation.data(), rotation.data() + rotation.size());
}

std::uint64_t itq_bytes(std::int64_t units) {
  // Rotation, axes, product and what the decompositions hold; the bits of a block.
  const auto width = static_cast<std::uint64_t>(units);
  return sizeof(double) * (14 * width * width + static_cast<std::uint64_t>(kBlockRows) * width);
}

}  // namespace aesweep
