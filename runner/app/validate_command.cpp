#include "runner/app/validate_command.hpp"

#include <cstdio>
#include <string>

#include "core/base/status.hpp"
#include "core/base/text.hpp"
#include "runner/app/asked_folder.hpp"
#include "runner/app/launcher.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/validate.hpp"

namespace aesweep {

int show_validation(const ValidateOptions& options) {
  if (launch_place().rank != 0) return 0;  // One process of a launch speaks for all.
  const RunFolder folder{options.folder};
  const Status status = check_asked_folder(folder);
  if (!status.ok()) {
    const std::string line = "aesweep: " + status.message() + "\n";
    std::fputs(line.c_str(), stderr);
    return static_cast<int>(status.fault());
  }
  const ValidationReport report = validate_run(folder);
  std::string out;
  for (const std::string& problem : report.problems) out += problem + "\n";
  for (const std::string& note : report.notes) out += "note: " + note + "\n";
  const std::size_t problems = report.problems.size();
  out +=
      text(folder.path, ": the journal and ", report.files, report.files == 1 ? " file" : " files",
           " compared by checksum, format and contents; ",
           problems == 0 ? "no" : std::to_string(problems),
           problems == 1 ? " problem\n" : " problems\n");
  std::fputs(out.c_str(), stdout);
  return problems == 0 ? 0 : static_cast<int>(Fault::kWorld);
}

}  // namespace aesweep
