#include "core/model/network.hpp"

#include <algorithm>

#include "core/base/buffer.hpp"
#include "core/base/check.hpp"
#include "core/model/initialize.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {

namespace {

// Whether the activation may overwrite its input: nobody reads that input afterwards.
template <class T>
bool may_work_in_place(const Layer<T>& layer) {
  if (!layer.activation || !layer.activation->component.has(AESWEEP_IN_PLACE)) return false;
  const auto& rounds = layer.activation->component.rounds();
  const auto& penalties = layer.on_activations;
  return !layer.layer.component.has(AESWEEP_READS_OUTPUT) &&
         std::none_of(rounds.begin(), rounds.end(),
                      [](const aesweep_round& r) { return r.phase == AESWEEP_BEFORE_BACKWARD; }) &&
         std::none_of(penalties.begin(), penalties.end(), [](const Regularizer<T>& r) {
           return (r.component.views() & AESWEEP_VIEW_PRE_ACTIVATION) != 0;
         });
}

// What a regularizer lacks for its place. A penalty that reads the layer's parameters and gives no
// gradient for them would train on the wrong gradient without a word.
template <class T>
Status check_regularizer(const Regularizer<T>& r, bool on_weights) {
  if (!r.component.tensors().empty()) {
    return Status::input(r.component.label() + ": plans tensors, which regularizers cannot have");
  }
  if (on_weights) return {};
  if (!r.component.rounds().empty() && r.table.accumulate == nullptr) {
    return Status::input(r.component.label() + ": plans statistics rounds without accumulate");
  }
  const bool reads = (r.component.views() & AESWEEP_VIEW_PARAMETERS) != 0;
  if (reads && r.table.on_layer_parameters == nullptr) {
    return Status::input(r.component.label() +
                         ": declares AESWEEP_VIEW_PARAMETERS without on_layer_parameters, so that "
                         "their gradient would be missing; add the function");
  }
  if (!reads && r.table.on_layer_parameters != nullptr) {
    return Status::input(r.component.label() +
                         ": has on_layer_parameters without AESWEEP_VIEW_PARAMETERS, so that it "
                         "would never be called; declare the view");
  }
  return {};
}

std::int64_t value_count(const std::vector<Tensor>& tensors) {
  std::int64_t count = 0;
  for (const Tensor& tensor : tensors) count += static_cast<std::int64_t>(tensor.elements);
  return count;
}

}  // namespace

template <class T>
Streams Network<T>::streams(const std::string& path) const {
  return {stream_hash(seed_, path, AESWEEP_TRAIN), stream_hash(seed_, path, AESWEEP_EVAL)};
}

template <class T>
Result<Network<T>> Network<T>::create(const ModelSpec& spec, const Catalogue& catalogue,
                                      std::uint64_t seed, std::int64_t input_cols,
                                      std::int64_t target_cols, std::int64_t shard_rows_max) {
  Network network;
  network.seed_ = seed;
  network.input_cols_ = input_cols;
  network.target_cols_ = target_cols;
  network.target_ = spec.target;
  network.shard_rows_max_ = shard_rows_max;
  if (spec.layers.empty()) return Status::input("model.layers: is empty; name at least one layer");
  std::int64_t cols = input_cols;
  for (const LayerSpec& layer : spec.layers) {
    AESWEEP_RETURN_IF_ERROR(
        network.add_layer(layer, catalogue, cols, shard_rows_max).in("model.layers." + layer.name));
    cols = network.layers_.back().output_cols;
  }
  if (cols != target_cols) {
    return Status::input(text("model.layers.", spec.layers.back().name, ": gives ", cols,
                              " columns, but the target has ", target_cols,
                              "; leave out its units or set them to ", target_cols));
  }
  const auto code = std::find_if(spec.layers.begin(), spec.layers.end(),
                                 [&](const LayerSpec& l) { return l.name == spec.code; });
  if (code == spec.layers.end()) {
    return Status::input(text("model.code: no layer is named ", spec.code));
  }
  network.code_layer_ = static_cast<int>(code - spec.layers.begin());
  AESWEEP_RETURN_IF_ERROR(network.set_loss(spec, catalogue, shard_rows_max));
  return network;
}

