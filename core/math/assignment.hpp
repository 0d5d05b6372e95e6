// Assignment: which row goes with which column so that the sum of their scores is largest.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace aesweep {

// The exact linear assignment for score[rows, cols] (row-major, finite): entry r of the result is
// the column of row r, each column used at most once, or -1 for rows left over where rows > cols;
// min(rows, cols) rows get a column and the sum of score[r, column of r] is the largest possible.
// Among equal sums the choice is fixed by the input. O(min^2 * max) time, O(rows + cols) memory
// beside the input and, where rows > cols, its transpose. `moved`, where given, is called once per
// row, or where rows > cols per column: O(min * max) apart.
//
// Shortest augmenting paths with dual variables: R. Jonker and A. Volgenant, "A shortest augmenting
// path algorithm for dense and sparse linear assignment problems", Computing 38 (1987); the
// rectangular form as in D. F. Crouse, "On implementing 2D rectangular assignment algorithms", IEEE
// Transactions on Aerospace and Electronic Systems 52 (2016).
[[nodiscard]] std::vector<std::int64_t> best_assignment(std::span<const double> score,
                                                        std::int64_t rows, std::int64_t cols,
                                                        const std::function<void()>& moved = {});

}  // namespace aesweep
