// The format of an experiment as tables: what may stand where, of which type, with which default.
// Parser, --set, sweeps and the test of docs/experiment.md all read these, so that they agree.
// Parameters of components are not here: the components declare them (core/abi/plugin.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/abi/plugin.h"

namespace aesweep {

inline constexpr std::int64_t kSchemaVersion = 1;
inline constexpr std::int64_t kTrialsMax = 1000000;
inline constexpr std::int64_t kRowsMax = 2147483647;  // A row's index has 31 bits.

// What a key of the top level holds.
// kWordOrFields: a word that stands for all of it, or a map.
enum class Content {
  kValue,
  kFields,
  kWordOrFields,
  kData,
  kEvaluate,
  kRecord,
  kTrain,
  kModel,
  kComponent,
  kOther
};

struct TopLevelKey {
  std::string_view name;
  Content content;
  bool required;
  // Empty if `parameters` may sweep it; else why not, for a message.
  std::string_view not_swept;
  // Empty if --set may give it; else why not.
  std::string_view not_set;
};

[[nodiscard]] std::span<const TopLevelKey> top_level_keys();
[[nodiscard]] const TopLevelKey* find_top_level(std::string_view name);  // Null: unknown.

// Why `parameters` may not sweep a key, beginning with the name of the section that may not be
// swept: "data cannot be swept: ..."; empty if it may. The key's first part is a top-level key.
[[nodiscard]] std::string not_swept(std::string_view key);

// The typed fields of a section, such as "train" or "train.clip", or of
// "model".
[[nodiscard]] std::span<const aesweep_parameter_info> fields_of(std::string_view section);

// All keys of a section: its typed fields and those that need a reader of their own.
[[nodiscard]] std::vector<std::string> section_keys(std::string_view section);

// Keys of a model, of a layer, of its optimizer and of a regularizer that are not parameters of the
// component.
[[nodiscard]] std::span<const std::string> model_keys();
[[nodiscard]] std::span<const std::string> layer_keys();
[[nodiscard]] std::span<const std::string> layer_optimizer_keys();
[[nodiscard]] std::span<const std::string> regularizer_keys();

// Keys of a range or of a list of values in `parameters`.
[[nodiscard]] std::span<const std::string> axis_keys();

// The declared names, for messages.
[[nodiscard]] std::vector<std::string> names_of(std::span<const aesweep_parameter_info> fields);

// Every key of the format, dotted: "train.epochs", "model.layers.NAME.activation", ...
[[nodiscard]] std::vector<std::string> accepted_keys();

}  // namespace aesweep
