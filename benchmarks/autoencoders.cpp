#include "benchmarks/autoencoders.hpp"

namespace aesweep {

std::vector<BenchmarkNetwork> benchmark_networks() {
  return {{"784-400-784", {784, 400, 784}, 128},
          {"784-1024-784", {784, 1024, 784}, 256},
          {"784-250-10-250-784", {784, 250, 10, 250, 784}, 128}};
}

TrialSpec training_spec(const BenchmarkNetwork& network) {
  TrialSpec spec;
  const std::size_t layers = network.widths.size() - 1;
  for (std::size_t l = 1; l <= layers; ++l) {
    LayerSpec layer;
    const bool code = l == layers / 2;
    layer.name = code ? "code" : "layer" + std::to_string(l);
    layer.layer = {"dense", {{"units", network.widths[l]}}};
    layer.activation = ComponentSpec{code ? "tanh" : l == layers ? "sigmoid" : "relu", {}};
    if (code) {
      layer.regularizers = {
          {"l1", RegularizerTarget::kActivations, {"l1", {{"coefficient", 1e-3}}}}};
    }
    spec.model.layers.push_back(layer);
  }
  spec.model.loss = {"mse", {}};
  spec.optimizer = {"adam", {}};
  spec.train.batch_rows = network.batch_rows;
  spec.train.shard_rows = default_shard_rows(network.batch_rows);
  return spec;
}

BenchmarkData::BenchmarkData(std::int64_t rows, std::int64_t cols)
    : samples_(static_cast<std::size_t>(rows * cols)) {
  std::uint32_t state = 1;
  for (std::byte& sample : samples_) {
    state = state * 1664525u + 1013904223u;
    sample = static_cast<std::byte>(state >> 24);
  }
  Split split;
  split.element = Element::kU8;
  split.rows = rows;
  split.cols = cols;
  split.scale = 1.0 / 255.0;
  split.samples = samples_.data();
  split.variation = 1.0;
  dataset_.train = split;
  dataset_.test = split;
}

DataExtent BenchmarkData::extent() const {
  return {dataset_.train.rows, dataset_.test.rows, dataset_.train.cols};
}

}  // namespace aesweep
