// Cases about the numbers themselves: single against double, own elements, randomness, optimizers
// at rest, NaN and other special values.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/conformance/checks.hpp"
#include "core/conformance/compare.hpp"
#include "core/conformance/stopwatch.hpp"

namespace aesweep::conformance {
namespace {

// The result that has one number per number of the input, and that input; empty: there is none.
struct Pair {
  const char* input = "";
  const char* result = "";
};

Pair elementwise_pair(const aesweep_component& component) {
  switch (component.kind) {
    case AESWEEP_ACTIVATION:
      return {"x", "y"};
    case AESWEEP_REGULARIZER:
      return {"output", "gradient"};
    case AESWEEP_QUANTIZER:
      return {"w", "q"};
    case AESWEEP_OPTIMIZER:
      return {"gradient", "w"};
    default:
      return {"x", "y"};
  }
}

// The result that shows what came in by the input. Regularizers see theirs in several views: their
// results are looked at together.
Pair visible_pair(const aesweep_component& component) {
  if (component.kind == AESWEEP_LOSS) return {"prediction", "loss"};
  return elementwise_pair(component);
}

}  // namespace

std::string check_precision(const Subject& subject) {
  constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
  const int count = for_each_example<float>(subject, [&](Live<float>& live) {
    const Inputs inputs = make_inputs(live, 9);
    Layout layout;
    layout.shards = {5, 4};
    Live<double> twice(subject, live.example());
    if (!twice.plan(live.shape())) fail("plan in f64 refuses what it takes in f32");
    const Outcome bounds =
        rounding_bounds(subject, live.example(), live.shape(), inputs, layout, kEpsilon);
    const std::string difference =
        beyond_bound(run(twice, inputs, layout), run(live, inputs, layout), bounds);
    if (!difference.empty()) {
      fail("in f32 (expected: in f64) ", difference,
           "; 64 roundings are allowed, conditioning included");
    }
  });
  return text("f32 within 64 roundings of f64, ", count, count == 1 ? " set" : " sets",
              " of parameters");
}

namespace {

// With another number at `moved`, the result changes there alone.
template <class T>
void check_own_element(const Live<T>& live, const Inputs& inputs, const Pair& pair,
                       std::size_t moved) {
  Layout layout;
  layout.shards = {4};
  const Outcome before = run(live, inputs, layout);
  const Piece* expected = find_piece(before, pair.result);
  if (expected == nullptr) return;  // On weights only: blocks say the same in rows-split.
  Inputs other = inputs;
  other.at(pair.input).values[moved] *= -0.75;
  const Outcome after = run(live, other, layout);
  const Piece* found = find_piece(after, pair.result);
  for (std::size_t k = 0; k < found->values.size(); ++k) {
    if (k == moved || found->values[k] == expected->values[k]) continue;
    fail("declared ELEMENTWISE, but ", pair.input, " [", moved, "] changes ", pair.result, " [", k,
         "] from ", expected->values[k], " to ", found->values[k]);
  }
}

}  // namespace

template <class T>
std::string check_elementwise(const Subject& subject) {
  const aesweep_component& component = subject.entry->component;
  if ((component.flags & AESWEEP_ELEMENTWISE) == 0) skip("not declared");
  const Pair pair = elementwise_pair(component);
  for_each_example<T>(subject, [&](Live<T>& live) {
    const Inputs inputs = make_inputs(live, 4);
    const std::size_t numbers = inputs.at(pair.input).values.size();
    const auto cols = static_cast<std::size_t>(inputs.at(pair.input).cols);
    // Inside, first, last.
    for (const std::size_t moved : {2 * cols + cols / 2, std::size_t{0}, numbers - 1}) {
      check_own_element(live, inputs, pair, moved);
    }
  });
  return "one number in moves one number out";
}

template <class T>
std::string check_random(const Subject& subject) {
  const bool declared = (subject.entry->component.flags & AESWEEP_RANDOM) != 0;
  bool differs = false;
  for_each_example<T>(subject, [&](Live<T>& live) {
    const Inputs inputs = make_inputs(live, 9);
    Layout layout;
    layout.shards = {5, 4};
    Layout other = layout;
    other.seed = 8;
    // What a quantizer makes of weights may not depend on when it is asked, either.
    if (!declared && live.component().kind == AESWEEP_QUANTIZER) other.step += 5;
    const std::string difference =
        first_difference(run(live, inputs, layout), run(live, inputs, other));
    if (!difference.empty() && !declared) {
      fail("with another seed and stream", other.step == layout.step ? " " : " at another step ",
           difference, "; declare AESWEEP_RANDOM");
    }
    differs = differs || !difference.empty();
  });
  if (declared && !differs) {
    warn("declared RANDOM, but another seed and stream change nothing with any example");
  }
  return declared ? "another stream, other numbers" : "does not depend on seed and stream";
}

namespace {

// On a loss that is linear in the weights, sum of g w, the gradient is g everywhere and no step is
// too long: whatever the rate, a descent goes down, or stands still if it waits.
template <class T>
void check_descent(const Live<T>& live, const Inputs& inputs) {
  Layout layout;
  layout.shards = {5, 4};
  layout.updates = 200;
  layout.steady_gradient = true;
  layout.may_decay = false;
  const std::vector<double>& g = inputs.at("gradient").values;
  const std::vector<double>& before = inputs.at("w").values;
  const Outcome outcome = run(live, inputs, layout);
  const std::vector<double>& after = find_piece(outcome, "w")->values;
  double change = 0.0;
  for (std::size_t k = 0; k < g.size(); ++k) change += g[k] * (after[k] - before[k]);
  if (change > 0.0) {
    fail(layout.updates, " updates with a constant gradient g raise the loss sum of g w by ",
         change, "; go against the gradient: w -= rate * g");
  }
}

}  // namespace

template <class T>
std::string check_update(const Subject& subject) {
  if (subject.entry->component.kind != AESWEEP_OPTIMIZER) skip("no optimizer");
  for_each_example<T>(subject, [&](Live<T>& live) {
    Inputs inputs = make_inputs(live, 9);
    Layout layout;
    layout.shards = {5, 4};
    // Weights as the optimizer itself leaves them: some keep theirs in a set.
    inputs.at("w") = *find_piece(run(live, inputs, layout), "w");
    layout.rate_factor = 0.0;
    const auto require_still = [&](const Inputs& given, const char* when) {
      const Outcome outcome = run(live, given, layout);
      const std::string difference = first_difference(given.at("w"), *find_piece(outcome, "w"));
      if (!difference.empty()) fail(when, difference);
    };
    require_still(inputs, "with rate_factor 0 ");
    layout.rate_factor = 1.0;
    layout.may_decay = false;
    Inputs flat = inputs;
    for (double& g : flat.at("gradient").values) g = 0.0;
    require_still(flat, "from fresh state, with a gradient of 0 and without MAY_DECAY, ");
    check_descent(live, inputs);
  });
  return "still at rate_factor 0 and at a gradient of 0 from fresh state; descends";
}

namespace {

template <class T>
struct Special {
  const char* name;
  double value;
  bool ordinary;  // Finite results are expected.
};

template <class T>
std::array<Special<T>, 6> specials() {
  using Limits = std::numeric_limits<T>;
  return {{{"0", 0.0, true},
           {"-0", -0.0, true},
           {"denormal", 5.0 * static_cast<double>(Limits::denorm_min()), true},
           {"huge", std::sqrt(static_cast<double>(Limits::max())) * 1e3, false},
           {"infinity", std::numeric_limits<double>::infinity(), false},
           {"NaN", std::numeric_limits<double>::quiet_NaN(), false}}};
}

// Plays the batch with its first row special. NUMERIC with text is an answer, too.
template <class T>
void play_special(const Live<T>& live, const Special<T>& special, bool& hidden) {
  constexpr std::int64_t kRows = 5;
  Inputs inputs = make_inputs(live, kRows);
  const Pair pair = visible_pair(live.component());
  const bool views = live.component().kind == AESWEEP_REGULARIZER;
  for (Piece& piece : inputs.batch) {
    if (!views && piece.name != pair.input) continue;
    std::fill_n(piece.values.begin(), piece.cols, special.value);
  }
  Layout layout;
  layout.shards = {3, 2};
  layout.any_value = !special.ordinary;
  try {
    const Outcome outcome = run(live, inputs, layout);
    if (!std::isnan(special.value)) return;
    const bool visible = std::any_of(outcome.begin(), outcome.end(), [&](const Piece& piece) {
      return (views || piece.name == pair.result) &&
             std::any_of(piece.values.begin(), piece.values.end(),
                         [](double v) { return std::isnan(v); });
    });
    hidden = hidden || !visible;
  } catch (const Finding& finding) {
    if (finding.refused == AESWEEP_NUMERIC) return;
    throw finding.behind(text("with ", special.name, " in ", pair.input, ": "));
  }
}

// Seconds that the component itself needs for a batch whose inputs are all `value`, or ordinary.
template <class T>
double seconds_of(const Subject& subject, const Example& example, const double* value) {
  constexpr std::int64_t kRows = 64;
  constexpr int kRepeats = 5;
  Stopwatch watch(subject.watch);
  Live<T> live({subject.entry, &watch}, example);
  if (!plan_for(live, 64)) return 0.0;
  Inputs inputs = make_inputs(live, kRows);
  if (value != nullptr) {
    Piece& input = inputs.at(visible_pair(live.component()).input);
    std::fill(input.values.begin(), input.values.end(), *value);
  }
  Layout layout;
  layout.shards = {kRows};
  layout.any_value = true;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRepeats; ++i) {
    watch.restart();
    (void)run(live, inputs, layout);
    least = std::min(least, watch.seconds());
  }
  return least;
}

}  // namespace

