#include "runner/plugin_host/probe_child.hpp"

#include <unistd.h>

#include <vector>

#include "core/base/text.hpp"
#include "runner/plugin_host/guarded_process.hpp"
#include "runner/plugin_host/library_file.hpp"
#include "runner/plugin_host/printable.hpp"
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
    end({std::string(kProbeRefused), text(static_cast<int>(status.fault())),
         printable_line(status.message())});
  }

 private:
  void write(const std::vector<std::string>& words) const {
    // If the helper is gone, so is whoever wanted to know.
    if (!write_bytes(out_, join_words(words))) ::_exit(0);
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
    if (!impure.empty()) all += text(all.empty() ? "" : "; ", name, ": ", printable_line(impure));
  }
  return all;
}

}  // namespace

void try_library_out(const std::string& path, int out, const ProbeOptions& options) {
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
