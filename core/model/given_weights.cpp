#include "core/model/given_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "core/base/check.hpp"
#include "core/base/names.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

Status refuse(const std::string& message) { return Status::input("model.init_from: " + message); }

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string all;
  for (const std::int64_t n : shape) all += text(all.empty() ? "" : " x ", n);
  return shape.empty() ? "1 value" : all;
}

std::vector<std::int64_t> without_ones(std::vector<std::int64_t> shape) {
  std::erase(shape, 1);
  return shape;
}

template <class Stored>
Stored value_at(const NamedTensor& tensor, std::size_t i) {
  Stored value;
  std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
  return value;
}

template <class Stored, class T>
Status check_values(const NamedTensor& from, const std::string& name) {
  const std::size_t count = from.bytes.size() / sizeof(Stored);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = value_at<Stored>(from, i);
    if (std::abs(value) <= std::numeric_limits<T>::max()) continue;
    return refuse(text(name, ": value ", i, " is ", std::isnan(value) ? "nan" : text(value),
                       ", no finite ", sizeof(T) == sizeof(float) ? "f32" : "f64"));
  }
  return {};
}

// Whether the given tensor can be the network's.
template <class T>
Status check_tensor(const Tensor& tensor, const NamedTensor& given) {
  const std::vector<std::int64_t> due = {tensor.rows, tensor.cols};
  if (without_ones(given.shape) != without_ones(due)) {
    const bool transposed =
        given.shape.size() == 2 && given.shape[0] == due[1] && given.shape[1] == due[0];
    return refuse(text(tensor.name, ": is ", shape_text(given.shape), " in the given weights, but ",
                       shape_text(due), " in the model",
                       transposed ? "; it looks transposed (here rows are inputs, columns units): "
                                    "transpose it where it is written"
                                  : ""));
  }
  const bool single = given.scalar == Scalar::kF32;
  if (given.bytes.size() != tensor.elements * (single ? sizeof(float) : sizeof(double))) {
    return refuse(text(tensor.name, ": has ", given.bytes.size(), " bytes, not those of ",
                       tensor.elements, single ? " f32" : " f64", " values"));
  }
  return single ? check_values<float, T>(given, tensor.name)
                : check_values<double, T>(given, tensor.name);
}

// The given tensors by their stored names.
class Given {
 public:
  static Result<Given> create(const std::vector<NamedTensor>& tensors) {
    Given given;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      std::string name = stored_tensor_name(tensors[i].name);
      const auto [other, added] = given.index_.emplace(name, static_cast<int>(i));
      if (!added) {
        return refuse(text(
            "the given weights have both ", tensors[static_cast<std::size_t>(other->second)].name,
            " and ", tensors[i].name, ", which cannot be told apart ('.' and '/' become '_')"));
      }
      given.names_.push_back(std::move(name));
    }
    return given;
  }

  // -1: not there.
  [[nodiscard]] int find(const std::string& stored) const {
    const auto found = index_.find(stored);
    return found == index_.end() ? -1 : found->second;
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }  // Stored ones.

 private:
  std::map<std::string, int> index_;
  std::vector<std::string> names_;
};

// The names of a few, for a message.
std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  std::string all;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    all += text(i == 0 ? "" : ", ", names[i]);
  }
  return names.size() > kShown ? text(all, " and ", names.size() - kShown, " more") : all;
}

// By layer of the network: the name that its tensors' names begin with in the given weights, none
// where its tensors are drawn.
template <class T>
Result<std::vector<std::optional<std::string>>> layer_sources(const Network<T>& network,
                                                              const GivenWeights& given) {
  std::vector<std::optional<std::string>> from(network.layers().size());
  std::vector<std::string> names;
  for (const Layer<T>& layer : network.layers()) names.push_back(layer.name);
  if (given.layers.empty()) {
    for (std::size_t l = 0; l < names.size(); ++l) from[l] = names[l];
    return from;
  }
  for (const LayerSource& source : given.layers) {
    const auto layer = std::find(names.begin(), names.end(), source.layer);
    if (layer == names.end()) {
      return refuse(
          text("layers: the model has no layer ", source.layer, did_you_mean(source.layer, names)));
    }
    std::optional<std::string>& of = from[static_cast<std::size_t>(layer - names.begin())];
    if (of) return refuse(text("layers: ", source.layer, " is there twice"));
    of = source.from;
  }
  return from;
}

