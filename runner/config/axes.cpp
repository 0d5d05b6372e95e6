#include "runner/config/axes.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "runner/config/number.hpp"
#include "runner/config/schema.hpp"

namespace aesweep {
namespace {

class AxisReader {
 public:
  explicit AxisReader(const std::string& file) : file_(file) {}

  // Every key below `map`: nested maps and dotted keys are the same.
  Status read_keys(const Node& map, const std::string& prefix) {
    for (const Entry& entry : map.entries) {
      const std::string key = joined(prefix, entry.key);
      AESWEEP_RETURN_IF_ERROR(check_key(entry, key));
      const bool nested = entry.value.kind == NodeKind::kMap && !is_axis(entry.value);
      AESWEEP_RETURN_IF_ERROR(nested ? read_keys(entry.value, key) : read_axis(entry, key));
    }
    return {};
  }

  [[nodiscard]] std::vector<Axis>& axes() { return axes_; }

 private:
  [[nodiscard]] static std::string parameter(const std::string& key) { return "parameters." + key; }

  // A map that speaks of values, not of keys further down.
  [[nodiscard]] static bool is_axis(const Node& map) {
    constexpr std::array<std::string_view, 3> kSigns = {"values", "count", "distribution"};
    return map.entries.empty() || (find(map, "min") != nullptr && find(map, "max") != nullptr) ||
           std::any_of(kSigns.begin(), kSigns.end(),
                       [&](std::string_view sign) { return find(map, sign) != nullptr; });
  }

  [[nodiscard]] Status check_key(const Entry& entry, const std::string& key) const {
    const std::vector<std::string> parts = parts_of(key);
    if (parts.empty()) {
      return fault_at(file_, entry.mark, parameter(key),
                      "not a key; write names with single dots between them");
    }
    const TopLevelKey* top = find_top_level(parts.front());
    if (top == nullptr) {
      std::vector<std::string> swept;
      for (const TopLevelKey& known : top_level_keys()) {
        if (known.not_swept.empty()) swept.emplace_back(known.name);
      }
      return fault_at(file_, entry.mark, parameter(key),
                      "unknown key " + parts.front() + suggestion(parts.front(), swept));
    }
    const std::string reason = not_swept(key);
    return reason.empty() ? Status() : fault_at(file_, entry.mark, parameter(key), reason);
  }

  [[nodiscard]] Status read_axis(const Entry& entry, const std::string& key) {
    for (const Axis& other : axes_) {
      if (other.address.key != key) continue;
      return fault_at(file_, entry.mark, parameter(key),
                      text("the key is given twice, first at line ", other.address.mark.line));
    }
    constexpr std::size_t kAxesMax = 256;
    if (axes_.size() >= kAxesMax) {
      return fault_at(file_, entry.mark, parameter(key), text("more than ", kAxesMax, " keys"));
    }
    Axis axis;
    axis.address = {key, entry.mark};
    switch (entry.value.kind) {
      case NodeKind::kScalar:
        axis.swept = false;
        axis.values.push_back({entry.value, entry.value.text});
        break;
      case NodeKind::kMap:
        AESWEEP_RETURN_IF_ERROR(read_map(entry.value, key, axis));
        break;
      default:
        return fault_at(file_, entry.value.mark, parameter(key),
                        text("found ", found(entry.value),
                             ", expected {values: [...]}, "
                             "{min: A, max: B, count: N} or a constant"));
    }
    axes_.push_back(std::move(axis));
    return {};
  }

  [[nodiscard]] Status read_map(const Node& map, const std::string& key, Axis& axis) const {
    const std::string path = parameter(key);
    if (find(map, "distribution") != nullptr) return refuse_distribution(map, path);
    AESWEEP_RETURN_IF_ERROR(check_keys(file_, map, path, axis_keys()));
    const Node* values = find(map, "values");
    if (values == nullptr) return read_range(map, path, axis);
    for (const Entry& entry : map.entries) {
      if (entry.key == "values") continue;
      return fault_at(file_, entry.mark, joined(path, entry.key),
                      "a range and values together; write one of them");
    }
    return read_values(*values, path + ".values", axis);
  }

