// Proves that what a component plans is checked before anything is made of it: sizes that overflow
// or that no machine has, unknown initializers, names that are none, impossible active sets; each
// as an input fault that names the component, the value and the limit; and that the largest legal
// sizes pass.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "core/model/component.hpp"
#include "core/model/network.hpp"
#include "core/sdk/plugin.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep {
namespace {

using Edit = std::function<void(sdk::Plan&)>;

// What the components here plan beside their width.
Edit& wanted() {
  static Edit edit;
  return edit;
}

template <class Real>
class Any {
 public:
  static constexpr sdk::Info kInfo = {.name = "any", .summary = "nothing"};
  void plan(const sdk::Request&, sdk::Plan& plan) const { wanted()(plan); }
  void accumulate(const sdk::Context&, std::uint32_t, const sdk::Memory<Real>&,
                  const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>*) const {}
  void forward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
               const sdk::Matrix<Real>&) const {}
  void backward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::Matrix<Real>*) const {}
};

const Catalogue& catalogue() {
  static constexpr const aesweep_component* kComponents[] = {sdk::layer<Any>(),
                                                             sdk::activation<Any>()};
  static const Catalogue whole = [] {
    aesweep_plugin_entry entry{};
    entry.magic = AESWEEP_ABI_MAGIC;
    entry.struct_size = sizeof entry;
    entry.id = "limits";
    entry.version = "1";
    entry.components = kComponents;
    entry.component_count = std::size(kComponents);
    Catalogue catalogue = test::builtins();
    const Status added = catalogue.add(entry, {"limits", "1", "/test/limits.so", ""});
    EXPECT_TRUE(added.ok()) << added.message();
    return catalogue;
  }();
  return whole;
}

constexpr std::int64_t kCols = 12;
constexpr std::int64_t kMost = std::int64_t{1} << 48;

Status planned(aesweep_kind kind, const Edit& edit) {
  wanted() = edit;
  auto made = Component<float>::create(catalogue(), kind, {"any", {}});
  return made.ok() ? made->plan(4, kCols, kCols) : made.status();
}

sdk::Initializer initializer(int kind) { return {static_cast<aesweep_initializer>(kind), 0, 0}; }

struct Case {
  std::string name;
  Edit edit;
  std::string text;  // After the component's label.
};

std::vector<Case> cases() {
  return {
      {"product_overflows", [](sdk::Plan& p) { p.learned("w", std::int64_t{1} << 62, 4, {}); },
       "plans tensor w of 4611686018427387904 x 4 elements; at most 281474976710656 can be"},
      {"product_too_large", [](sdk::Plan& p) { p.buffer("running", kMost, 2, {}); },
       "plans tensor running of 281474976710656 x 2 elements; at most 281474976710656 can be"},
      {"initializer", [](sdk::Plan& p) { p.learned("w", 2, 2, initializer(3)); },
       "plans tensor w with initializer 3, not in [0, 2]"},
      {"initializer_of_state", [](sdk::Plan& p) { p.buffer("b", 2, 2, initializer(77)); },
       "plans tensor b with initializer 77, not in [0, 2]"},
      {"name_with_slash", [](sdk::Plan& p) { p.learned("activation/w", 2, 2, {}); },
       "plans tensor activation/w, which is no name of lower-case letters, digits and _"},
      {"empty_name", [](sdk::Plan& p) { p.learned("", 2, 2, {}); }, "plans tensor , which is no"},
      {"round", [](sdk::Plan& p) { p.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, kMost + 1); },
       "plans statistics round 0 of 281474976710657 doubles; at most 281474976710656 can be"},
      {"negative_round", [](sdk::Plan& p) { p.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, -1); },
       "plans statistics round 0 of 18446744073709551615 doubles; at most 281474976710656"},
      {"rounds_together",
       [](sdk::Plan& p) {
         p.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, kMost);
         p.round(AESWEEP_BEFORE_BACKWARD, AESWEEP_SUM, 1);
       },
       "plans statistics round 1 of 1 doubles; at most 281474976710656 can be, over all its"},
      {"kept", [](sdk::Plan& p) { p.kept_bytes = kMost + 1; },
       "plans 281474976710657 kept bytes; at most 281474976710656 can be"},
      {"workspace", [](sdk::Plan& p) { p.workspace_bytes = ~std::uint64_t{0}; },
       "plans 18446744073709551615 bytes of workspace; at most 281474976710656 can be"},
      {"columns", [](sdk::Plan& p) { p.output_cols = std::int64_t{1} << 31; },
       "plans 2147483648 output columns; at most 2147483647 can be"},
      {"negative_active_set", [](sdk::Plan& p) { p.active_per_row = -1; },
       "plans an active set of -1 entries a row, not in [0, 12], the columns of its output"},
      {"active_set_wider_than_a_row", [](sdk::Plan& p) { p.active_per_row = 13; },
       "plans an active set of 13 entries a row, not in [0, 12], the columns of its output"},
  };
}

TEST(PlanLimits, RefusalsNameComponentValueAndLimit) {
  for (const auto& [kind, label] : {std::pair(AESWEEP_LAYER, "layer any (plugin limits): "),
                                    {AESWEEP_ACTIVATION, "activation any (plugin limits): "}}) {
    for (const Case& c : cases()) {
      SCOPED_TRACE(c.name);
      const Status status = planned(kind, c.edit);
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.fault(), Fault::kInput);
      EXPECT_NE(status.message().find(label + c.text), std::string::npos) << status.message();
    }
  }
}

TEST(PlanLimits, TheLargestLegalSizesPass) {
  const Status status = planned(AESWEEP_LAYER, [](sdk::Plan& p) {
    p.learned("w2_x", kMost, 1, initializer(2));
    p.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, kMost - 1);
    p.round(AESWEEP_BEFORE_FORWARD, AESWEEP_MAX, 1);
    p.kept_bytes = p.workspace_bytes = kMost;
    p.output_cols = p.active_per_row = (std::int64_t{1} << 31) - 1;
  });
  EXPECT_TRUE(status.ok()) << status.message();
}

// Each tensor may be, but not all of them.
TEST(PlanLimits, TheTensorsOfANetworkAreLimitedTogether) {
  wanted() = [](sdk::Plan& p) { p.learned("w", kMost / 4, 3, {}); };
  ModelSpec model;
  model.loss.name = "mse";
  for (const char* name : {"code", "output"}) {
    LayerSpec layer;
    layer.name = name;
    layer.layer = {"any", {}};
    model.layers.push_back(layer);
  }
  const auto network = Network<float>::create(model, catalogue(), 1, kCols, kCols, 4);
  ASSERT_FALSE(network.ok());
  EXPECT_NE(network.status().message().find(
                "model.layers.output: layer any (plugin limits): with tensor w the network has "
                "422212465065984 elements; at most 281474976710656 can be"),
            std::string::npos)
      << network.status().message();
}

}  // namespace
}  // namespace aesweep
