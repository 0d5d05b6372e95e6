// Short ways to write trial specs in tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/model/spec.hpp"

namespace aesweep::test {

// A dense layer; 0 units take the target's width; no activation if the name is empty.
inline LayerSpec dense(const std::string& name, std::int64_t units, const std::string& activation,
                       std::vector<NamedParameter> activation_parameters = {}) {
  LayerSpec layer;
  layer.name = name;
  layer.layer = {"dense", {{"units", units}}};
  if (!activation.empty()) {
    layer.activation = ComponentSpec{activation, std::move(activation_parameters)};
  }
  return layer;
}

inline RegularizerSpec regularizer(const std::string& kind, RegularizerTarget on,
                                   std::vector<NamedParameter> parameters) {
  return {kind, on, {kind, std::move(parameters)}};
}

}  // namespace aesweep::test
