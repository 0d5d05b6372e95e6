#include "runner/plugin_host/probe_child.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>
#include <vector>

#include "core/base/text.hpp"
#include "runner/plugin_host/library_file.hpp"
#include "runner/plugin_host/probe_message.hpp"

namespace aesweep {
namespace {

class Report {
 public:
  explicit Report(int out) : out_(out) {}

  void stage(const std::string& at_work) const { write({std::string(kProbeStage), at_work}); }

  [[noreturn]] void end(const std::vector<std::string>& words) const {
    write(words);
    ::_exit(0);  // Nothing of the library runs any more.
  }
  [[noreturn]] void refuse(const Status& status) const {
    end({std::string(kProbeRefused), text(static_cast<int>(status.fault())), status.message()});
  }

 private:
  void write(const std::vector<std::string>& words) const {
    const std::string bytes = join_words(words);
    for (std::string_view rest = bytes; !rest.empty();) {
      const ssize_t count = ::write(out_, rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) ::_exit(0);  // The helper is gone, and with it whoever wanted to know.
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  int out_;
};

std::string impurities(const Catalogue& catalogue, const ProbeOptions& options,
                       const Report& report) {
  std::string all;
  if (!options.impurity) return all;
  for (const CatalogueEntry& entry : catalogue.entries()) {
    const std::string name =
        text(kind_name(static_cast<aesweep_kind>(entry.component.kind)), " ", entry.component.name);
    report.stage(text("its ", name, ", called to see whether it is pure,"));
    const std::string impure = options.impurity(entry);
    if (!impure.empty()) all += text(all.empty() ? "" : "; ", name, ": ", impure);
  }
  return all;
}

}  // namespace

void try_library_out(const std::string& path, int out, pid_t parent, const ProbeOptions& options) {
  static_cast<void>(::setpgid(0, 0));  // Whatever it starts can be ended with it.
  static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL));
  if (::getppid() != parent) ::_exit(0);
  const rlimit no_core = {0, 0};
  static_cast<void>(::setrlimit(RLIMIT_CORE, &no_core));

  const Report report(out);
  Result<CheckedLibrary> checked = check_library(path);
  if (!checked.ok()) report.refuse(checked.status());
  report.stage("its constructor");
  const Result<LinkedLibrary> linked = link_library(checked.value());
  if (!linked.ok()) report.refuse(linked.status());
  report.stage("its init");
  Catalogue catalogue;
  const Status added = catalogue.add(linked->entry, linked->library);
  if (!added.ok()) report.refuse(added);
  report.end(
      {std::string(kProbePassed), linked->library.sha256, impurities(catalogue, options, report)});
}

}  // namespace aesweep
