#include "runner/sweep/job_record.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <iomanip>
#include <map>
#include <set>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/math/fingerprint.hpp"
#include "runner/journal/lease.hpp"
#include "runner/sweep/start_plan.hpp"

namespace aesweep {
namespace {

// The components that any trial uses, sorted by kind and name.
std::vector<PluginRecord> plugin_records(const SweepPlan& plan) {
  std::map<std::pair<std::uint32_t, std::string>, PluginRecord> records;
  for (const SweepTrial& trial : plan.trials) {
    for (const CatalogueEntry* entry : used_components(trial.plan->spec, plan.catalogue)) {
      const aesweep_component& component = entry->component;
      PluginRecord record;
      record.kind = std::string(kind_name(static_cast<aesweep_kind>(component.kind)));
      record.name = component.name;
      record.library = entry->library->id;
      record.version = entry->library->version;
      record.sha256 = entry->library->sha256;
      record.abi = text(AESWEEP_ABI_MAJOR, '.', AESWEEP_ABI_MINOR);
      records.emplace(std::pair(component.kind, record.name), std::move(record));
    }
  }
  std::vector<PluginRecord> list;
  for (auto& [name, record] : records) list.push_back(std::move(record));
  return list;
}

// The digest of all weights that trials start from: of the only ones, or of the digests of several.
std::string weights_digest(const SweepPlan& plan) {
  std::set<std::string> digests;
  for (const SweepTrial& trial : plan.trials) {
    const auto& given = trial.plan->spec.model.given_weights;
    if (given) digests.insert(given->sha256);
  }
  if (digests.empty()) return "";
  if (digests.size() == 1) return *digests.begin();
  Sha256 hash;
  for (const std::string& digest : digests) hash.update(digest);
  return hash.finish();
}

// "node1: 4, node2: 4"
std::string ranks_per_host(std::span<const RankFacts> ranks) {
  std::map<std::string, int> counts;
  for (const RankFacts& rank : ranks) ++counts[rank.host];
  std::string list;
  for (const auto& [host, count] : counts) {
    list += text(list.empty() ? "" : ", ", host, ": ", count);
  }
  return list;
}

using ImpureLibraries = std::map<std::string, std::string>;

// "hidden: activation hidden: ...", a line each.
std::string impure_text(const ImpureLibraries& impure) {
  std::string lines;
  for (const auto& [library, what] : impure) {
    lines += text(lines.empty() ? "" : "\n", library, ": ", what);
  }
  return lines;
}

// "CPU level" as the name of a data set: cpu_level.
std::string data_set_name(std::string name) {
  for (char& c : name) {
    if (c == ' ') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

}  // namespace

JobStarted make_job_record(const SweepPlan& plan, const SweepOptions& options,
                           std::span<const RankFacts> ranks) {
  const Experiment& experiment = plan.experiment;
  const LeaseHolder self = this_process();
  JobStarted job;
  job.utc = utc_now();
  job.name = experiment.name;
  job.overrides = overrides_text(experiment.overrides);
  job.metric = experiment.metric;
  job.minimize = experiment.goal == Goal::kMinimize;
  job.best_weights = experiment.best_weights;
  job.plugins = plugin_records(plan);
  job.data_fingerprint = plan.data.fingerprint;
  job.weights_sha256 = weights_digest(plan);
  job.numeric_fingerprint = plan.numeric_fingerprint;
  job.numerics_version = kNumericsVersion;
  job.software_version = options.software_version;
  job.revision = options.revision;
  job.ranks = static_cast<int>(ranks.size());
  job.groups = static_cast<int>(plan.groups.size());
  job.reproducible = !plan.mixed_nodes;
  job.host = ranks.front().host;
  job.slurm_job = self.slurm_job;
  job.slurm_restarts = self.slurm_restarts;
  job.runtime = {
      {"impure_plugins", impure_text(plan.impure)},
      {"hosts", ranks_per_host(ranks)},
      {"experiment_path", experiment.path},
      {"data_path", experiment.data.path},
      {"run_folder", plan.folder.path},
  };
  if (options.search_crash) job.runtime.emplace_back(kSearchFact, "1");
  for (const auto& [name, value] : options.runtime) {
    job.runtime.emplace_back(data_set_name(name), value);
  }
  return job;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> buffer{};
  const std::size_t size =
      std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(buffer.data(), size);
}

}  // namespace aesweep
