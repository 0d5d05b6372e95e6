#include "runner/sweep/run_record.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <iomanip>
#include <map>

#include "core/base/text.hpp"
#include "core/math/fingerprint.hpp"

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

// All trials as one text of YAML documents.
std::string resolved_text(const SweepPlan& plan) {
  std::string all;
  for (const SweepTrial& trial : plan.trials) {
    all += text("--- # trial ", trial.number, '\n', trial.plan->resolved);
    if (!all.ends_with('\n')) all += '\n';
  }
  return all;
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

std::string overrides_text(const Experiment& experiment) {
  std::string list;
  for (const Override& one : experiment.overrides) {
    // How ranks are used is not part of what was computed.
    if (one.key.starts_with("resources")) continue;
    list += text(list.empty() ? "" : "\n", one.key, '=', one.value);
  }
  return list;
}

using ImpureLibraries = std::map<std::string, std::string>;

// Whether the trial's bits are a function of its key and the fingerprint.
bool is_reproducible(const SweepTrial& trial, const Catalogue& catalogue, bool mixed_nodes,
                     const ImpureLibraries& impure) {
  if (mixed_nodes || !trial.plan->spec.train.reproducible) return false;
  const std::vector<const CatalogueEntry*> used = used_components(trial.plan->spec, catalogue);
  return std::none_of(used.begin(), used.end(), [&impure](const CatalogueEntry* entry) {
    return !entry->library->builtin && impure.contains(entry->library->id);
  });
}

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

RunRecord make_run_record(const SweepPlan& plan, const SweepOptions& options,
                          const Manager& manager, const RunFacts& facts) {
  const Experiment& experiment = plan.experiment;
  const ImpureLibraries impure = impure_libraries(facts.ranks);
  const auto reproducible = [&](const SweepTrial& trial) {
    return is_reproducible(trial, plan.catalogue, facts.mixed_nodes, impure);
  };
  const bool all_reproducible =
      !facts.mixed_nodes && std::all_of(plan.trials.begin(), plan.trials.end(), reproducible);
  RunRecord record;
  record.name = experiment.name;
  record.experiment_text = experiment.text;
  record.experiment_resolved = resolved_text(plan);
  record.overrides = overrides_text(experiment);
  record.metric = experiment.metric;
  record.minimize = experiment.goal == Goal::kMinimize;
  record.plugins = plugin_records(plan);
  record.data_fingerprint = plan.data.fingerprint;
  record.numeric_fingerprint = facts.numeric_fingerprint;
  record.numerics_version = kNumericsVersion;
  record.software_version = options.software_version;
  record.revision = options.revision;
  record.runtime = {
      {"reproducible", all_reproducible ? "1" : "0"},
      {"impure_plugins", impure_text(impure)},
      {"started_utc", facts.started_utc},
      {"ended_utc", utc_now()},
      {"seconds", text(std::fixed, std::setprecision(3), facts.seconds)},
      {"ranks", text(facts.ranks.size())},
      {"groups", text(plan.groups.size())},
      {"hosts", ranks_per_host(facts.ranks)},
      {"experiment_path", experiment.path},
      {"data_path", experiment.data.path},
      {"run_folder", plan.folder.path},
  };
  for (const auto& [name, value] : options.runtime) {
    record.runtime.emplace_back(data_set_name(name), value);
  }
  for (std::int64_t i = 0; i < manager.trials(); ++i) {
    if (manager.state(i) != Manager::State::kFinished) continue;
    const TrialSummary& summary = manager.summary(i);
    const SweepTrial& trial = plan.trials[static_cast<std::size_t>(i)];
    record.trial_runtime.push_back({trial.number, kAttempt, summary.ranks, summary.host,
                                    summary.seconds, reproducible(trial)});
  }
  return record;
}

std::vector<std::string> trial_paths(const SweepPlan& plan, const Manager& manager) {
  std::vector<std::string> paths;
  for (std::int64_t i = 0; i < manager.trials(); ++i) {
    if (manager.state(i) != Manager::State::kFinished) continue;
    paths.push_back(plan.folder.trials() + "/" +
                    trial_file_name(plan.trials[static_cast<std::size_t>(i)].number, kAttempt));
  }
  return paths;
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
