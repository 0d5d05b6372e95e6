// The check functions behind the list of cases, and what they share. Internal to this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/conformance/scene.hpp"

namespace aesweep::conformance {

// A check in one precision: the text of a success; anything else is a Finding.
using ScalarCheck = std::string (*)(const Subject& subject);

// The worse verdict of the two precisions.
[[nodiscard]] Verdict in_both(const Subject& subject, ScalarCheck single, ScalarCheck twice);

// The number of rows that a plan is made for in most cases.
inline constexpr std::int64_t kRowsMax = 64;

// Plans for an input of `cols` columns; 5 target columns, or as many as a loss needs.
template <class T>
[[nodiscard]] bool plan_for(Live<T>& live, std::int64_t cols, std::int64_t rows_max = kRowsMax) {
  const bool loss = live.component().kind == AESWEEP_LOSS;
  return live.plan({rows_max, cols, loss ? cols : 5});
}

// Plans for the first of a few ordinary widths that the component takes; a Finding if none.
template <class T>
void plan_ordinary(Live<T>& live) {
  for (const std::int64_t cols : {7, 8, 16, 37, 64, 1}) {
    if (plan_for(live, cols)) return;
  }
  fail("plan refuses 1, 7, 8, 16, 37 and 64 input columns: ", live.refusal());
}

// "with slope = 2: " for an example that is not the default.
[[nodiscard]] std::string with(const Example& example);

// Runs `body(live)` for every example that the component accepts, planned for an ordinary width;
// findings say which example it was. Returns how many ran.
template <class T, class Body>
int for_each_example(const Subject& subject, Body body) {
  int count = 0;
  for (const Example& example : examples(subject.entry->component)) {
    std::optional<Live<T>> live;
    try {
      live.emplace(subject, example);
    } catch (const Finding&) {
      if (example.name.empty()) throw;
      continue;  // The declared defaults need not go with every other value.
    }
    try {
      plan_ordinary(*live);
      body(*live);
      ++count;
    } catch (const Finding& finding) {
      throw finding.behind(with(example));
    }
  }
  return count;
}

// How far two correct ways to compute `inputs` in rounding of `epsilon` may be apart, per number of
// the outcome. Measured, not guessed: the batch is played in double with every input moved by a few
// units of rounding; 64 times the largest change seen per unit (64 roundings), plus 64 roundings of
// the number itself and of the largest one beside it. Where the function jumps, the jump.
[[nodiscard]] Outcome rounding_bounds(const Subject& subject, const Example& example,
                                      const Shape& shape, const Inputs& inputs,
                                      const Layout& layout, double epsilon);

template <class T>
[[nodiscard]] std::string check_shapes(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_steps(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_longer(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_parameters(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_absurd_plans(const Subject& subject);
[[nodiscard]] std::string check_gradient(const Subject& subject);
[[nodiscard]] std::string check_precision(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_rows_split(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_rounds(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_elementwise(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_active_set(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_in_place(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_random(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_update(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_special_values(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_lifecycle(const Subject& subject);
template <class T>
[[nodiscard]] std::string check_instances(const Subject& subject);
[[nodiscard]] std::string check_throughput(const Subject& subject);

}  // namespace aesweep::conformance
