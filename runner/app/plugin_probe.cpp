#include "runner/app/plugin_probe.hpp"

#include <cmath>
#include <cstdlib>
#include <optional>

#include "core/base/text.hpp"
#include "core/conformance/purity.hpp"
#include "runner/config/number.hpp"

namespace aesweep {
namespace {

constexpr const char* kVariable = "AESWEEP_PROBE_SECONDS";
constexpr double kSecondsMax = 3600;

}  // namespace

Result<PluginProbe> start_plugin_probe() {
  ProbeOptions options;
  options.impurity = [](const CatalogueEntry& entry) { return check_purity(entry).impure; };
  if (const char* given = std::getenv(kVariable)) {
    const std::optional<double> seconds = parse_real(given);
    if (!seconds || !(*seconds > 0) || *seconds > kSecondsMax) {
      return Status::input(text(kVariable, ": '", given, "' is not in (0, ", kSecondsMax,
                                "]; give the seconds that loading a plugin may take"));
    }
    options.limit = std::chrono::milliseconds(std::llround(std::ceil(*seconds * 1e3)));
  }
  return PluginProbe::start(options);
}

}  // namespace aesweep
