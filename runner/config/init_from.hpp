// model.init_from: given weights to start from, by the file or run that they lie in.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "core/base/status.hpp"
#include "core/model/spec.hpp"
#include "runner/config/fields.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// Where given weights lie.
struct InitFrom {
  enum class Kind { kSafetensors, kNpyFolder, kRun };
  Kind kind = Kind::kSafetensors;
  std::string path;        // Absolute.
  std::int64_t trial = 0;  // kRun.

  bool operator<(const InitFrom& other) const {
    return std::tie(path, trial) < std::tie(other.path, other.trial);
  }
};

// Tensors and digest of what lies there; `layers` is filled in by who asked. A fault names the
// path.
using WeightsReader = std::function<Result<GivenWeights>(const InitFrom&)>;

// Resolves model.init_from of one trial after the other. Each place is read once.
class InitFromReader {
 public:
  InitFromReader(std::string file, std::string data_dir, WeightsReader weights);

  // Nothing where the key is not there or says none. `fields` notes the values of swept keys.
  [[nodiscard]] Result<std::optional<GivenWeights>> read(const Node& model, const ModelSpec& spec,
                                                         FieldReader& fields);

 private:
  [[nodiscard]] Status find_place(const Node& path, const std::string& key, InitFrom& from) const;
  [[nodiscard]] Status check_trial(const Node* trial, Mark mark, InitFrom::Kind kind) const;
  [[nodiscard]] Status read_layers(const Node& layers, const ModelSpec& spec,
                                   GivenWeights& given) const;

  std::string file_;
  std::string data_dir_;
  WeightsReader weights_;
  std::map<InitFrom, GivenWeights> known_;
};

}  // namespace aesweep
