#include "core/train/optimizers.hpp"

#include <algorithm>
#include <string>

#include "core/base/text.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {
namespace {

template <class T>
Result<Optimizer<T>> make_optimizer(const ComponentSpec& spec, const Catalogue& catalogue,
                                    std::uint64_t seed, const std::string& path) {
  Result<Component<T>> component = Component<T>::create(catalogue, AESWEEP_OPTIMIZER, spec);
  if (!component.ok()) return component.status();
  AESWEEP_RETURN_IF_ERROR(component->plan(0, 0, 0));
  for (const aesweep_tensor& slot : component->tensors()) {
    if (slot.role == AESWEEP_STATE && slot.init == AESWEEP_INIT_CONSTANT) continue;
    return Status::input(text(component->name(), ".", slot.name,
                              ": an optimizer's tensors are constant at first and of role STATE"));
  }
  auto table = component->template table<typename Abi<T>::Optimizer>();
  return Optimizer<T>{std::move(component).value(), table, stream_hash(seed, path, AESWEEP_TRAIN)};
}

}  // namespace

template <class T>
Result<Optimizers<T>> Optimizers<T>::create(const TrialSpec& spec, const Catalogue& catalogue,
                                            const Network<T>& network) {
  Optimizers made;
  made.of_tensor_.resize(network.tensors().size());
  const auto add = [&](const ComponentSpec& component, const std::string& path) {
    Result<Optimizer<T>> optimizer = make_optimizer<T>(component, catalogue, spec.train.seed, path);
    if (optimizer.ok()) made.all_.push_back(std::move(optimizer).value());
    return optimizer.status();
  };
  AESWEEP_RETURN_IF_ERROR(add(spec.optimizer, "optimizer").in("optimizer"));
  for (std::size_t l = 0; l < network.layers().size(); ++l) {
    const std::optional<LayerOptimizerSpec>& own = spec.model.layers[l].optimizer;
    if (!own) continue;
    const Layer<T>& layer = network.layers()[l];
    const std::string where = text("model.layers.", layer.name, ".optimizer");
    const bool quantized_only = own->on == OptimizerTarget::kQuantized;
    if (quantized_only && !layer.quantizer) {
      return Status::input(where +
                           ".on: is quantized, but the layer has no quantizer; add one or let the "
                           "optimizer work on: all");
    }
    if (layer.learned.count == 0) {
      return Status::input(where + ": the layer has nothing to learn; leave its optimizer out");
    }
    AESWEEP_RETURN_IF_ERROR(
        add(own->component, text("layers/", layer.name, "/optimizer")).in(where));
    for (int t = layer.learned.first; t < layer.learned.first + layer.learned.count; ++t) {
      const auto tensor = static_cast<std::size_t>(t);
      if (quantized_only && !network.tensors()[tensor].quantized) continue;
      made.of_tensor_[tensor] = made.all_.size() - 1;
    }
  }
  return made;
}

template <class T>
bool Optimizers<T>::blockwise() const {
  return std::all_of(all_.begin(), all_.end(), [](const Optimizer<T>& optimizer) {
    return optimizer.component.has(AESWEEP_BLOCKWISE);
  });
}

template <class T>
std::size_t Optimizers<T>::slots_max() const {
  std::size_t most = 0;
  for (const Optimizer<T>& optimizer : all_) most = std::max(most, optimizer.slots());
  return most;
}

template class Optimizers<float>;
template class Optimizers<double>;

}  // namespace aesweep
