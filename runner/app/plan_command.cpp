#include "runner/app/plan_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/table.hpp"
#include "core/base/text.hpp"
#include "core/data/source.hpp"
#include "core/train/estimate.hpp"
#include "runner/app/bytes_text.hpp"
#include "runner/app/launcher.hpp"
#include "runner/app/load_experiment.hpp"
#include "runner/app/plan_storage.hpp"
#include "runner/app/plugin_probe.hpp"
#include "runner/config/values.hpp"
#include "runner/sweep/groups.hpp"
#include "runner/sweep/services.hpp"
#include "runner/sweep/trial_checks.hpp"

namespace aesweep {
namespace {

struct Plan {
  std::vector<TrialEstimate> trials;  // One per trial of the experiment.
  std::vector<Group> groups;
  std::size_t distinct = 0;            // Trials that differ in anything but their number.
  std::uint64_t memory_bytes_max = 0;  // Per rank, over trials and group sizes.
  std::size_t largest = 0;             // The trial with that memory.
  StorageNeeds storage;
  std::int64_t shards_per_batch_min = 0;
  WarmupCheck warmup;
};

// The sizes of groups that occur.
std::set<int> group_sizes(const std::vector<Group>& groups) {
  std::set<int> sizes;
  for (const Group& group : groups) sizes.insert(static_cast<int>(group.ranks.size()));
  return sizes;
}

// The trial's needs, with the memory of the group size that needs most.
Result<TrialEstimate> estimate_for(const PlannedTrial& trial, const std::set<int>& sizes,
                                   const Catalogue& catalogue, const DatasetLayout& layout) {
  TrialEstimate most{};
  for (const int size : sizes) {
    const Result<TrialEstimate> estimate = estimate_trial(trial.spec, catalogue, layout, size);
    if (!estimate.ok()) return estimate.status();
    const std::uint64_t memory =
        std::max(most.memory_bytes_per_rank, estimate->memory_bytes_per_rank);
    most = estimate.value();
    most.memory_bytes_per_rank = memory;
  }
  return most;
}

Result<Plan> make_plan(const Experiment& experiment, const Catalogue& catalogue,
                       const DatasetLayout& layout, int ranks) {
  Plan plan;
  plan.groups =
      make_groups(ranks, experiment.ranks_per_trial, static_cast<int>(experiment.trials.size()));
  const std::set<int> sizes = group_sizes(plan.groups);
  std::set<std::string> distinct;
  std::vector<TrialEstimate> stored;
  for (const PlannedTrial& trial : experiment.trials) {
    const Result<TrialEstimate> estimate = estimate_for(trial, sizes, catalogue, layout);
    if (!estimate.ok()) {
      return estimate.status().in(text(place_of(experiment, estimate.status().message()),
                                       ": trial ", plan.trials.size(), " (", trial.label, ")"));
    }
    plan.warmup.add(static_cast<std::int64_t>(plan.trials.size()), trial, estimate->steps);
    plan.trials.push_back(estimate.value());
    if (estimate->memory_bytes_per_rank > plan.memory_bytes_max) {
      plan.memory_bytes_max = estimate->memory_bytes_per_rank;
      plan.largest = plan.trials.size() - 1;
    }
    // Equal trials run once.
    if (distinct.insert(trial.resolved).second) stored.push_back(estimate.value());
    plan.shards_per_batch_min =
        plan.trials.size() == 1 ? estimate->shards_per_batch
                                : std::min(plan.shards_per_batch_min, estimate->shards_per_batch);
  }
  plan.distinct = distinct.size();
  plan.storage = storage_needs(stored, experiment.best_weights, experiment.checkpoint,
                               static_cast<std::int64_t>(plan.groups.size()));
  return plan;
}

// Rows of a long table that are shown at its beginning and end.
constexpr std::size_t kFirstRows = 40;
constexpr std::size_t kLastRows = 5;

std::string trial_table(const Experiment& experiment, const Plan& plan) {
  std::vector<std::string> headers = {"trial"};
  for (const NamedParameter& parameter : experiment.trials.front().parameters) {
    headers.push_back(parameter.first);
  }
  headers.insert(headers.end(), {"learned parameters", "steps"});
  std::vector<std::vector<std::string>> rows;
  const std::size_t trials = experiment.trials.size();
  const bool cut = trials > kFirstRows + kLastRows + 1;
  for (std::size_t i = 0; i < trials; ++i) {
    if (cut && i == kFirstRows) {
      i = trials - kLastRows;
      rows.push_back({"..."});
      rows.back().resize(headers.size());
    }
    std::vector<std::string> row = {text(i)};
    for (const NamedParameter& parameter : experiment.trials[i].parameters) {
      row.push_back(shown(parameter.second));
    }
    row.insert(row.end(), {text(plan.trials[i].parameters), text(plan.trials[i].steps)});
    rows.push_back(std::move(row));
  }
  return format_table(headers, rows);
}

// "2 groups of 1 rank", "1 group of 2 ranks and 1 of 1"
std::string groups_line(const Plan& plan) {
  std::map<std::size_t, int, std::greater<>> counts;
  for (const Group& group : plan.groups) ++counts[group.ranks.size()];
  std::string line;
  for (const auto& [size, count] : counts) {
    line += text(line.empty() ? "" : ", ", count, count == 1 ? " group of " : " groups of ", size,
                 size == 1 ? " rank" : " ranks");
  }
  return line;
}

std::string idle_line(const Plan& plan, int ranks) {
  std::size_t used = 0;
  std::int64_t without_shards = 0;
  for (const Group& group : plan.groups) {
    const auto size = static_cast<std::int64_t>(group.ranks.size());
    used += group.ranks.size();
    without_shards += std::max<std::int64_t>(0, size - plan.shards_per_batch_min);
  }
  std::string line;
  if (const std::size_t outside = static_cast<std::size_t>(ranks) - used; outside > 0) {
    line = text(outside, outside == 1 ? " rank is" : " ranks are", " in no group");
  }
  if (without_shards > 0) {
    line += text(line.empty() ? "" : ", ", without_shards,
                 without_shards == 1 ? " rank gets" : " ranks get",
                 " no rows: the smallest batch is cut into ", plan.shards_per_batch_min,
                 plan.shards_per_batch_min == 1 ? " shard" : " shards");
  }
  return line.empty() ? "none" : line;
}

std::string disk_lines(const StorageNeeds& needs) {
  std::string trials = text(bytes_text(needs.trials_bytes), " of trials, ",
                            bytes_text(needs.trial_bytes_max), " the largest");
  if (needs.segments > 0) {
    trials += text(", in ", needs.segments, needs.segments == 1 ? " segment" : " segments");
  }
  const std::string checkpoints =
      needs.checkpoint_bytes == 0
          ? "none, until the run is asked to stop"
          : text(bytes_text(needs.checkpoint_bytes), " at most while it runs");
  const std::string peak =
      needs.peak_bytes == needs.end_bytes()
          ? ""
          : text("            ", bytes_text(needs.peak_bytes), " while trials are put together\n");
  return text("disk        about ", bytes_text(needs.end_bytes()), ": ", trials, "; ",
              bytes_text(needs.results_bytes), " of results.h5; ", bytes_text(needs.journal_bytes),
              " of journal and log\n", peak,      //
              "checkpoints ", checkpoints, "\n",  //
              "files       ", needs.files_at_end, " at the end, about ", needs.files_running,
              " while it runs\n");
}

// Empty where every trial fits into the memory of this machine.
std::string memory_warning(const Experiment& experiment, const Plan& plan,
                           const DatasetLayout& layout) {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return "";
  const std::uint64_t memory =
      static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  const std::uint64_t needed = plan.memory_bytes_max + layout.bytes;
  if (needed <= memory) return "";
  return text("warning     trial ", plan.largest, " (", experiment.trials[plan.largest].label,
              ") needs ", bytes_text(needed), " with the data, more than the ", bytes_text(memory),
              " of this machine; use more ranks per trial on more nodes, or smaller layers\n");
}

std::string data_line(const DatasetLayout& layout) {
  const std::string validation =
      layout.validation.rows == 0 ? "" : text(", ", layout.validation.rows, " validation");
  return text(layout.train.rows, " training", validation, " and ", layout.test.rows,
              " test samples of ", layout.train.cols, " values, ", bytes_text(layout.bytes),
              " per node", layout.train.streamed ? "; samples stay in their file" : "");
}

}  // namespace

Status show_plan(const PlanOptions& options) {
  // Under a launcher every process plans the same; one of them says so.
  if (launch_place().rank != 0) return {};
  const Result<std::string> bytes = read_experiment(options.experiment.path);
  if (!bytes.ok()) return bytes.status();
  Result<PluginProbe> probe = start_plugin_probe();
  if (!probe.ok()) return probe.status();
  Catalogue catalogue;
  const Result<Experiment> experiment =
      load_experiment(bytes.value(), options.experiment, probe.value(), catalogue);
  if (!experiment.ok()) return experiment.status();
  const Result<DatasetLayout> layout = inspect(experiment->data, hdf5_opener());
  if (!layout.ok()) return at_place(experiment.value(), layout.status());
  const Result<Plan> plan = make_plan(experiment.value(), catalogue, layout.value(), options.ranks);
  if (!plan.ok()) return plan.status();

  const std::size_t trials = experiment->trials.size();
  const std::string same =
      plan->distinct == trials ? "" : text(", ", plan->distinct, " of them different");
  const std::string warning = plan->warmup.warning();
  const std::string out = text(
      trial_table(experiment.value(), plan.value()), "\n",                   //
      "experiment  ", experiment->name, ", ", experiment->path, "\n",        //
      "data        ", data_line(layout.value()), "\n",                       //
      "trials      ", trials, same, "\n",                                    //
      "ranks       ", options.ranks, ": ", groups_line(plan.value()), "\n",  //
      "idle        ", idle_line(plan.value(), options.ranks), "\n",          //
      "memory      ", bytes_text(plan->memory_bytes_max), " per rank at most, and the data\n",
      disk_lines(plan->storage), memory_warning(experiment.value(), plan.value(), layout.value()),
      warning.empty() ? "" : text("warning     ", warning, "\n"));
  std::fputs(out.c_str(), stdout);
  return {};
}

}  // namespace aesweep