  // In some tools the bounds of log_uniform are exponents, in others they are values.
  [[nodiscard]] Status refuse_distribution(const Node& map, const std::string& path) const {
    const Entry& entry = *find_entry(map, "distribution");
    const auto bound = [&](const char* name, bool exponent) -> std::string {
      const Node* node = find(map, name);
      const std::optional<double> value = node == nullptr ? std::nullopt : parse_real(node->text);
      if (!value) return exponent ? "exp(A)" : "A";
      return exponent ? format_real(rounded_to_12_digits(std::exp(*value))) : format_real(*value);
    };
    const auto rewrite = [&](bool exponent) {
      return text("{min: ", bound("min", exponent), ", max: ", bound("max", exponent),
                  ", log: true, count: N}");
    };
    const std::string where = joined(path, "distribution");
    if (entry.value.text == "log_uniform") {
      return fault_at(file_, entry.mark, where,
                      text("log_uniform is ambiguous; if min and max are values, write ",
                           rewrite(false), "; if they are exponents of e, write ", rewrite(true)));
    }
    return fault_at(file_, entry.mark, where,
                    "unknown key; a grid is {min: A, max: B, count: N}, with log: true for even "
                    "steps of the logarithm");
  }

  [[nodiscard]] Status read_bound(const Node& map, const std::string& path, const char* name,
                                  double& value) const {
    const Node* node = find(map, name);
    if (node == nullptr) {
      return fault_at(file_, map.mark, joined(path, name),
                      "missing; a range is {min: A, max: B, count: N}");
    }
    const std::optional<double> number =
        node->kind == NodeKind::kScalar && !node->quoted ? parse_real(node->text) : std::nullopt;
    if (!number) {
      return fault_at(file_, node->mark, joined(path, name),
                      text("found ", found(*node), ", expected a number"));
    }
    value = *number;
    return {};
  }

  [[nodiscard]] Status read_range(const Node& map, const std::string& path, Axis& axis) const {
    Range range;
    range.mark = map.mark;
    double count = 0;
    AESWEEP_RETURN_IF_ERROR(read_bound(map, path, "min", range.min));
    AESWEEP_RETURN_IF_ERROR(read_bound(map, path, "max", range.max));
    AESWEEP_RETURN_IF_ERROR(read_bound(map, path, "count", count));
    const Node& written_count = *find(map, "count");
    if (!parse_integer(written_count.text) || count < 2 || count > kTrialsMax) {
      return fault_at(file_, written_count.mark, joined(path, "count"),
                      text("found ", found(written_count), ", expected a whole number in [2, ",
                           kTrialsMax, "]; both ends are included"));
    }
    range.count = static_cast<std::int64_t>(count);
    if (const Node* log = find(map, "log")) {
      if (log->quoted || (log->text != "true" && log->text != "false")) {
        return fault_at(file_, log->mark, joined(path, "log"),
                        text("found ", found(*log), ", expected true or false"));
      }
      range.log = log->text == "true";
    }
    if (!(range.min < range.max) || !std::isfinite(range.max - range.min)) {
      return fault_at(file_, find(map, "max")->mark, joined(path, "max"),
                      text(format_real(range.max), " is not above min, ", format_real(range.min)));
    }
    if (range.log && range.min <= 0) {
      return fault_at(file_, find(map, "min")->mark, joined(path, "min"),
                      text(format_real(range.min), " is not above 0, as log: true needs"));
    }
    axis.range = range;
    return {};
  }

  [[nodiscard]] Status read_values(const Node& list, const std::string& path, Axis& axis) const {
    if (list.kind != NodeKind::kList || list.items.empty()) {
      return fault_at(file_, list.mark, path,
                      text("found ", list.kind == NodeKind::kList ? "an empty list" : found(list),
                           ", expected a list such as [1, 2]"));
    }
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const std::string item_path = text(path, '[', i, ']');
      Result<AxisValue> value = read_value(list.items[i], item_path);
      if (!value.ok()) return value.status();
      axis.values.push_back(std::move(value).value());
    }
    return {};
  }

  [[nodiscard]] Result<AxisValue> read_value(const Node& item, const std::string& path) const {
    if (item.kind == NodeKind::kScalar) return AxisValue{item, item.text};
    if (item.kind != NodeKind::kMap) {
      return fault_at(file_, item.mark, path,
                      text("found ", found(item), ", expected a value or a map"));
    }
    AxisValue value = {item, ""};
    const Node* label = find(item, "label");
    const Node* shown = label != nullptr ? label : find(item, "kind");
    if (shown == nullptr) {
      return fault_at(file_, item.mark, joined(path, "label"),
                      "missing; a map without kind needs a label for tables");
    }
    if (shown->kind != NodeKind::kScalar || shown->text.empty() || shown->text.size() > 64) {
      return fault_at(file_, shown->mark, joined(path, label != nullptr ? "label" : "kind"),
                      text("found ", found(*shown), ", expected a text of at most 64 bytes"));
    }
    value.label = shown->text;
    std::erase_if(value.node.entries, [](const Entry& entry) { return entry.key == "label"; });
    return value;
  }

