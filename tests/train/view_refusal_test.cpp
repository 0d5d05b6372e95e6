// Proves that impossible views and penalties that would train on a wrong gradient are refused
// before training, as input faults that name layer, component, tensor, shapes and the next step.
#include <gtest/gtest.h>

#include "core/model/network.hpp"
#include "tests/train/view_components.hpp"
#include "tests/train/view_specs.hpp"

namespace aesweep::test {
namespace {

struct Case {
  std::string name;
  std::vector<LayerSpec> layers;
  std::string text;
};

LayerSpec tied_as(const std::string& of, const std::string& as) {
  LayerSpec layer = tied("output", of);
  layer.layer.parameters.emplace_back("as", as);
  return layer;
}

std::vector<Case> cases() {
  const LayerSpec code = dense("code", 3, "");
  LayerSpec peeking = dense("output", 7, "gain");
  peeking.activation->parameters = {{"peek", true}};
  const auto with_penalty = [&](const std::string& kind) {
    LayerSpec layer = code;
    layer.regularizers = {regularizer(kind, RegularizerTarget::kActivations, {})};
    return layer;
  };
  const std::string tied_view = "model.layers.output: layer tied (plugin views): views ";
  return {
      {"unknown",
       {code, tied("output", "codec/weights")},
       tied_view + "codec/weights, which is not a learned tensor of an earlier layer; there are: "
                   "code/weights [7 x 3], code/bias [1 x 3]"},
      {"later",
       {code, tied("output", "after/weights"), dense("after", 7, "")},
       tied_view + "after/weights, which is not a learned tensor of an earlier layer"},
      {"first_layer",
       {tied("output", "code/weights")},
       tied_view + "code/weights, which is not a learned tensor of an earlier layer; there are: "
                   "none"},
      {"own",
       {code, tied("output", "output/bias")},
       tied_view + "output/bias, a tensor of its own layer; it has that already"},
      {"shape",
       {code, tied_as("code/weights", "wide")},
       tied_view + "code/weights as 7 x 4, but it is 7 x 3; plan the view with the owner's rows "
                   "and cols"},
      {"twice",
       {code, tied_as("code/weights", "twice")},
       "layer tied (plugin views): plans tensor code/weights twice"},
      {"activation",
       {code, peeking},
       "model.layers.output: activation: activation gain (plugin views): views in/weights, but "
       "only layers can compute with another layer's tensors"},
      {"blind",
       {with_penalty("blind"), tied("output", "code/weights")},
       "model.layers.code: regularizers.blind: regularizer blind (plugin views): declares "
       "AESWEEP_VIEW_PARAMETERS without on_layer_parameters, so that their gradient would be "
       "missing; add the function"},
      {"mute",
       {with_penalty("mute"), tied("output", "code/weights")},
       "model.layers.code: regularizers.mute: regularizer mute (plugin views): has "
       "on_layer_parameters without AESWEEP_VIEW_PARAMETERS, so that it would never be called; "
       "declare the view"},
  };
}

TEST(ViewRefusal, NamesWhatIsWrongAndTheNextStep) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    ModelSpec model;
    model.loss = {"mse", {}};
    model.layers = c.layers;
    const auto network = Network<float>::create(model, view_catalogue(), 1, 7, 7, 4);
    ASSERT_FALSE(network.ok());
    EXPECT_EQ(network.status().fault(), Fault::kInput);
    EXPECT_NE(network.status().message().find(c.text), std::string::npos)
        << network.status().message() << "\nexpected: " << c.text;
  }
}

}  // namespace
}  // namespace aesweep::test