template <class T>
std::string check_special_values(const Subject& subject) {
  bool hidden = false;
  for_each_example<T>(subject, [&](Live<T>& live) {
    for (const Special<T>& special : specials<T>()) {
      bool here = false;
      play_special(live, special, here);
      // Of another example it may be meant so: a penalty can be constant.
      hidden = hidden || (here && live.example().name.empty());
    }
  });
  const Example example = default_example(subject.entry->component);
  const double denormal = specials<T>()[2].value;
  double ordinary = 0.0;
  double slow = 0.0;
  try {
    ordinary = seconds_of<T>(subject, example, nullptr);
    slow = seconds_of<T>(subject, example, &denormal);
  } catch (const Finding&) {
    slow = 0.0;  // It refuses this batch; nothing to time.
  }
  constexpr double kShortest = 2e-6;  // Below, the clock is what is measured.
  if (slow > 10.0 * std::max(ordinary, kShortest)) {
    warn("denormal numbers take ", static_cast<int>(slow / std::max(ordinary, kShortest)),
         " times as long as ordinary ones");
  }
  if (hidden) {
    warn("NaN in ", visible_pair(subject.entry->component).input,
         " cannot be seen in the result; let it through, so that a diverging run is noticed");
  }
  return "NaN seen, infinity and huge values survived, finite from zeros and denormals";
}

#define AESWEEP_INSTANTIATE(check)                   \
  template std::string check<float>(const Subject&); \
  template std::string check<double>(const Subject&)
AESWEEP_INSTANTIATE(check_elementwise);
AESWEEP_INSTANTIATE(check_random);
AESWEEP_INSTANTIATE(check_update);
AESWEEP_INSTANTIATE(check_special_values);
#undef AESWEEP_INSTANTIATE

}  // namespace aesweep::conformance
