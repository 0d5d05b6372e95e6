#include "runner/config/init_from.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/model/given_weights.hpp"
#include "runner/config/paths.hpp"
#include "runner/config/schema.hpp"

namespace aesweep {
namespace {

constexpr const char* kKey = "model.init_from";

bool is_hdf5(const std::string& path) {
  constexpr std::array<unsigned char, 8> kSignature = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  std::array<unsigned char, 8> first{};
  const Result<InputFile> file = InputFile::open(path);
  return file.ok() && file->size() >= first.size() &&
         file->read_at(0, std::as_writable_bytes(std::span(first))).ok() && first == kSignature;
}

// A run's folder holds its results, or at least its journal; any other one is taken for .npy files.
Result<InitFrom::Kind> kind_of(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const fs::path folder(path);
    const bool run =
        fs::exists(folder / "results.h5", ignored) || fs::exists(folder / "journal", ignored);
    return run ? InitFrom::Kind::kRun : InitFrom::Kind::kNpyFolder;
  }
  if (path.ends_with(".safetensors")) return InitFrom::Kind::kSafetensors;
  if (is_hdf5(path)) return InitFrom::Kind::kRun;
  return Status::input(text(path,
                            " is neither a .safetensors file, nor a folder of .npy files, nor a "
                            "run's folder or results.h5"));
}

// Whether the given weights have a tensor of this layer; the names of those that have.
bool has_layer(const std::vector<NamedTensor>& tensors, const std::string& layer,
               std::vector<std::string>& names) {
  const std::string prefix = stored_tensor_name(layer) + "_";
  bool found = false;
  for (const NamedTensor& tensor : tensors) {
    found = found || stored_tensor_name(tensor.name).starts_with(prefix);
    std::string name = tensor.name.substr(0, tensor.name.find_last_of("./_"));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return found;
}

}  // namespace

InitFromReader::InitFromReader(std::string file, std::string data_dir, WeightsReader weights)
    : file_(std::move(file)), data_dir_(std::move(data_dir)), weights_(std::move(weights)) {}

Result<std::optional<GivenWeights>> InitFromReader::read(const Node& model, const ModelSpec& spec,
                                                         FieldReader& fields) {
  static const std::vector<std::string> kElsewhere = {"path", "layers"};
  const Node* given = find(model, "init_from");
  const bool word = given != nullptr && given->kind == NodeKind::kScalar;
  if (given == nullptr || (word && given->text == "none")) return std::optional<GivenWeights>();
  if (!word && given->kind != NodeKind::kMap) {
    return fault_at(file_, given->mark, kKey,
                    text("found ", found(*given),
                         ", expected a path, none, or a map such as "
                         "{path: runs/first, trial: 3}"));
  }
  const Node* map = word ? nullptr : given;
  Result<std::vector<NamedParameter>> values =
      fields.read({map, given->mark, kKey, "", kElsewhere}, fields_of(kKey));
  if (!values.ok()) return values.status();
  const Node* path = word ? given : find(*map, "path");
  if (path == nullptr) {
    return fault_at(file_, given->mark, joined(kKey, "path"),
                    "missing; expected the file or folder that holds the weights");
  }
  InitFrom from;
  AESWEEP_RETURN_IF_ERROR(find_place(*path, word ? kKey : joined(kKey, "path"), from));
  const Node* trial = word ? nullptr : find(*map, "trial");
  AESWEEP_RETURN_IF_ERROR(check_trial(trial, given->mark, from.kind));
  if (trial != nullptr) from.trial = value_of<std::int64_t>(*values, "trial");
  auto known = known_.find(from);
  if (known == known_.end()) {
    if (!weights_) return fault_at(file_, given->mark, kKey, "weights cannot be read here");
    Result<GivenWeights> weights = weights_(from);
    if (!weights.ok()) {
      // The place and key, in front of a message of either kind.
      const Status at = fault_at(file_, given->mark, kKey, weights.status().message());
      return Status::of(weights.status().fault(), at.message());
    }
    known = known_.emplace(from, std::move(weights).value()).first;
  }
  GivenWeights weights = known->second;
  const Node* layers = word ? nullptr : find(*map, "layers");
  if (layers != nullptr) AESWEEP_RETURN_IF_ERROR(read_layers(*layers, spec, weights));
  return std::optional(std::move(weights));
}

Status InitFromReader::find_place(const Node& path, const std::string& key, InitFrom& from) const {
  if (path.kind != NodeKind::kScalar || path.text.empty()) {
    return fault_at(file_, path.mark, key,
                    text("found ", found(path), ", expected the path of a file or folder"));
  }
  Result<std::string> place = find_data(file_, path.text, data_dir_, Wanted::kAny);
  if (!place.ok()) {
    // Trials are told apart by the weights' bytes, not by their place; but --set ends a sweep of
    // it.
    const std::string moved = path.origin > 0
                                  ? ""
                                  : text("; if it has moved, give its new place by --set ", key,
                                         "=PATH: trials stay the same where the weights do");
    return fault_at(file_, path.mark, key, place.status().message() + moved);
  }
  from.path = std::move(place).value();
  Result<InitFrom::Kind> kind = kind_of(from.path);
  if (!kind.ok()) return fault_at(file_, path.mark, key, kind.status().message());
  from.kind = *kind;
  return {};
}

Status InitFromReader::check_trial(const Node* trial, Mark mark, InitFrom::Kind kind) const {
  if ((trial != nullptr) == (kind == InitFrom::Kind::kRun)) return {};
  if (trial == nullptr) {
    return fault_at(file_, mark, joined(kKey, "trial"),
                    "missing; a run has many trials, so name one: {path: PATH, trial: N}");
  }
  return fault_at(file_, trial->mark, joined(kKey, "trial"),
                  "only a run has trials, and the path leads to a file or folder of weights; leave "
                  "it out");
}

Status InitFromReader::read_layers(const Node& layers, const ModelSpec& spec,
                                   GivenWeights& given) const {
  const std::string path = joined(kKey, "layers");
  if (layers.kind != NodeKind::kMap || layers.entries.empty()) {
    return fault_at(file_, layers.mark, path,
                    text("found ", layers.kind == NodeKind::kMap ? "an empty map" : found(layers),
                         ", expected a map such as {LAYER: LAYER_OF_THE_WEIGHTS}"));
  }
  std::vector<std::string> names;
  for (const LayerSpec& layer : spec.layers) names.push_back(layer.name);
  for (const Entry& entry : layers.entries) {
    const std::string key = joined(path, entry.key);
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
      return fault_at(file_, entry.mark, key,
                      "the model has no such layer" + suggestion(entry.key, names));
    }
    const Node& from = entry.value;
    if (from.kind != NodeKind::kScalar || from.text.empty()) {
      return fault_at(file_, from.mark, key,
                      text("found ", found(from), ", expected the name of a layer"));
    }
    std::vector<std::string> others;
    if (!has_layer(*given.tensors, from.text, others)) {
      return fault_at(
          file_, from.mark, key,
          text("the given weights have no layer ", from.text, suggestion(from.text, others)));
    }
    given.layers.push_back({entry.key, from.text});
  }
  // Their order means nothing, and equal trials are to have equal texts.
  std::sort(given.layers.begin(), given.layers.end(),
            [](const LayerSource& a, const LayerSource& b) { return a.layer < b.layer; });
  return {};
}

}  // namespace aesweep
