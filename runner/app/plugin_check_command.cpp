#include "runner/app/plugin_check_command.hpp"

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "core/base/status.hpp"
#include "core/base/text.hpp"
#include "runner/plugin_check/plugin_check.hpp"
#include "runner/plugin_check/report.hpp"

namespace aesweep {
namespace {

constexpr int kFailed = 1;

int refuse(const Status& status) {
  const std::string line = "aesweep: plugin check: " + status.message() + "\n";
  std::fputs(line.c_str(), stderr);
  return static_cast<int>(status.fault());
}

}  // namespace

int check_plugin(const PluginCheckOptions& options) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(options.library, error);
  if (error || options.library.empty()) {
    return refuse(Status::input(text("'", options.library, "' is no path of a library")));
  }
  if (std::filesystem::is_directory(absolute, error)) {
    return refuse(Status::input(text("'", options.library, "' is a folder; name a library in it, '",
                                     (absolute / "NAME.so").lexically_normal().string(), "'")));
  }
  CheckPlan plan;
  plan.library = absolute.lexically_normal().string();
  plan.only = options.only;
  plan.seconds_max = options.seconds;
  plan.in_process = options.in_process;
  const auto say = [&](const CheckedCase& result) {
    if (options.json) return;
    std::fputs(case_line(result).c_str(), stdout);
    std::fflush(stdout);  // main looks whether it was written.
  };
  const Result<CheckReport> report = check_library_file(plan, say);
  if (!report.ok()) return refuse(report.status());
  const std::string rest =
      options.json ? report_json(report.value()) : closing_lines(report.value());
  std::fputs(rest.c_str(), stdout);
  return report->passed() ? 0 : kFailed;
}

}  // namespace aesweep
