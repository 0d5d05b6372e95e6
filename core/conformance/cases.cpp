#include "core/conformance/cases.hpp"

#include <array>
#include <exception>

#include "core/conformance/checks.hpp"
#include "core/conformance/purity_check.hpp"

namespace aesweep::conformance {
namespace {

Verdict purity(const Subject& subject) {
  const std::string found = impurity(subject);
  if (!found.empty()) {
    return {Grade::kFail,
            found + "; results depend on arguments alone: no static, mutable or uninitialised data",
            ""};
  }
  return {Grade::kOk, "same bits again, after others, elsewhere, on another instance, in threads",
          "f32, f64"};
}

template <ScalarCheck single, ScalarCheck twice>
Verdict twofold(const Subject& subject) {
  return in_both(subject, single, twice);
}

Verdict precision(const Subject& subject) {
  return {Grade::kOk, check_precision(subject), "f32, f64"};
}
Verdict gradient(const Subject& subject) { return {Grade::kOk, check_gradient(subject), "f64"}; }
// A figure, not a judgement: what goes wrong here is another case's failure.
Verdict throughput(const Subject& subject) {
  try {
    return {Grade::kOk, check_throughput(subject), "f32"};
  } catch (const Finding& finding) {
    return {Grade::kSkip, "not measured: " + finding.text, "f32"};
  }
}

#define AESWEEP_TWOFOLD(check) &twofold<&check<float>, &check<double>>

// Purity first of those that compare: an impure component can fail each of them. Then the cases
// that own what every case looks for.
constexpr std::array kCases = {
    Case{"parameters", "wrong parameters are refused with text", AESWEEP_TWOFOLD(check_parameters)},
    Case{"exceptions", "absurd requests come back as errors", AESWEEP_TWOFOLD(check_absurd_plans)},
    Case{"purity", "results depend on arguments alone", &purity},
    Case{"active-set", "the active set agrees with the matrix", AESWEEP_TWOFOLD(check_active_set)},
    Case{"shapes", "rows, columns, strides, alignment, canaries", AESWEEP_TWOFOLD(check_shapes)},
    Case{"steps", "early and late steps", AESWEEP_TWOFOLD(check_steps)},
    Case{"abi-longer", "structs of a newer host", AESWEEP_TWOFOLD(check_longer)},
    Case{"gradient", "gradients against differences", &gradient},
    Case{"f32-f64", "single against double precision", &precision},
    Case{"rows-split", "two halves give what the whole gives", AESWEEP_TWOFOLD(check_rows_split)},
    Case{"element-wise", "an element of x moves its own element of y alone",
         AESWEEP_TWOFOLD(check_elementwise)},
    Case{"rounds", "statistics rounds over 1 and 5 shards", AESWEEP_TWOFOLD(check_rounds)},
    Case{"in-place", "the same bits where y is x and dx is dy", AESWEEP_TWOFOLD(check_in_place)},
    Case{"random", "only what declares it reads the random stream", AESWEEP_TWOFOLD(check_random)},
    Case{"update", "optimizers stand still where they must", AESWEEP_TWOFOLD(check_update)},
    Case{"special-values", "NaN, infinity, denormals, huge values",
         AESWEEP_TWOFOLD(check_special_values)},
    Case{"instances", "two instances do not know of each other", AESWEEP_TWOFOLD(check_instances)},
    Case{"lifecycle", "a thousand instances leave no memory behind",
         AESWEEP_TWOFOLD(check_lifecycle)},
    Case{"throughput", "beside a copy of the same bytes", &throughput},
};

#undef AESWEEP_TWOFOLD

// One precision's part.
Verdict guarded(ScalarCheck check, const Subject& subject, const char* scalar) {
  try {
    return {Grade::kOk, check(subject), scalar};
  } catch (const Finding& finding) {
    return {finding.grade, finding.text, scalar, finding.violation};
  }
}

}  // namespace

std::span<const Case> cases() { return kCases; }

Verdict run_case(const Case& which, const Subject& subject) {
  try {
    return which.check(subject);
  } catch (const Finding& finding) {
    return {finding.grade, finding.text, "", finding.violation};
  } catch (const std::exception& error) {  // Of the checker itself.
    return {Grade::kFail, text("the check could not be made: ", error.what()), ""};
  }
}

Verdict in_both(const Subject& subject, ScalarCheck single, ScalarCheck twice) {
  Verdict first = guarded(single, subject, "f32");
  if (first.grade == Grade::kFail) return first;
  Verdict second = guarded(twice, subject, "f64");
  if (second.grade == first.grade) {
    first.scalar = "f32, f64";
    return first;
  }
  return second.grade > first.grade ? second : first;
}

}  // namespace aesweep::conformance
