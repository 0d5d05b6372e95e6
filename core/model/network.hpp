// Network<T>: the layers of a model with their components, and the layout of their tensors.
//
// It holds no batch data and no parameter values: a caller owns the parameter arena (elements()
// scalars, tensors at 64-byte offsets) and the buffer arena, and gives them to the passes of
// core/train. Immutable after create. Shape letters: B rows of a shard, D width of the data,
// K width of the code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model/component.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

// One tensor of the parameter arena or of the buffer arena.
struct Tensor {
  std::string name;  // "code/weights": layer, slash, tensor.
  int layer = 0;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::size_t offset = 0;    // First element in its arena; a multiple of 64 bytes.
  std::size_t elements = 0;  // rows * cols
  std::uint32_t flags = 0;   // AESWEEP_MAY_DECAY, AESWEEP_MAY_QUANTIZE
  std::uint32_t init = AESWEEP_INIT_CONSTANT;
  double init_a = 0.0;
  double init_b = 0.0;
  bool quantized = false;  // The network computes with the quantizer's image of it.
  std::uint64_t salt = 0;  // Hash of the name.
};

// Tensors [first, first + count) of an arena.
struct TensorRange {
  int first = 0;
  int count = 0;
};

// The Philox stream of a component, by aesweep_mode.
using Streams = std::array<std::uint64_t, 2>;

// A component's stream in calls on one tensor: its draws for two tensors are independent.
[[nodiscard]] inline std::uint64_t tensor_stream(std::uint64_t stream, const Tensor& tensor) {
  return stream ^ tensor.salt;
}

// A layer or an activation.
template <class T>
struct Transform {
  Component<T> component;
  typename Abi<T>::Transform table;
  TensorRange learned;  // In the parameter arena.
  TensorRange buffers;  // In the buffer arena.
  Streams streams{};
  std::vector<int> viewed{};  // Layers: tensors of earlier layers that this one computes with.
};

template <class T>
struct Regularizer {
  std::string name;  // "code_l1": layer, underscore, regularizer. Names its loss term.
  Component<T> component;
  typename Abi<T>::Regularizer table;
  Streams streams{};
};

template <class T>
struct Quantizer {
  Component<T> component;
  typename Abi<T>::Quantizer table;
  Streams streams{};
};

template <class T>
struct Layer {
  std::string name;
  const char* traced;  // The name, for the call trace.
  Transform<T> layer;
  std::optional<Transform<T>> activation{};
  std::vector<Regularizer<T>> on_activations{};
  std::vector<Regularizer<T>> on_weights{};
  std::optional<Quantizer<T>> quantizer{};
  std::int64_t input_cols = 0;
  std::int64_t output_cols = 0;
  TensorRange learned{};             // Of the layer and of its activation.
  std::size_t offset = 0;            // The layer's part of the parameter arena: [offset,
  std::size_t elements = 0;          // offset + elements), padding included.
  bool activation_in_place = false;  // The activation overwrites its input.
};

template <class T>
class Network {
 public:
  // Builds every component and fixes all shapes. input_cols is the width of the data, target_cols
  // of what is predicted. The last layer must be target_cols wide.
  [[nodiscard]] static Result<Network> create(const ModelSpec& spec, const Catalogue& catalogue,
                                              std::uint64_t seed, std::int64_t input_cols,
                                              std::int64_t target_cols,
                                              std::int64_t shard_rows_max);

  [[nodiscard]] const std::vector<Layer<T>>& layers() const { return layers_; }
  [[nodiscard]] const std::vector<Tensor>& tensors() const { return tensors_; }  // Learned.
  [[nodiscard]] const std::vector<Tensor>& buffers() const { return buffers_; }
  [[nodiscard]] std::size_t elements() const { return elements_; }  // Of the parameter arena.
  [[nodiscard]] std::size_t buffer_elements() const { return buffer_elements_; }
  [[nodiscard]] std::int64_t parameter_count() const;  // Learned values, padding not counted.
  [[nodiscard]] std::int64_t buffer_count() const;     // Values of buffers, likewise.
  [[nodiscard]] std::int64_t widest() const;  // Largest width of any layer or of the input.
  [[nodiscard]] int code_layer() const { return code_layer_; }
  [[nodiscard]] const Component<T>& loss() const { return *loss_; }
  [[nodiscard]] const typename Abi<T>::Loss& loss_table() const { return loss_table_; }
  [[nodiscard]] const Streams& loss_streams() const { return loss_streams_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] std::int64_t input_cols() const { return input_cols_; }
  [[nodiscard]] std::int64_t target_cols() const { return target_cols_; }
  [[nodiscard]] Target target() const { return target_; }
  // No shard that its components are given has more rows.
  [[nodiscard]] std::int64_t shard_rows_max() const { return shard_rows_max_; }

  // Initial values of all tensors, from the declared initializers and the seed. Element i of a
  // tensor depends on (seed, tensor name, i) alone.
  void initialize(std::span<T> parameters, std::span<T> buffers) const;

 private:
  Status add_layer(const LayerSpec& spec, const Catalogue& catalogue, std::int64_t input_cols,
                   std::int64_t shard_rows_max);
  Status add_regularizers(const LayerSpec& spec, const Catalogue& catalogue,
                          std::int64_t shard_rows_max, Layer<T>& layer);
  Status add_quantizer(const LayerSpec& spec, const Catalogue& catalogue,
                       std::int64_t shard_rows_max, Layer<T>& layer);
  Status add_tensors(const std::string& layer_name, Transform<T>& transform);
  Status add_view(const aesweep_tensor& declared, Transform<T>& transform);
  // The tensors of the range that have all these flags, as a plan request tells of them; the names
  // stay with the network.
  [[nodiscard]] std::vector<aesweep_known_tensor> known(TensorRange range,
                                                        std::uint32_t flags = 0) const;
  Result<Transform<T>> make_transform(const Catalogue& catalogue, aesweep_kind kind,
                                      const ComponentSpec& spec, const std::string& path,
                                      std::int64_t input_cols, std::int64_t shard_rows_max);
  Status set_loss(const ModelSpec& spec, const Catalogue& catalogue, std::int64_t shard_rows_max);
  [[nodiscard]] Streams streams(const std::string& path) const;

  std::vector<Layer<T>> layers_;
  std::vector<Tensor> tensors_;
  std::vector<Tensor> buffers_;
  std::size_t elements_ = 0;
  std::size_t buffer_elements_ = 0;
  int code_layer_ = 0;
  std::int64_t shard_rows_max_ = 0;
  std::optional<Component<T>> loss_;
  typename Abi<T>::Loss loss_table_{};
  Streams loss_streams_{};
  std::uint64_t seed_ = 0;
  std::int64_t input_cols_ = 0;
  std::int64_t target_cols_ = 0;
  Target target_ = Target::kInput;
};

}  // namespace aesweep
