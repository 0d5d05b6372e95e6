// Proves that a component's parameters are completed and checked as declared: every type, every
// edge of a range, unknown, doubled and missing names, each with its text. Expected texts are
// written by hand.
#include "core/model/parameters.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace aesweep {
namespace {

constexpr const char* kWords[] = {"sum", "mean", nullptr};

aesweep_parameter_info info(const char* name, aesweep_parameter_type type, std::uint32_t flags,
                            double minimum, double maximum) {
  return {sizeof(aesweep_parameter_info),
          static_cast<std::uint32_t>(type),
          flags,
          0,
          name,
          "",
          3,
          0.5,
          "mean",
          minimum,
          maximum,
          kWords};
}

const std::vector<aesweep_parameter_info> kDeclared = {
    info("units", AESWEEP_INTEGER, AESWEEP_REQUIRED, 1, 100),
    info("rate", AESWEEP_REAL, AESWEEP_ABOVE_MINIMUM | AESWEEP_BELOW_MAXIMUM, 0, 1),
    info("bias", AESWEEP_BOOLEAN, 0, 0, 0), info("reduction", AESWEEP_CHOICE, 0, 0, 0)};

aesweep_component component() {
  aesweep_component c{};
  c.struct_size = sizeof c;
  c.name = "part";
  c.parameters = kDeclared.data();
  c.parameter_count = static_cast<std::uint32_t>(kDeclared.size());
  return c;
}

TEST(Parameters, DefaultsFillWhatIsNotGivenInDeclaredOrder) {
  const auto complete = complete_parameters(component(), {{"units", std::int64_t{7}}});
  ASSERT_TRUE(complete.ok()) << complete.status().message();
  const std::vector<NamedParameter> expected = {{"units", std::int64_t{7}},
                                                {"rate", 0.5},
                                                {"bias", true},
                                                {"reduction", std::string("mean")}};
  EXPECT_EQ(complete.value(), expected);
}

TEST(Parameters, AnIntegerServesAsARealNumberButNotTheReverse) {
  EXPECT_EQ(
      std::get<double>(checked_value(info("x", AESWEEP_REAL, 0, 0, 5), std::int64_t{2}).value()),
      2.0);
  EXPECT_FALSE(checked_value(kDeclared[0], 2.0).ok());
  EXPECT_FALSE(checked_value(kDeclared[2], std::int64_t{1}).ok());
}

TEST(Parameters, EveryRefusalSaysWhatIsAccepted) {
  struct Case {
    std::vector<NamedParameter> given;
    std::string message;
  };
  const NamedParameter units = {"units", std::int64_t{7}};
  const std::vector<Case> cases = {
      {{}, "part.units: is required, a value in [1, 100] (whole numbers)"},
      {{{"units", std::int64_t{0}}}, "part.units: 0 is not in [1, 100] (whole numbers)"},
      {{{"units", std::int64_t{101}}}, "part.units: 101 is not in [1, 100] (whole numbers)"},
      {{units, {"rate", 0.0}}, "part.rate: 0 is not in (0, 1)"},
      {{units, {"rate", 1.0}}, "part.rate: 1 is not in (0, 1)"},
      {{units, {"rate", std::numeric_limits<double>::quiet_NaN()}},
       "part.rate: nan is not in (0, 1)"},
      {{units, {"bias", std::string("yes")}}, "part.bias: yes is not in true | false"},
      {{units, {"reduction", std::string("max")}}, "part.reduction: max is not in sum | mean"},
      {{units, {"unit", std::int64_t{1}}}, "part.unit: no such parameter"},
      {{units, units}, "part.units: given twice"}};
  for (const Case& c : cases) {
    const auto complete = complete_parameters(component(), c.given);
    ASSERT_FALSE(complete.ok()) << c.message;
    EXPECT_EQ(complete.status().message(), c.message);
    EXPECT_EQ(complete.status().fault(), Fault::kInput);
  }
}

// A library of a later version: its structs are longer than ours.
TEST(Parameters, DeclarationsAreWalkedByTheirOwnSize) {
  struct Longer {
    aesweep_parameter_info known;
    double unknown[3];
  };
  std::vector<Longer> longer;
  for (const aesweep_parameter_info& info : kDeclared) {
    longer.push_back({info, {1e300, 1e300, 1e300}});
    longer.back().known.struct_size = sizeof(Longer);
  }
  aesweep_component c = component();
  c.parameters = &longer.front().known;
  const auto complete = complete_parameters(c, {{"units", std::int64_t{7}}});
  ASSERT_TRUE(complete.ok()) << complete.status().message();
  EXPECT_EQ(complete.value(),
            complete_parameters(component(), {{"units", std::int64_t{7}}}).value());
}

}  // namespace
}  // namespace aesweep
