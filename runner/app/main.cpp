// aesweep: runs sweeps of sparse and binary autoencoders over MPI ranks.
#include <csignal>
#include <cstdio>
#include <string>
#include <variant>

#include "core/base/status.hpp"
#include "runner/app/command_line.hpp"
#include "runner/app/encode_command.hpp"
#include "runner/app/plan_command.hpp"
#include "runner/app/plugin_check_command.hpp"
#include "runner/app/plugin_new_command.hpp"
#include "runner/app/plugins_command.hpp"
#include "runner/app/rebuild_command.hpp"
#include "runner/app/render_command.hpp"
#include "runner/app/run_command.hpp"
#include "runner/app/search_command.hpp"
#include "runner/app/status_command.hpp"
#include "runner/app/supervise_command.hpp"
#include "runner/app/validate_command.hpp"
#include "runner/hdf5_reader/serve.hpp"
#include "runner/plugin_host/cpu_level.hpp"

namespace aesweep {
namespace {

int report(const Status& status) {
  if (!status.ok()) {
    const std::string line = "aesweep: " + status.message() + "\n";
    std::fputs(line.c_str(), stderr);
  }
  return static_cast<int>(status.fault());
}

struct Perform {
  int operator()(const ExitNow& exit) const { return exit.status; }
  int operator()(const RunOptions& options) const { return run_experiment(options); }
  int operator()(const SuperviseOptions& options) const { return run_supervised(options); }
  int operator()(const StatusOptions& options) const { return report(show_status(options)); }
  int operator()(const ValidateOptions& options) const { return show_validation(options); }
  int operator()(const RebuildOptions& options) const { return report(rebuild_results(options)); }
  int operator()(const EncodeOptions& options) const { return report(encode_codes(options)); }
  int operator()(const SearchOptions& options) const { return report(search_codes(options)); }
  int operator()(const RenderOptions& options) const { return report(render_results(options)); }
  int operator()(const PlanOptions& options) const { return report(show_plan(options)); }
  int operator()(const PluginsOptions& options) const { return report(list_plugins(options)); }
  int operator()(const PluginNewOptions& options) const { return report(new_plugin(options)); }
  int operator()(const PluginCheckOptions& options) const { return check_plugin(options); }
};

// A file-size limit and a closed pipe then come back as errors of the write, which clean up and say
// what to do; as signals they would end the job in the middle of a file.
Status ignore_signals_of_writes() {
  for (const int signal : {SIGXFSZ, SIGPIPE}) {
    if (std::signal(signal, SIG_IGN) == SIG_ERR) {
      return Status::world("cannot ignore SIGXFSZ and SIGPIPE");
    }
  }
  return {};
}

int run_main(int argc, const char* const* argv) {
  const Status ignored = ignore_signals_of_writes();
  if (!ignored.ok()) return report(ignored);
  // Better one line than an illegal instruction somewhere later.
  const Status cpu = check_cpu_level(built_cpu_level(), node_cpu_level());
  if (!cpu.ok()) return report(cpu.in("this program"));
  const int status = std::visit(Perform(), parse_command_line(argc, argv));
  // Nobody saw what could not be printed, a full disk behind stdout for example.
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!written && status == 0) {
    return report(Status::world("cannot write to standard output; look where it goes"));
  }
  return status;
}

}  // namespace
}  // namespace aesweep

int main(int argc, char** argv) {
  // Started by another process of this program, to call libhdf5 on a file of anybody's.
  if (aesweep::is_reader_call(argc, argv)) return aesweep::serve_hdf5_reads(argv);
  return aesweep::run_main(argc, argv);
}