template <class T>
Status Network<T>::set_loss(const ModelSpec& spec, const Catalogue& catalogue,
                            std::int64_t shard_rows_max) {
  Result<Component<T>> loss = Component<T>::create(catalogue, AESWEEP_LOSS, spec.loss);
  if (!loss.ok()) return loss.status().in("model.loss");
  AESWEEP_RETURN_IF_ERROR(loss->plan(shard_rows_max, target_cols_, target_cols_).in("model.loss"));
  if (!loss->tensors().empty() || !loss->rounds().empty()) {
    return Status::input(text("model.loss: ", loss->name(),
                              " asks for tensors or statistics rounds, which losses cannot have"));
  }
  loss_table_ = loss->template table<typename Abi<T>::Loss>();
  loss_streams_ = streams("loss");
  loss_ = std::move(loss).value();
  return {};
}

template <class T>
Result<Transform<T>> Network<T>::make_transform(const Catalogue& catalogue, aesweep_kind kind,
                                                const ComponentSpec& spec, const std::string& path,
                                                std::int64_t input_cols,
                                                std::int64_t shard_rows_max) {
  Result<Component<T>> component = Component<T>::create(catalogue, kind, spec);
  if (!component.ok()) return component.status();
  // All tensors so far are those of earlier layers.
  const TensorRange earlier = {0, static_cast<int>(tensors_.size())};
  AESWEEP_RETURN_IF_ERROR(component->plan(shard_rows_max, input_cols, target_cols_,
                                          known(kind == AESWEEP_LAYER ? earlier : TensorRange{})));
  const std::int64_t cols = component->plan().output_cols;
  if (cols < 1 || (kind == AESWEEP_ACTIVATION && cols != input_cols)) {
    return Status::input(text(component->label(), ": plans ", cols, " output columns for ",
                              input_cols, " input columns"));
  }
  const auto table = component->template table<typename Abi<T>::Transform>();
  if (!component->rounds().empty() && table.accumulate == nullptr) {
    return Status::input(text(component->label(), ": plans statistics rounds without accumulate"));
  }
  if (kind == AESWEEP_LAYER && component->plan().active_per_row > 0) {
    return Status::input(
        text(component->label(), ": plans an active set, which layers cannot have"));
  }
  return Transform<T>{std::move(component).value(), table, {}, {}, streams(path)};
}

template <class T>
Status Network<T>::add_layer(const LayerSpec& spec, const Catalogue& catalogue,
                             std::int64_t input_cols, std::int64_t shard_rows_max) {
  const TracedLayer traced(spec.name);
  const std::string path = "layers/" + spec.name;
  Result<Transform<T>> transform =
      make_transform(catalogue, AESWEEP_LAYER, spec.layer, path, input_cols, shard_rows_max);
  if (!transform.ok()) return transform.status();
  Layer<T> layer{spec.name, lasting_name(spec.name), std::move(transform).value()};
  layer.input_cols = input_cols;
  layer.output_cols = layer.layer.component.plan().output_cols;
  layer.offset = elements_;
  layer.learned.first = static_cast<int>(tensors_.size());
  AESWEEP_RETURN_IF_ERROR(add_tensors(spec.name, layer.layer));
  if (spec.activation) {
    Result<Transform<T>> activation =
        make_transform(catalogue, AESWEEP_ACTIVATION, *spec.activation, path + "/activation",
                       layer.output_cols, shard_rows_max);
    if (!activation.ok()) return activation.status().in("activation");
    layer.activation = std::move(activation).value();
    AESWEEP_RETURN_IF_ERROR(
        add_tensors(spec.name + "/activation", *layer.activation).in("activation"));
  }
  layer.elements = elements_ - layer.offset;
  layer.learned.count = static_cast<int>(tensors_.size()) - layer.learned.first;
  AESWEEP_RETURN_IF_ERROR(add_regularizers(spec, catalogue, shard_rows_max, layer));
  AESWEEP_RETURN_IF_ERROR(add_quantizer(spec, catalogue, shard_rows_max, layer));
  layer.activation_in_place = may_work_in_place(layer);
  layers_.push_back(std::move(layer));
  return {};
}

