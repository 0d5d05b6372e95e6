// Proves that the catalogue finds components by kind and name, keeps them in order, and refuses
// doubles, incomplete descriptors and contradictory declarations with a text that names the
// library.
#include "core/model/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/sdk/parameters.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep {
namespace {

TEST(Catalogue, HoldsTheBuiltInsSortedByKindAndName) {
  const auto& entries = test::builtins().entries();
  EXPECT_GE(entries.size(), 16u);
  EXPECT_TRUE(std::is_sorted(
      entries.begin(), entries.end(), [](const CatalogueEntry& a, const CatalogueEntry& b) {
        return std::make_pair(a.component.kind, std::string(a.component.name)) <
               std::make_pair(b.component.kind, std::string(b.component.name));
      }));
  EXPECT_NE(test::builtins().find(AESWEEP_LAYER, "dense"), nullptr);
  EXPECT_EQ(test::builtins().find(AESWEEP_ACTIVATION, "dense"), nullptr);
  EXPECT_EQ(test::builtins().find(AESWEEP_LAYER, "Dense"), nullptr);
}

TEST(Catalogue, RefusesASecondComponentOfTheSameKindAndName) {
  Catalogue catalogue;
  const aesweep_plugin_entry& relu = test::builtin_entry("relu");
  ASSERT_TRUE(catalogue.add(relu, {"relu", "1", "/first/relu.so", ""}).ok());
  const Status twice = catalogue.add(relu, {"relu2", "1", "/second/relu.so", ""});
  EXPECT_EQ(twice.fault(), Fault::kInput);
  EXPECT_NE(twice.message().find("/second/relu.so: activation relu is already defined by "
                                 "/first/relu.so"),
            std::string::npos)
      << twice.message();
}

TEST(Catalogue, ALibraryFromOutsideTakesThePlaceOfABuiltIn) {
  const aesweep_plugin_entry& relu = test::builtin_entry("relu");
  PluginLibrary builtin = {"relu", "1", "/builtin/relu.so", ""};
  builtin.builtin = true;
  Catalogue catalogue;
  ASSERT_TRUE(catalogue.add(relu, builtin).ok());
  EXPECT_EQ(catalogue.find(AESWEEP_ACTIVATION, "relu")->replaces, nullptr);
  ASSERT_TRUE(catalogue.add(relu, {"relu", "1", "/mine/librelu.so", ""}).ok());
  const CatalogueEntry* found = catalogue.find(AESWEEP_ACTIVATION, "relu");
  EXPECT_EQ(found->library->path, "/mine/librelu.so");
  EXPECT_EQ(found->replaces->path, "/builtin/relu.so");
  EXPECT_EQ(catalogue.entries().size(), 1u);
  const Status third = catalogue.add(relu, {"other", "1", "/other/relu.so", ""});
  EXPECT_NE(third.message().find("already defined by /mine/librelu.so"), std::string::npos)
      << third.message();
  EXPECT_FALSE(catalogue.add(relu, builtin).ok());
}

TEST(Catalogue, RefusesTwoLibrariesFromOutsideOfOneId) {
  Catalogue catalogue;
  ASSERT_TRUE(catalogue.add(test::builtin_entry("relu"), {"mine", "1", "/first.so", ""}).ok());
  const Status second = catalogue.add(test::builtin_entry("tanh"), {"mine", "1", "/second.so", ""});
  EXPECT_EQ(second.fault(), Fault::kInput);
  EXPECT_EQ(second.message().find("/second.so: calls itself mine, as /first.so does"), 0u)
      << second.message();
}

TEST(Catalogue, RefusesAComponentWithoutTables) {
  aesweep_component half = *test::builtin_entry("relu").components[0];
  half.table[AESWEEP_F64] = nullptr;
  half.name = "half";
  const aesweep_component* const components[] = {&half};
  aesweep_plugin_entry entry = test::builtin_entry("relu");
  entry.components = components;
  Catalogue catalogue;
  const Status status = catalogue.add(entry, {"half", "1", "/half.so", ""});
  const std::string lacks = "component half lacks a function that every activation has";
  EXPECT_NE(status.message().find(lacks), std::string::npos) << status.message();
  EXPECT_TRUE(catalogue.entries().empty());
}

// A catalogue that was offered relu with these declarations.
Status offered(const aesweep_parameter_info* parameters, std::uint32_t count) {
  aesweep_component odd = *test::builtin_entry("relu").components[0];
  odd.name = "odd";
  odd.parameters = parameters;
  odd.parameter_count = count;
  const aesweep_component* const components[] = {&odd};
  aesweep_plugin_entry entry = test::builtin_entry("relu");
  entry.components = components;
  return Catalogue().add(entry, {"odd", "1", "/odd.so", ""});
}

TEST(Catalogue, RefusesDeclarationsThatContradictThemselves) {
  static constexpr const char* kWords[] = {"sum", "mean", nullptr};
  static constexpr const char* kNone[] = {nullptr};
  const aesweep_parameter_info real = sdk::real("rate", "A rate", 0.5, sdk::inside(0, 1));
  const aesweep_parameter_info choice = sdk::choice("mode", "A mode", "mean", kWords);
  const aesweep_parameter_info word = sdk::word("of", "A layer", "encoder");
  struct Case {
    aesweep_parameter_info info;
    void (*change)(aesweep_parameter_info&);
    std::string text;
  };
  using Info = aesweep_parameter_info;
  const std::vector<Case> cases = {
      {real, [](Info& i) { i.name = nullptr; }, "parameters[0] is named null, expected [a-z]"},
      {real, [](Info& i) { i.name = "Rate"; }, "parameters[0] is named 'Rate', expected [a-z]"},
      {real, [](Info& i) { i.name = ""; }, "parameters[0] is named '', expected [a-z]"},
      {real, [](Info& i) { i.summary = nullptr; }, "rate: has no summary (null)"},
      {real, [](Info& i) { i.type = 5; }, "rate: has the unknown type 5"},
      {real, [](Info& i) { i.minimum = 2; }, "rate: has the empty range (2, 1)"},
      {real, [](Info& i) { i.minimum = std::nan(""); }, "rate: has the empty range"},
      {real, [](Info& i) { i.default_real = 1.0; },
       "rate: has a default that it does not accept: 1 is not in (0, 1)"},
      {sdk::required(real), [](Info& i) { i.default_real = 7.0; },
       "rate: has an example that it does not accept: 7 is not in (0, 1)"},
      {sdk::integer("units", "Width", 3, sdk::at_least(1)), [](Info& i) { i.default_integer = 0; },
       "units: has a default that it does not accept: 0 is not in [1, inf) (whole numbers)"},
      {sdk::boolean("bias", "Whether", true), [](Info& i) { i.default_integer = 2; },
       "bias: has default 2, expected 0 or 1"},
      {choice, [](Info& i) { i.choices = nullptr; }, "mode: is a choice without choices"},
      {choice, [](Info& i) { i.choices = kNone; }, "mode: is a choice without choices"},
      {choice, [](Info& i) { i.default_text = nullptr; },
       "mode: has no default_text (null); give one of: sum | mean"},
      {choice, [](Info& i) { i.default_text = "max"; },
       "mode: has a default that it does not accept: max is not in sum | mean"},
      {word, [](Info& i) { i.default_text = nullptr; }, "of: has no default_text (null)"},
      {word, [](Info& i) { i.default_text = "no blanks"; },
       "of: has a default that it does not accept: no blanks is not in names of 1 to 200"},
      {real, [](Info& i) { i.struct_size = 8; }, "parameters[0] is too short: struct_size 8"},
  };
  for (const Case& c : cases) {
    aesweep_parameter_info info = c.info;
    EXPECT_TRUE(offered(&info, 1).ok()) << offered(&info, 1).message();
    c.change(info);
    const Status status = offered(&info, 1);
    EXPECT_EQ(status.fault(), Fault::kWorld) << c.text;
    const std::string text = "/odd.so: the declaration of activation odd: " + c.text;
    EXPECT_NE(status.message().find(text), std::string::npos)
        << status.message() << "\nexpected: " << text;
  }
  const aesweep_parameter_info twice[] = {real, choice, real};
  EXPECT_NE(offered(twice, 3).message().find("rate: is declared twice"), std::string::npos);
  EXPECT_NE(offered(nullptr, 1).message().find("has parameters at null"), std::string::npos);
}

TEST(Catalogue, NamesItsKinds) {
  EXPECT_EQ(kind_name(AESWEEP_ACTIVATION), "activation");
  EXPECT_EQ(kind_name(AESWEEP_OPTIMIZER), "optimizer");
}

}  // namespace
}  // namespace aesweep
