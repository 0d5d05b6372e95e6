// Proves that no two components of a model draw the same random bits, in either mode: not even a
// regularizer that bears the name of another place in its layer.
#include <gtest/gtest.h>

#include <set>

#include "core/model/network.hpp"
#include "core/sdk/philox.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep {
namespace {

TEST(ComponentStreams, DifferWhateverARegularizerIsCalled) {
  ModelSpec model;
  model.loss.name = "mse";
  LayerSpec layer;
  layer.name = "code";
  layer.layer = {"dense", {{"units", std::int64_t{5}}}};
  layer.activation = ComponentSpec{"tanh", {}};
  layer.quantizer = ComponentSpec{"binary", {}};
  for (const char* name : {"activation", "quantizer", "optimizer", "regularizers"}) {
    layer.regularizers.push_back(
        {name, RegularizerTarget::kWeights, {"l1", {{"coefficient", 0.1}}}});
  }
  model.layers = {layer};
  const auto network = Network<float>::create(model, test::builtins(), 9, 5, 5, 4);
  ASSERT_TRUE(network.ok()) << network.status().message();
  const Layer<float>& made = network->layers().front();
  std::vector<Streams> all = {network->loss_streams(), made.layer.streams, made.activation->streams,
                              made.quantizer->streams};
  for (const Regularizer<float>& r : made.on_weights) all.push_back(r.streams);
  // The path of a layer's optimizer, which tests of optimizers hold to.
  std::set<std::uint64_t> different = {stream_hash(9, "layers/code/optimizer", AESWEEP_TRAIN)};
  for (const Streams& streams : all) different.insert(streams.begin(), streams.end());
  EXPECT_EQ(all.size(), 8u);
  EXPECT_EQ(different.size(), 1 + 2 * all.size());
}

}  // namespace
}  // namespace aesweep
