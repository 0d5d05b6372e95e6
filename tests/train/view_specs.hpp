// Networks of the components of view_components.hpp, one for each way through the passes: tied
// layers, several viewers, quantized owners, owners whose layer has rounds, penalties on
// parameters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/train/specs.hpp"

namespace aesweep::test {

struct ViewCase {
  std::string name;
  TrialSpec spec;
};

inline LayerSpec tied(const std::string& name, const std::string& of, bool plain = false) {
  return {name, {"tied", {{"of", of}, {"plain", plain}}}, ComponentSpec{"tanh", {}}, {}, {}};
}

inline LayerSpec scale_by(const std::string& name, const std::string& of) {
  return {name, {"scale_by", {{"of", of}}}, std::nullopt, {}, {}};
}

inline LayerSpec norm(const std::string& name) {
  return {name, {"norm", {}}, std::nullopt, {}, {}};
}

// `cols` is the width of the data; code widths are `units` and half of it.
inline std::vector<ViewCase> view_cases(std::int64_t cols, std::int64_t units) {
  std::vector<ViewCase> cases;
  const auto add = [&](const std::string& name, std::vector<LayerSpec> layers) -> TrialSpec& {
    TrialSpec spec;
    spec.model.loss = {"mse", {}};
    spec.model.layers = std::move(layers);
    spec.model.code = "code";
    spec.optimizer = {"sgd", {{"lr", 0.1}}};
    cases.push_back({name, spec});
    return cases.back().spec;
  };
  const LayerSpec in = dense("in", units, "tanh");
  const LayerSpec code = dense("code", units / 2, "tanh");
  const LayerSpec wide_code = dense("code", units, "sigmoid");
  add("tied_deep", {in, code, tied("up", "code/weights"), tied("output", "in/weights")});
  TrialSpec& quantized =
      add("tied_quantized", {in, code, tied("up", "code/weights"), tied("output", "in/weights")});
  quantized.model.layers[0].quantizer = ComponentSpec{"squash", {}};
  quantized.model.layers[1].quantizer = ComponentSpec{"squash", {}};
  add("three_viewers", {wide_code, tied("up", "code/weights"), tied("down", "code/weights", true),
                        tied("output", "code/weights")});
  add("viewed_bias", {in, tied("code", "in/weights"), scale_by("scaled", "code/bias"),
                      scale_by("output", "code/bias")});
  add("owner_with_rounds", {in, norm("code"), scale_by("scaled", "code/scale"),
                            scale_by("shifted", "code/shift"), tied("output", "in/weights")});
  LayerSpec gain = dense("code", units, "gain");
  add("owner_is_an_activation",
      {gain, scale_by("scaled", "code/activation/gain"), norm("norm"),
       scale_by("again", "code/activation/gain"), tied("output", "code/weights")});
  TrialSpec& gated = add("parameter_penalty", {wide_code, tied("output", "code/weights")});
  gated.model.layers[0].regularizers = {
      regularizer("gated", RegularizerTarget::kActivations, {{"coefficient", 0.3}})};
  gated.model.layers[0].quantizer = ComponentSpec{"squash", {}};
  TrialSpec& rounds = add("parameter_penalty_with_rounds", {gain, dense("output", cols, "")});
  rounds.model.layers[0].regularizers = {
      regularizer("gated", RegularizerTarget::kActivations, {{"coefficient", 0.3}})};
  return cases;
}

}  // namespace aesweep::test
