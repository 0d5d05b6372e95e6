#include "core/conformance/compare.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace aesweep::conformance {
namespace {

std::string place(const Piece& piece, std::size_t k) {
  const auto cols = static_cast<std::size_t>(std::max<std::int64_t>(piece.cols, 1));
  if (piece.rows == 1 && piece.cols == 1) return piece.name;
  return text(piece.name, " (", k / cols, ", ", k % cols, ")");
}

std::string both(const Piece& expected, const Piece& found, std::size_t k) {
  return text(place(expected, k), " is ", format_real(found.values[k]), ", expected ",
              format_real(expected.values[k]));
}

bool same_bits(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

}  // namespace

std::string first_difference(const Piece& expected, const Piece& found) {
  if (expected.values.size() != found.values.size()) {
    return text(expected.name, " has ", found.values.size(), " numbers, expected ",
                expected.values.size());
  }
  for (std::size_t k = 0; k < expected.values.size(); ++k) {
    if (!same_bits(expected.values[k], found.values[k])) return both(expected, found, k);
  }
  return {};
}

std::string first_difference(const Outcome& expected, const Outcome& found) {
  for (std::size_t p = 0; p < std::min(expected.size(), found.size()); ++p) {
    std::string difference = first_difference(expected[p], found[p]);
    if (!difference.empty()) return difference;
  }
  if (expected.size() != found.size()) return "another number of results";
  return {};
}

std::string beyond_bound(const Outcome& expected, const Outcome& found, const Outcome& bounds) {
  std::string worst;
  double most = 1.0;
  for (std::size_t p = 0; p < expected.size(); ++p) {
    for (std::size_t k = 0; k < expected[p].values.size(); ++k) {
      if (same_bits(expected[p].values[k], found[p].values[k])) continue;
      const double apart = std::abs(expected[p].values[k] - found[p].values[k]);
      const double bound = bounds[p].values[k];
      const double excess = apart <= bound ? 0.0 : apart / bound;  // NaN exceeds any bound.
      if (excess <= most) continue;
      most = excess;
      worst = text(both(expected[p], found[p], k), ": apart by ", apart, ", at most ", bound);
    }
  }
  return worst;
}

}  // namespace aesweep::conformance