  const std::string& file_;
  std::vector<Axis> axes_;
};

// The addresses of the scalars in a map that is merged at `key`.
void collect_leaves(const Node& node, const std::string& key, std::vector<std::string>& leaves) {
  if (node.kind != NodeKind::kMap) {
    leaves.push_back(key);
    return;
  }
  for (const Entry& entry : node.entries) {
    collect_leaves(entry.value, joined(key, entry.key), leaves);
  }
}

// A map may reach keys below a key that can be swept which themselves cannot.
Status check_below(const std::string& file, const std::vector<Axis>& axes) {
  for (const Axis& axis : axes) {
    for (const AxisValue& value : axis.values) {
      if (value.node.kind != NodeKind::kMap) continue;
      std::vector<std::string> leaves;
      collect_leaves(value.node, axis.address.key, leaves);
      for (const std::string& leaf : leaves) {
        const std::string reason = not_swept(leaf);
        if (reason.empty()) continue;
        return fault_at(file, value.node.mark, "parameters." + axis.address.key, reason);
      }
    }
  }
  return {};
}

// Two axes that set the same key would hide values of one of them.
Status check_overlaps(const std::string& file, const std::vector<Axis>& axes) {
  for (const Axis& upper : axes) {
    std::vector<std::string> leaves;
    for (const AxisValue& value : upper.values) {
      if (value.node.kind == NodeKind::kMap) collect_leaves(value.node, upper.address.key, leaves);
    }
    for (const Axis& lower : axes) {
      for (const std::string& leaf : leaves) {
        if (&lower == &upper || !is_at_or_below(lower.address.key, upper.address.key) ||
            !(is_at_or_below(leaf, lower.address.key) || is_at_or_below(lower.address.key, leaf))) {
          continue;
        }
        return fault_at(file, lower.address.mark, "parameters." + lower.address.key,
                        text("values of ", upper.address.key, " (line ", upper.address.mark.line,
                             ") set this key, too; sweep it in one place"));
      }
    }
  }
  return {};
}

}  // namespace

std::int64_t Axis::size() const {
  return range ? range->count : static_cast<std::int64_t>(values.size());
}

AxisValue Axis::value(std::int64_t index) const {
  if (!range) return values[static_cast<std::size_t>(index)];
  const double part = static_cast<double>(index) / static_cast<double>(range->count - 1);
  double number = range->min + (range->max - range->min) * part;
  if (range->log) {
    number = std::exp(std::log(range->min) + (std::log(range->max) - std::log(range->min)) * part);
  }
  // The ends are as written. Between them, 12 digits give 0.3 and 0.001 instead of their
  // neighbours, and the same numbers with every math library.
  number = index == 0                  ? range->min
           : index == range->count - 1 ? range->max
                                       : rounded_to_12_digits(number);
  Node node;
  node.kind = NodeKind::kScalar;
  node.mark = range->mark;
  node.text = format_real(number);
  return {node, node.text};
}

Result<std::vector<Axis>> read_axes(const std::string& file, const Node& parameters) {
  // All keys below it may be comments for a while.
  if (parameters.kind == NodeKind::kNull) return std::vector<Axis>();
  if (parameters.kind != NodeKind::kMap) {
    return fault_at(file, parameters.mark, "parameters",
                    text("found ", found(parameters), ", expected a map from keys to values"));
  }
  AxisReader reader(file);
  AESWEEP_RETURN_IF_ERROR(reader.read_keys(parameters, ""));
  AESWEEP_RETURN_IF_ERROR(check_below(file, reader.axes()));
  AESWEEP_RETURN_IF_ERROR(check_overlaps(file, reader.axes()));
  return std::move(reader.axes());
}

Result<std::int64_t> grid_size(const std::string& file, Mark mark, const std::vector<Axis>& axes,
                               std::int64_t trials_max) {
  std::uint64_t trials = 1;
  for (const Axis& axis : axes) {
    const std::optional<std::uint64_t> product =
        checked_multiply(trials, static_cast<std::uint64_t>(axis.size()));
    if (!product || *product > static_cast<std::uint64_t>(trials_max)) {
      std::string factors;
      for (const Axis& factor : axes) {
        if (factor.swept) factors += text(factors.empty() ? "" : " x ", factor.size());
      }
      return fault_at(
          file, mark, "parameters",
          text("the grid of ", factors, " trials is larger than limits.max_trials, ", trials_max));
    }
    trials = *product;
  }
  return static_cast<std::int64_t>(trials);
}

std::vector<std::int64_t> grid_point(const std::vector<Axis>& axes, std::int64_t number) {
  std::vector<std::int64_t> point(axes.size(), 0);
  for (std::size_t i = axes.size(); i-- > 0;) {
    point[i] = number % axes[i].size();
    number /= axes[i].size();
  }
  return point;
}

}  // namespace aesweep