template <class T>
Status Network<T>::add_tensors(const std::string& layer_name, Transform<T>& transform) {
  transform.learned.first = static_cast<int>(tensors_.size());
  transform.buffers.first = static_cast<int>(buffers_.size());
  for (const aesweep_tensor& declared : transform.component.tensors()) {
    if (declared.role == AESWEEP_VIEWED) {
      AESWEEP_RETURN_IF_ERROR(add_view(declared, transform));
      continue;
    }
    if (declared.rows < 1 || declared.cols < 1 || declared.role == AESWEEP_STATE) {
      return Status::input(text(transform.component.label(), ": tensor ", declared.name,
                                ": is declared with shape ", declared.rows, " x ", declared.cols,
                                " or as optimizer state"));
    }
    const bool learned = declared.role == AESWEEP_LEARNED;
    std::size_t& arena = learned ? elements_ : buffer_elements_;
    Tensor tensor;
    tensor.name = layer_name + "/" + declared.name;
    tensor.layer = static_cast<int>(layers_.size());
    tensor.rows = declared.rows;
    tensor.cols = declared.cols;
    tensor.offset = arena;
    tensor.elements =
        static_cast<std::size_t>(declared.rows) * static_cast<std::size_t>(declared.cols);
    tensor.flags = declared.flags;
    tensor.init = declared.init;
    tensor.init_a = declared.init_a;
    tensor.init_b = declared.init_b;
    tensor.salt = stream_hash(0, tensor.name, 0);
    arena += padded_to_line<T>(tensor.elements);
    if (arena > kPlannedMax) {
      return Status::input(text(transform.component.label(), ": with tensor ", declared.name,
                                " the network has ", arena, " elements; at most ", kPlannedMax,
                                " can be"));
    }
    (learned ? tensors_ : buffers_).push_back(std::move(tensor));
  }
  transform.learned.count = static_cast<int>(tensors_.size()) - transform.learned.first;
  transform.buffers.count = static_cast<int>(buffers_.size()) - transform.buffers.first;
  return {};
}

template <class T>
std::vector<aesweep_known_tensor> Network<T>::known(TensorRange range, std::uint32_t flags) const {
  std::vector<aesweep_known_tensor> tensors;
  for (int t = range.first; t < range.first + range.count; ++t) {
    const Tensor& tensor = tensors_[static_cast<std::size_t>(t)];
    if ((tensor.flags & flags) != flags) continue;
    tensors.push_back({sizeof(aesweep_known_tensor), tensor.flags, tensor.name.c_str(), tensor.rows,
                       tensor.cols});
  }
  return tensors;
}

template <class T>
Status Network<T>::add_view(const aesweep_tensor& declared, Transform<T>& transform) {
  const auto refused = [&](const auto&... why) {
    return Status::input(text(transform.component.label(), ": views ", declared.name, why...));
  };
  if (transform.component.kind() != AESWEEP_LAYER) {
    return refused(", but only layers can compute with another layer's tensors");
  }
  const int layer = static_cast<int>(layers_.size());
  const auto owner = std::find_if(tensors_.begin(), tensors_.end(), [&](const Tensor& tensor) {
    return tensor.name == declared.name;
  });
  if (owner == tensors_.end()) {
    std::string names;
    for (const Tensor& tensor : tensors_) {
      if (tensor.layer == layer) continue;
      names +=
          text(names.empty() ? "" : ", ", tensor.name, " [", tensor.rows, " x ", tensor.cols, "]");
    }
    return refused(", which is not a learned tensor of an earlier layer; there are: ",
                   names.empty() ? "none" : names);
  }
  if (owner->layer == layer) {
    return refused(
        ", a tensor of its own layer; it has that already: name one of an earlier layer");
  }
  if (owner->rows != declared.rows || owner->cols != declared.cols) {
    return refused(" as ", declared.rows, " x ", declared.cols, ", but it is ", owner->rows, " x ",
                   owner->cols, "; plan the view with the owner's rows and cols");
  }
  transform.viewed.push_back(static_cast<int>(owner - tensors_.begin()));
  return {};
}

