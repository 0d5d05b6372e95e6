#include "runner/app/status_command.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>

#include "runner/app/launcher.hpp"
#include "runner/app/status_report.hpp"

namespace aesweep {
namespace {

// Of the terminal, or what fits most of them.
std::size_t width_of_output() {
  constexpr std::size_t kWidthMax = 120;
  constexpr std::size_t kWidthMin = 40;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidthMax;
  return std::clamp<std::size_t>(size.ws_col, kWidthMin, kWidthMax);
}

// On a terminal in place of what was there; else below it.
void draw(const std::string& shown, bool again) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const std::string before = terminal ? "\033[H\033[2J" : again ? "\n" : "";
  const std::string out = before + shown;
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

Status show_status(const StatusOptions& options, std::chrono::milliseconds redraw) {
  if (launch_place().rank != 0) return {};  // One process of a launch speaks for all.
  const RunFolder folder{options.folder};
  for (bool again = false;; again = true) {
    const Result<RunStatus> status = read_run_status(folder);
    if (!status.ok()) return status.status();
    const std::string shown =
        options.json ? status_json(status.value()) : status_text(status.value(), width_of_output());
    if (!options.watch) {
      std::fputs(shown.c_str(), stdout);
      return {};
    }
    draw(shown, again);
    if (!status->at_work() || std::ferror(stdout) != 0) return {};
    std::this_thread::sleep_for(redraw);
  }
}

}  // namespace aesweep