template <class T>
class Matcher {
 public:
  Matcher(const Network<T>& network, const GivenWeights& weights, const Given& given,
          std::vector<std::optional<std::string>> from)
      : network_(network), weights_(weights), given_(given), from_(std::move(from)) {}

  Result<GivenSources> match() {
    GivenSources sources{weights_.tensors, {}, {}};
    const bool whole = weights_.layers.empty();
    AESWEEP_RETURN_IF_ERROR(match(network_.tensors(), true, sources.learned));
    AESWEEP_RETURN_IF_ERROR(match(network_.buffers(), !whole, sources.buffers));
    AESWEEP_RETURN_IF_ERROR(whole ? check_rest() : check_layers());
    return sources;
  }

 private:
  Status match(const std::vector<Tensor>& tensors, bool all, std::vector<int>& indices) {
    for (const Tensor& tensor : tensors) {
      const auto layer = static_cast<std::size_t>(tensor.layer);
      indices.push_back(-1);
      if (!from_[layer]) continue;
      const std::string rest = tensor.name.substr(network_.layers()[layer].name.size());
      const std::string wanted = stored_tensor_name(*from_[layer] + rest);
      indices.back() = given_.find(wanted);
      if (indices.back() >= 0) {
        used_.push_back(wanted);
        served_.push_back(layer);
        AESWEEP_RETURN_IF_ERROR(
            check_tensor<T>(tensor, (*weights_.tensors)[static_cast<std::size_t>(indices.back())]));
      } else if (all) {
        return refuse(text(tensor.name, ": ", wanted, " is not among the given weights",
                           did_you_mean(wanted, given_.names()), "; these are ",
                           list_of(given_.names())));
      }
    }
    return {};
  }

  // What is given for the model's layers must be of use.
  Status check_rest() const {
    for (const std::string& name : given_.names()) {
      if (std::find(used_.begin(), used_.end(), name) != used_.end()) continue;
      for (const Layer<T>& layer : network_.layers()) {
        if (!name.starts_with(stored_tensor_name(layer.name) + "_")) continue;
        return refuse(text(name, ": is given, but layer ", layer.name,
                           " has no such tensor; leave it out, or say which layers to take "
                           "(model.init_from.layers)"));
      }
    }
    return {};
  }

  Status check_layers() const {
    for (std::size_t l = 0; l < from_.size(); ++l) {
      if (!from_[l] || std::find(served_.begin(), served_.end(), l) != served_.end()) continue;
      return refuse(text("layers: layer ", network_.layers()[l].name,
                         " has no tensors that could be given; leave it out"));
    }
    return {};
  }

  const Network<T>& network_;
  const GivenWeights& weights_;
  const Given& given_;
  std::vector<std::optional<std::string>> from_;
  std::vector<std::string> used_;    // Stored names.
  std::vector<std::size_t> served_;  // Layers, once for each of their tensors.
};

template <class Stored, class T>
void convert(const NamedTensor& from, std::span<T> to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(value_at<Stored>(from, i));
}

}  // namespace

std::string stored_tensor_name(std::string_view name) {
  std::string stored(name);
  std::replace_if(
      stored.begin(), stored.end(), [](char c) { return c == '.' || c == '/'; }, '_');
  return stored;
}

template <class T>
Result<GivenSources> match_given_weights(const Network<T>& network,
                                         const std::optional<GivenWeights>& given) {
  if (!given) {
    return GivenSources{nullptr, std::vector<int>(network.tensors().size(), -1),
                        std::vector<int>(network.buffers().size(), -1)};
  }
  AESWEEP_CHECK(given->tensors != nullptr, "given weights without tensors");
  Result<Given> by_name = Given::create(*given->tensors);
  if (!by_name.ok()) return by_name.status();
  Result<std::vector<std::optional<std::string>>> from = layer_sources(network, *given);
  if (!from.ok()) return from.status();
  return Matcher<T>(network, *given, *by_name, std::move(from).value()).match();
}

template <class T>
void copy_given(const NamedTensor& from, std::span<T> to) {
  if (from.scalar == Scalar::kF32) {
    convert<float>(from, to);
  } else {
    convert<double>(from, to);
  }
}

template Result<GivenSources> match_given_weights<float>(const Network<float>&,
                                                         const std::optional<GivenWeights>&);
template Result<GivenSources> match_given_weights<double>(const Network<double>&,
                                                          const std::optional<GivenWeights>&);
template void copy_given<float>(const NamedTensor&, std::span<float>);
template void copy_given<double>(const NamedTensor&, std::span<double>);

}  // namespace aesweep
