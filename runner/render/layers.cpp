#include "runner/render/layers.hpp"

#include <algorithm>
#include <utility>

#include "core/base/text.hpp"
#include "runner/config/node.hpp"
#include "runner/store/names.hpp"

namespace aesweep {
namespace {

constexpr std::string_view kWeights = "_weights";

std::string text_at(const Node& map, std::string_view key) {
  const Node* value = find(map, key);
  return value != nullptr && value->kind == NodeKind::kScalar ? value->text : "";
}

// A layer's weights, and the place of the layer in the model.
struct LayerMatrix {
  std::size_t place = 0;
  NamedTensor tensor;
};

std::string layer_name(const NamedTensor& tensor) {
  return tensor.name.substr(0, tensor.name.size() - kWeights.size());
}

// In the order of layers. A tensor belongs to the layer with the longest name that it begins with.
std::vector<LayerMatrix> matrices_of(std::vector<NamedTensor> tensors, const ModelLayers& model) {
  std::vector<LayerMatrix> matrices;
  for (NamedTensor& tensor : tensors) {
    if (tensor.shape.size() != 2 || tensor.bytes.empty() || !tensor.name.ends_with(kWeights)) {
      continue;
    }
    std::size_t place = model.layers.size();
    std::size_t longest = 0;
    for (std::size_t i = 0; i < model.layers.size(); ++i) {
      const std::string prefix = stored_name(model.layers[i].name) + "_";
      if (prefix.size() <= longest || !tensor.name.starts_with(prefix)) continue;
      place = i;
      longest = prefix.size();
    }
    if (place < model.layers.size()) matrices.push_back({place, std::move(tensor)});
  }
  std::stable_sort(matrices.begin(), matrices.end(),
                   [](const LayerMatrix& a, const LayerMatrix& b) { return a.place < b.place; });
  return matrices;
}

Status choose_one(const std::vector<LayerMatrix>& matrices, const std::string& problem) {
  std::string names;
  for (const LayerMatrix& matrix : matrices) {
    names += text(names.empty() ? "" : ", ", layer_name(matrix.tensor), " [",
                  matrix.tensor.shape[0], ", ", matrix.tensor.shape[1], "]");
  }
  return Status::input(text(problem, "; layers with a matrix of weights: ",
                            names.empty() ? "none" : names, "; choose one by --layer"));
}

Result<ChosenLayer> asked_layer(std::vector<LayerMatrix> matrices, const ModelLayers& model,
                                const std::string& asked) {
  const std::string wanted = stored_name(asked);
  for (LayerMatrix& matrix : matrices) {
    if (layer_name(matrix.tensor) != wanted) continue;
    return ChosenLayer{std::move(matrix.tensor), matrix.place > model.code, ""};
  }
  for (const ModelLayer& layer : model.layers) {
    if (stored_name(layer.name) != wanted) continue;
    if (layer.tied_to.empty()) {
      return choose_one(matrices, text("layer ", asked, " has no matrix of weights"));
    }
    return Status::input(text("layer ", asked, " has no weights of its own: its weights are those ",
                              "of ", layer.tied_to, " (tied); draw them by --layer ",
                              layer.tied_to));
  }
  return choose_one(matrices, text("no layer ", asked));
}

}  // namespace

Result<ModelLayers> model_layers(const std::string& config) {
  Result<Node> document = read_yaml(config, "the stored configuration");
  if (!document.ok()) return document.status();
  const Node* model = find(*document, "model");
  const Node* layers = model != nullptr ? find(*model, "layers") : nullptr;
  if (layers == nullptr || layers->kind != NodeKind::kList) {
    return Status::input("the stored configuration has no model.layers");
  }
  ModelLayers found;
  const std::string code = text_at(*model, "code");
  std::size_t codes = 0;
  for (const Node& layer : layers->items) {
    const std::string name = text_at(layer, "name");
    if (name == code) {
      found.code = found.layers.size();
      ++codes;
    }
    const bool tied = text_at(layer, "kind") == "tied_dense";
    found.layers.push_back({name, tied ? text_at(layer, "of") : ""});
  }
  if (codes == 1) return found;
  return Status::input(text("the stored configuration has ", codes, " layers called ",
                            code.empty() ? "model.code" : code, "; expected one"));
}

Result<ChosenLayer> choose_layer(std::vector<NamedTensor> tensors, const ModelLayers& model,
                                 const std::string& asked, std::int64_t input_width) {
  std::vector<LayerMatrix> matrices = matrices_of(std::move(tensors), model);
  if (!asked.empty()) return asked_layer(std::move(matrices), model, asked);
  const std::string code = stored_name(model.layers[model.code].name);
  const auto behind =
      std::find_if(matrices.begin(), matrices.end(),
                   [&](const LayerMatrix& matrix) { return matrix.place > model.code; });
  if (behind == matrices.begin()) {
    return choose_one(matrices, "no layer up to the code has a matrix of weights");
  }
  auto own = std::find_if(matrices.begin(), behind, [&](const LayerMatrix& matrix) {
    return layer_name(matrix.tensor) == code;
  });
  if (own == behind) own = behind - 1;
  if (input_width > 0 && own->tensor.shape[0] != input_width) {
    const auto first = std::find_if(matrices.begin(), behind, [&](const LayerMatrix& matrix) {
      return matrix.tensor.shape[0] == input_width;
    });
    if (first != behind) own = first;
  }
  std::string note;
  if (layer_name(own->tensor) != code) {
    note = text("drawn is layer ", layer_name(own->tensor), ", as ", code,
                input_width > 0 ? " has no weights on the input" : " has no weights");
  }
  return ChosenLayer{std::move(own->tensor), false, note};
}

std::int64_t first_width(const std::vector<NamedTensor>& tensors, const ModelLayers& model) {
  const std::vector<LayerMatrix> matrices = matrices_of(tensors, model);
  return matrices.empty() ? 0 : matrices.front().tensor.shape[0];
}

}  // namespace aesweep