template <class T>
Status Network<T>::add_regularizers(const LayerSpec& spec, const Catalogue& catalogue,
                                    std::int64_t shard_rows_max, Layer<T>& layer) {
  for (const RegularizerSpec& wanted : spec.regularizers) {
    const std::string where = "regularizers." + wanted.name;
    Result<Component<T>> made =
        Component<T>::create(catalogue, AESWEEP_REGULARIZER, wanted.component);
    if (!made.ok()) return made.status().in(where);
    AESWEEP_RETURN_IF_ERROR(
        made->plan(shard_rows_max, layer.output_cols, target_cols_, known(layer.layer.learned))
            .in(where));
    Regularizer<T> regularizer{spec.name + "_" + wanted.name,
                               std::move(made).value(),
                               {},
                               streams("layers/" + spec.name + "/regularizers/" + wanted.name)};
    regularizer.table = regularizer.component.template table<typename Abi<T>::Regularizer>();
    const bool on_weights = wanted.on == RegularizerTarget::kWeights;
    const bool offered = on_weights ? regularizer.table.on_parameter_block != nullptr
                                    : regularizer.table.on_activations != nullptr;
    if (!offered) {
      return Status::input(text(where, ".on: ", regularizer.component.name(), " does not work on ",
                                on_weights ? "weights" : "activations"));
    }
    AESWEEP_RETURN_IF_ERROR(check_regularizer(regularizer, on_weights).in(where));
    (on_weights ? layer.on_weights : layer.on_activations).push_back(std::move(regularizer));
  }
  return {};
}

template <class T>
Status Network<T>::add_quantizer(const LayerSpec& spec, const Catalogue& catalogue,
                                 std::int64_t shard_rows_max, Layer<T>& layer) {
  if (!spec.quantizer) return {};
  Result<Component<T>> made = Component<T>::create(catalogue, AESWEEP_QUANTIZER, *spec.quantizer);
  if (!made.ok()) return made.status().in("quantizer");
  const auto quantized = known(layer.learned, AESWEEP_MAY_QUANTIZE);
  if (quantized.empty()) {
    return Status::input(
        "quantizer: this layer has no tensor that may be quantized; leave its quantizer out");
  }
  AESWEEP_RETURN_IF_ERROR(made->plan(shard_rows_max, 0, target_cols_, quantized).in("quantizer"));
  layer.quantizer =
      Quantizer<T>{std::move(made).value(), {}, streams("layers/" + spec.name + "/quantizer")};
  layer.quantizer->table = layer.quantizer->component.template table<typename Abi<T>::Quantizer>();
  for (int t = layer.learned.first; t < layer.learned.first + layer.learned.count; ++t) {
    Tensor& tensor = tensors_[static_cast<std::size_t>(t)];
    tensor.quantized = (tensor.flags & AESWEEP_MAY_QUANTIZE) != 0;
  }
  return {};
}

template <class T>
std::int64_t Network<T>::parameter_count() const {
  return value_count(tensors_);
}

template <class T>
std::int64_t Network<T>::buffer_count() const {
  return value_count(buffers_);
}

template <class T>
std::int64_t Network<T>::widest() const {
  std::int64_t cols = input_cols_;
  for (const Layer<T>& layer : layers_) cols = std::max(cols, layer.output_cols);
  return cols;
}

template <class T>
void Network<T>::initialize(std::span<T> parameters, std::span<T> buffers) const {
  const auto fill = [&](const std::vector<Tensor>& tensors, std::span<T> arena) {
    for (const Tensor& tensor : tensors) {
      initialize_tensor(tensor, seed_, arena.subspan(tensor.offset, tensor.elements));
    }
  };
  AESWEEP_CHECK(parameters.size() >= elements_ && buffers.size() >= buffer_elements_,
                "an arena is smaller than the network's tensors");
  fill(tensors_, parameters);
  fill(buffers_, buffers);
}

template class Network<float>;
template class Network<double>;

}  // namespace aesweep
