// Proves that the catalogue finds components by kind and name, keeps them in order, and refuses
// doubles and incomplete descriptors with a text that names the libraries.
#include "core/model/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

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
  const Status twice = catalogue.add(relu, {"relu", "1", "/second/relu.so", ""});
  EXPECT_EQ(twice.fault(), Fault::kInput);
  EXPECT_NE(twice.message().find("/second/relu.so: activation relu is already defined by "
                                 "/first/relu.so"),
            std::string::npos)
      << twice.message();
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

TEST(Catalogue, NamesItsKinds) {
  EXPECT_EQ(kind_name(AESWEEP_ACTIVATION), "activation");
  EXPECT_EQ(kind_name(AESWEEP_OPTIMIZER), "optimizer");
}

}  // namespace
}  // namespace aesweep
