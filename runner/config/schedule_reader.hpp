// The section train.schedule: kinds by name, and which keys a kind has.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.hpp"
#include "core/model/spec.hpp"
#include "runner/config/fields.hpp"
#include "runner/config/node.hpp"

namespace aesweep {

// "constant", "linear", ...
[[nodiscard]] std::string_view schedule_kind_name(ScheduleKind kind);

// linear, exponential and cosine: the kinds with the keys `per` and `final_factor`.
[[nodiscard]] bool has_final_factor(ScheduleKind kind);

// A key that the kind does not have is a fault, as is a final factor with which it is impossible.
[[nodiscard]] Result<ScheduleSpec> read_schedule(const std::string& file, FieldReader& reader,
                                                 const Node& document);

}  // namespace aesweep
