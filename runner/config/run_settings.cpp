#include "runner/config/run_settings.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "runner/config/duration.hpp"
#include "runner/config/fields.hpp"
#include "runner/config/schema.hpp"
#include "runner/config/values.hpp"

namespace aesweep {
namespace {

std::int64_t whole(const std::vector<NamedParameter>& fields, std::string_view name) {
  return value_of<std::int64_t>(fields, name);
}

// A rank that has something to say does so a few times a second.
constexpr double kStallMin = 1.0;

class RunReader {
 public:
  RunReader(const std::string& file, const Node& document)
      : file_(file), document_(document), fields_(file, {}) {}

  [[nodiscard]] Result<RunSettings> read() {
    AESWEEP_RETURN_IF_ERROR(read_schema());
    AESWEEP_RETURN_IF_ERROR(read_name());
    AESWEEP_RETURN_IF_ERROR(read_only_word("method", "grid", "this version searches grids only"));
    AESWEEP_RETURN_IF_ERROR(read_checkpoint());
    AESWEEP_RETURN_IF_ERROR(read_metric());
    AESWEEP_RETURN_IF_ERROR(read_resources());
    AESWEEP_RETURN_IF_ERROR(read_record());
    AESWEEP_RETURN_IF_ERROR(read_limits());
    AESWEEP_RETURN_IF_ERROR(read_data());
    return std::move(settings_);
  }

  [[nodiscard]] Result<RecordSpec> record() {
    AESWEEP_RETURN_IF_ERROR(read_record());
    return settings_.record;
  }

 private:
  [[nodiscard]] Status refuse(const Node& node, const std::string& path,
                              const std::string& wanted) const {
    return fault_at(file_, node.mark, path, text("found ", found(node), ", expected ", wanted));
  }

  [[nodiscard]] Status read_schema() const {
    const Node& schema = *find(document_, "schema");
    if (schema.kind == NodeKind::kScalar && schema.text == text(kSchemaVersion)) return {};
    return refuse(schema, "schema", text(kSchemaVersion, ", the version that this program reads"));
  }

  [[nodiscard]] Status read_name() {
    const Node* name = find(document_, "name");
    if (name == nullptr) return {};
    const auto is_plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-' || c == '.';
    };
    const std::string& word = name->text;
    if (name->kind != NodeKind::kScalar || word.empty() || word.size() > 100 || word[0] == '.' ||
        word[0] == '-' || !std::all_of(word.begin(), word.end(), is_plain)) {
      return refuse(*name, "name",
                    "a name for a folder: at most 100 letters, digits, _, - and ., not starting "
                    "with - or .");
    }
    settings_.name = word;
    return {};
  }

  [[nodiscard]] Status read_only_word(const std::string& key, std::string_view word,
                                      const char* reason) const {
    const Node* node = find(document_, key);
    if (node == nullptr || (node->kind == NodeKind::kScalar && node->text == word)) return {};
    return refuse(*node, key, text(word, "; ", reason));
  }

  [[nodiscard]] Status read_metric() {
    static const std::vector<std::string> kName = {"name"};
    Result<std::vector<NamedParameter>> fields = fields_.read_section(document_, "metric", kName);
    if (!fields.ok()) return fields.status();
    settings_.goal =
        value_of<std::string>(*fields, "goal") == "maximize" ? Goal::kMaximize : Goal::kMinimize;
    const Node* metric = find(document_, "metric");
    const Node* name = metric == nullptr ? nullptr : find(*metric, "name");
    if (name == nullptr) return {};
    if (name->kind != NodeKind::kScalar) return refuse(*name, "metric.name", "a metric's name");
    settings_.metric = name->text;
    settings_.metric_mark = name->mark;
    return {};
  }

  [[nodiscard]] Status read_resources() {
    const Node* resources = find(document_, "resources");
    AESWEEP_RETURN_IF_ERROR(fields_.check_map(resources, "resources"));
    if (resources == nullptr) return {};
    AESWEEP_RETURN_IF_ERROR(check_keys(file_, *resources, "resources", section_keys("resources")));
    const Node* ranks = find(*resources, "ranks_per_trial");
    if (ranks == nullptr || (ranks->kind == NodeKind::kScalar && ranks->text == "auto")) return {};
    aesweep_parameter_info info{};
    info.type = AESWEEP_INTEGER;
    info.minimum = 1;
    info.maximum = 65536;
    Result<ParameterValue> value = read_value(info, *ranks);
    if (!value.ok()) {
      return refuse(*ranks, "resources.ranks_per_trial", "auto or " + expected(info));
    }
    settings_.ranks_per_trial = static_cast<int>(std::get<std::int64_t>(*value));
    return {};
  }

