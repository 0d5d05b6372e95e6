// Dictionary recovery: how well learned directions match a known dictionary.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace aesweep {

// learned[K,D], atoms[A,D], row-major. The result is
//
//   (1 / A) * max over matchings m of  sum_a cos(atoms[a], learned[m(a)])
//
// where a matching gives each atom at most one learned row and each row at most one atom, and
// leaves nobody unmatched who could be matched (best_assignment). An atom without partner (K < A)
// counts 0. The cosine with a row whose norm is zero or not finite is 0. In [-1, 1]; 1 only if
// every atom was found up to a positive factor; 0 for A = 0. The sign counts: a decoder row that
// points the other way is not the atom, since codes are non-negative.
//
// Thousands of atoms may take minutes: `moved`, where given, is called once per atom in each of the
// two parts of the work.
//
// The mean of best cosines under a one-to-one matching is the usual measure of recovery in sparse
// dictionary learning; the matching is what keeps one learned row from standing for several atoms.
[[nodiscard]] double dictionary_recovery(std::span<const double> learned, std::int64_t learned_rows,
                                         std::span<const double> atoms, std::int64_t atom_rows,
                                         std::int64_t cols,
                                         const std::function<void()>& moved = {});

}  // namespace aesweep
