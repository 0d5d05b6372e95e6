#include "core/math/recovery.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include "core/base/check.hpp"
#include "core/math/assignment.hpp"

namespace aesweep {
namespace {

double dot(const double* a, const double* b, std::int64_t count) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// The rows at unit length; rows of zero or non-finite norm become zero. A row is divided by its
// largest magnitude first, so that squares neither overflow nor vanish.
std::vector<double> unit_rows(std::span<const double> rows, std::int64_t count, std::int64_t cols) {
  std::vector<double> out(rows.begin(), rows.end());
  for (std::int64_t r = 0; r < count; ++r) {
    double* const row = out.data() + r * cols;
    double largest = 0.0;
    bool finite = true;
    for (std::int64_t c = 0; c < cols; ++c) {
      largest = std::fmax(largest, std::fabs(row[c]));
      finite = finite && std::isfinite(row[c]);
    }
    const bool usable = finite && largest > 0.0;
    for (std::int64_t c = 0; c < cols; ++c) row[c] = usable ? row[c] / largest : 0.0;
    const double norm = std::sqrt(dot(row, row, cols));
    for (std::int64_t c = 0; usable && c < cols; ++c) row[c] /= norm;
  }
  return out;
}

}  // namespace

double dictionary_recovery(std::span<const double> learned, std::int64_t learned_rows,
                           std::span<const double> atoms, std::int64_t atom_rows, std::int64_t cols,
                           const std::function<void()>& moved) {
  AESWEEP_CHECK(learned.size() == static_cast<std::size_t>(learned_rows * cols) &&
                    atoms.size() == static_cast<std::size_t>(atom_rows * cols),
                "dictionary_recovery needs learned[K,D] and atoms[A,D]");
  if (atom_rows == 0) return 0.0;
  const std::vector<double> unit_learned = unit_rows(learned, learned_rows, cols);
  const std::vector<double> unit_atoms = unit_rows(atoms, atom_rows, cols);
  std::vector<double> cosines(static_cast<std::size_t>(atom_rows * learned_rows));
  for (std::int64_t a = 0; a < atom_rows; ++a) {
    if (moved) moved();
    for (std::int64_t k = 0; k < learned_rows; ++k) {
      cosines[static_cast<std::size_t>(a * learned_rows + k)] =
          dot(unit_atoms.data() + a * cols, unit_learned.data() + k * cols, cols);
    }
  }
  const std::vector<std::int64_t> partner =
      best_assignment(cosines, atom_rows, learned_rows, moved);
  double sum = 0.0;
  for (std::int64_t a = 0; a < atom_rows; ++a) {
    const std::int64_t k = partner[static_cast<std::size_t>(a)];
    if (k >= 0) sum += cosines[static_cast<std::size_t>(a * learned_rows + k)];
  }
  return sum / static_cast<double>(atom_rows);
}

}  // namespace aesweep
