#include "runner/config/schedule_reader.hpp"

#include <algorithm>
#include <array>

#include "core/base/text.hpp"
#include "runner/config/schema.hpp"

namespace aesweep {
namespace {

constexpr const char* kSection = "train.schedule";

// In the order of ScheduleKind.
constexpr std::array<std::string_view, 5> kKinds = {"constant", "linear", "exponential", "cosine",
                                                    "step"};

// A kind given by its name alone, as a map.
Node as_map(const Node& given) {
  if (given.kind != NodeKind::kScalar) return given;
  Node map;
  map.kind = NodeKind::kMap;
  map.mark = given.mark;
  map.entries.push_back({"kind", given.mark, given});
  return map;
}

bool has_key(ScheduleKind kind, std::string_view key) {
  if (key == "per" || key == "final_factor") return has_final_factor(kind);
  if (key == "every_epochs" || key == "factor") return kind == ScheduleKind::kStep;
  return true;
}

}  // namespace

std::string_view schedule_kind_name(ScheduleKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

bool has_final_factor(ScheduleKind kind) {
  return kind == ScheduleKind::kLinear || kind == ScheduleKind::kExponential ||
         kind == ScheduleKind::kCosine;
}

Result<ScheduleSpec> read_schedule(const std::string& file, FieldReader& reader,
                                   const Node& document) {
  const Node* train = find(document, "train");
  const Node* given = train == nullptr ? nullptr : find(*train, "schedule");
  if (given == nullptr) return ScheduleSpec();
  const Node section = as_map(*given);
  AESWEEP_RETURN_IF_ERROR(reader.check_map(&section, kSection));
  Result<std::vector<NamedParameter>> fields =
      reader.read({&section, section.mark, kSection, "", {}}, fields_of(kSection));
  if (!fields.ok()) return fields.status();
  ScheduleSpec schedule;
  const auto& kind = value_of<std::string>(*fields, "kind");
  schedule.kind =
      static_cast<ScheduleKind>(std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin());
  for (const Entry& entry : section.entries) {
    if (has_key(schedule.kind, entry.key)) continue;
    return fault_at(file, entry.mark, joined(kSection, entry.key),
                    text("kind ", kind, " has no such key"));
  }
  schedule.per =
      value_of<std::string>(*fields, "per") == "epoch" ? SchedulePer::kEpoch : SchedulePer::kStep;
  schedule.warmup_steps = value_of<std::int64_t>(*fields, "warmup_steps");
  schedule.final_factor = value_of<double>(*fields, "final_factor");
  schedule.every_epochs = value_of<std::int64_t>(*fields, "every_epochs");
  schedule.factor = value_of<double>(*fields, "factor");
  if (schedule.kind == ScheduleKind::kExponential && schedule.final_factor == 0.0) {
    const Node* last = find(section, "final_factor");
    return fault_at(file, last == nullptr ? section.mark : last->mark,
                    joined(kSection, "final_factor"),
                    text(last == nullptr ? "missing" : "0 is not in (0, inf)",
                         "; kind exponential never reaches 0, so give it a number above"));
  }
  return schedule;
}

}  // namespace aesweep
