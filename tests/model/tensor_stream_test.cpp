// Proves that a component's random stream is another one for every tensor it is called on: without
// that, a stochastic quantizer would draw the same bits for two tensors of a layer.
#include <gtest/gtest.h>

#include <set>

#include "core/model/network.hpp"
#include "tests/support/builtins.hpp"

namespace aesweep {
namespace {

TEST(TensorStream, DiffersBetweenTheTensorsOfANetwork) {
  ModelSpec model;
  model.loss.name = "mse";
  for (const char* name : {"code", "output"}) {
    LayerSpec layer;
    layer.name = name;
    layer.layer = {"dense", {{"units", std::int64_t{5}}}};
    model.layers.push_back(layer);
  }
  const auto network = Network<float>::create(model, test::builtins(), 1, 5, 5, 4);
  ASSERT_TRUE(network.ok()) << network.status().message();
  std::set<std::uint64_t> streams;
  for (const Tensor& tensor : network->tensors()) streams.insert(tensor_stream(7, tensor));
  EXPECT_EQ(network->tensors().size(), 4u);
  EXPECT_EQ(streams.size(), 4u);
}

}  // namespace
}  // namespace aesweep