  static bool is_word(const Node& node, std::string_view word) {
    return node.kind == NodeKind::kScalar && node.text == word;
  }

  [[nodiscard]] Status read_checkpoint() {
    static const std::vector<std::string> kEvery = {"every"};
    CheckpointSpec& spec = settings_.checkpoint;
    const Node* checkpoint = find(document_, "checkpoint");
    if (checkpoint == nullptr) return {};
    if (is_word(*checkpoint, "none")) {
      spec.unit = CheckpointSpec::Every::kNever;
      return {};
    }
    if (checkpoint->kind != NodeKind::kMap) {
      return refuse(*checkpoint, "checkpoint", "none or a map such as {every: 60s, keep: 2}");
    }
    Result<std::vector<NamedParameter>> fields =
        fields_.read_section(document_, "checkpoint", kEvery);
    if (!fields.ok()) return fields.status();
    spec.keep = whole(*fields, "keep");
    const Node* every = find(*checkpoint, "every");
    if (every == nullptr) return {};
    if (every->kind == NodeKind::kScalar && parse_interval(every->text, spec)) return {};
    return refuse(*every, "checkpoint.every", text(kExpectedDuration, ", N steps or N epochs"));
  }

  [[nodiscard]] Status read_record() {
    static const std::vector<std::string> kWeights = {"weights"};
    Result<std::vector<NamedParameter>> fields =
        fields_.read_section(document_, "record", kWeights);
    if (!fields.ok()) return fields.status();
    settings_.record.samples = whole(*fields, "samples");
    settings_.record.every = whole(*fields, "every");
    const Node* record = find(document_, "record");
    const Node* weights = record == nullptr ? nullptr : find(*record, "weights");
    if (weights == nullptr || is_word(*weights, "all")) return {};
    if (is_word(*weights, "none")) {
      settings_.record.weights = false;
      return {};
    }
    if (weights->kind != NodeKind::kMap) {
      return refuse(*weights, "record.weights", "all, none or a map such as {best: 10}");
    }
    Result<std::vector<NamedParameter>> best = fields_.read_section(document_, "record.weights");
    if (!best.ok()) return best.status();
    settings_.best_weights = whole(*best, "best");
    if (settings_.best_weights > 0) return {};
    return fault_at(file_, weights->mark, "record.weights.best",
                    "missing; expected the number of trials whose weights are kept");
  }

  [[nodiscard]] Status read_limits() {
    static const std::vector<std::string> kTimes = {"max_time", "max_trial_time", "stall"};
    Result<std::vector<NamedParameter>> fields = fields_.read_section(document_, "limits", kTimes);
    if (!fields.ok()) return fields.status();
    settings_.trials_max = whole(*fields, "max_trials");
    RunLimits& limits = settings_.limits;
    limits.max_failure_rate = value_of<double>(*fields, "max_failure_rate");
    AESWEEP_RETURN_IF_ERROR(read_time("max_time", 0.0, limits.max_time));
    AESWEEP_RETURN_IF_ERROR(read_time("max_trial_time", 0.0, limits.max_trial_time));
    return read_time("stall", kStallMin, limits.stall);
  }

  // A duration of at least `minimum` seconds, or none, which becomes 0.
  [[nodiscard]] Status read_time(const std::string& key, double minimum, double& seconds) const {
    const Node* limits = find(document_, "limits");
    const Node* node = limits == nullptr ? nullptr : find(*limits, key);
    if (node == nullptr) return {};
    if (is_word(*node, "none")) {
      seconds = 0.0;
      return {};
    }
    const bool scalar = node->kind == NodeKind::kScalar;
    const std::optional<double> given = scalar ? parse_duration(node->text) : std::nullopt;
    if (!given) return refuse(*node, "limits." + key, text("none or ", kExpectedDuration));
    if (*given < minimum) {
      return fault_at(file_, node->mark, "limits." + key,
                      text(node->text, " is less than ", shown(minimum), "s"));
    }
    seconds = *given;
    return {};
  }

  [[nodiscard]] Status read_data() {
    Result<DataSettings> data = read_data_section(file_, document_);
    if (!data.ok()) return data.status();
    settings_.data = std::move(data).value();
    return {};
  }

  const std::string& file_;
  const Node& document_;
  FieldReader fields_;
  RunSettings settings_;
};

}  // namespace

Result<RunSettings> read_run_settings(const std::string& file, const Node& document) {
  return RunReader(file, document).read();
}

Result<RecordSpec> read_record(const std::string& file, const Node& document) {
  return RunReader(file, document).record();
}

}  // namespace aesweep
