// A catalogue of small made-up components, and the shortest way from a text to an experiment or to
// its fault: for tests of runner/config, which looks at declarations alone and runs no component.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/catalogue.hpp"
#include "runner/config/experiment.hpp"

namespace aesweep::test {

// layers dense(units, bias, initializer), tied(of required, a name); activations relu, tanh,
// leaky_relu(slope), topk(k required); regularizers l1, l2(coefficient required, reduction);
// quantizer binary(limit); losses mse, huber(delta); optimizers adam(lr, beta1), sgd(lr, momentum).
[[nodiscard]] const Catalogue& fake_catalogue();

// An experiment of eight lines that is complete. Line 6 is the layer `code`, line 8 the optimizer.
inline constexpr std::string_view kBase =
    "schema: 1\n"
    "data: {source: superposition}\n"
    "model:\n"
    "  loss: mse\n"
    "  layers:\n"
    "    - {name: code, kind: dense, units: 64, activation: relu}\n"
    "    - {name: out, kind: dense}\n"
    "optimizer: adam\n";

// kBase with a line (from 1) replaced, or with `replacement` after the last line for line 9.
[[nodiscard]] std::string base_with(int line, std::string_view replacement);

// Both stages on a file called a.yaml.
[[nodiscard]] Result<Experiment> resolve(std::string yaml,
                                         const std::vector<Override>& overrides = {},
                                         const std::string& data_dir = "");

// The message of the fault that the text must have; "no fault" if it has none.
[[nodiscard]] std::string fault(std::string yaml, const std::vector<Override>& overrides = {});

}  // namespace aesweep::test
