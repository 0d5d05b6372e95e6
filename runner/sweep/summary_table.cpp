#include "runner/sweep/summary_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <set>
#include <vector>

#include "core/base/table.hpp"
#include "core/base/text.hpp"
#include "runner/config/values.hpp"

namespace aesweep {
namespace {

constexpr const char* kMainMetrics[] = {"test/mse", "test/fvu", "test/l0", "test/dead",
                                        "dictionary/recovery"};

std::optional<double> last_value(const TrialSummary& summary, const std::string& metric) {
  for (const auto& [name, value] : summary.last) {
    if (name == metric) return value;
  }
  return std::nullopt;
}

std::string metric_text(std::optional<double> value) {
  return value ? text(std::setprecision(4), *value) : "-";
}

constexpr const char* kNumberColumn = "trial";
constexpr std::array<const char*, 2> kLastColumns = {"status", "best"};

bool is_own_column(const std::string& name) {
  return name == kNumberColumn ||
         std::find(kLastColumns.begin(), kLastColumns.end(), name) != kLastColumns.end();
}

// The last `parts` dotted parts of a key.
std::string tail(const std::string& key, int parts) {
  std::size_t at = key.size();
  for (int i = 0; i < parts && at != std::string::npos && at > 0; ++i) at = key.rfind('.', at - 1);
  return at == std::string::npos || at == 0 ? key : key.substr(at + 1);
}

// Each key, shortened to as many of its last parts as tell it from all others and from the table's
// own columns: model.init_from.trial is no second "trial".
std::vector<std::string> short_names(const std::vector<std::string>& keys) {
  std::vector<std::string> names;
  for (const std::string& key : keys) {
    int parts = 1;
    const auto same = [&](const std::string& other) {
      return tail(other, parts) == tail(key, parts);
    };
    const auto taken = [&] {
      return is_own_column(tail(key, parts)) || std::count_if(keys.begin(), keys.end(), same) > 1;
    };
    while (taken() && tail(key, parts) != key) ++parts;
    names.push_back(tail(key, parts));
  }
  return names;
}

std::vector<std::string> parameter_keys(const SweepPlan& plan) {
  std::vector<std::string> keys;
  for (const SweepTrial& trial : plan.trials) {
    for (const auto& [key, value] : trial.plan->parameters) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  return keys;
}

// The sweep's own metric first, then the main ones that any trial has.
std::vector<std::string> shown_metrics(const SweepPlan& plan, const Manager& manager) {
  std::set<std::string> present;
  for (std::int64_t i = 0; i < manager.trials(); ++i) {
    if (manager.state(i) != Manager::State::kFinished) continue;
    for (const auto& [name, value] : manager.summary(i).last) present.insert(name);
  }
  std::vector<std::string> metrics;
  if (present.count(plan.experiment.metric) != 0) metrics.push_back(plan.experiment.metric);
  for (const char* name : kMainMetrics) {
    if (name != plan.experiment.metric && present.count(name) != 0) metrics.emplace_back(name);
  }
  return metrics;
}

std::vector<std::string> row_of(const SweepTrial& trial, const TrialSummary& summary,
                                const std::vector<std::string>& keys,
                                const std::vector<std::string>& metrics, bool best) {
  std::vector<std::string> row = {text(trial.number)};
  for (const std::string& key : keys) {
    const auto& parameters = trial.plan->parameters;
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&key](const auto& one) { return one.first == key; });
    row.push_back(found == parameters.end() ? "-" : shown(found->second));
  }
  for (const std::string& metric : metrics) row.push_back(metric_text(last_value(summary, metric)));
  row.emplace_back(outcome_name(summary.outcome));
  row.emplace_back(best ? "*" : "");
  return row;
}

std::string reasons(const SweepPlan& plan, const Manager& manager, std::size_t rows_max) {
  std::string lines;
  std::size_t count = 0;
  for (std::int64_t i = 0; i < manager.trials(); ++i) {
    if (manager.state(i) != Manager::State::kFinished) continue;
    const TrialSummary& summary = manager.summary(i);
    if (summary.outcome == Outcome::kCompleted || ++count > rows_max) continue;
    lines += text("trial ", plan.trials[static_cast<std::size_t>(i)].number, ' ',
                  outcome_name(summary.outcome), ": ", whole_reason(summary), '\n');
  }
  if (count > rows_max) lines += text("... and ", count - rows_max, " more\n");
  return lines;
}

}  // namespace

std::optional<std::int64_t> best_trial(const SweepPlan& plan, const Manager& manager) {
  const double sign = plan.experiment.goal == Goal::kMinimize ? 1.0 : -1.0;
  std::optional<std::int64_t> best;
  double best_value = 0.0;
  for (std::int64_t i = 0; i < manager.trials(); ++i) {
    if (manager.state(i) != Manager::State::kFinished) continue;
    const TrialSummary& summary = manager.summary(i);
    const std::optional<double> value = last_value(summary, plan.experiment.metric);
    if (summary.outcome != Outcome::kCompleted || !value || !std::isfinite(*value)) continue;
    if (best && sign * *value >= best_value) continue;
    best = i;
    best_value = sign * *value;
  }
  return best;
}

std::string summary_table(const SweepPlan& plan, const Manager& manager, std::size_t rows_max) {
  const std::optional<std::int64_t> best = best_trial(plan, manager);
  const std::vector<std::string> keys = parameter_keys(plan);
  const std::vector<std::string> metrics = shown_metrics(plan, manager);

  std::vector<std::string> headers = {kNumberColumn};
  for (std::string& name : short_names(keys)) headers.push_back(std::move(name));
  headers.insert(headers.end(), metrics.begin(), metrics.end());
  headers.insert(headers.end(), kLastColumns.begin(), kLastColumns.end());

  std::vector<std::vector<std::string>> rows;
  std::int64_t left_out = 0;
  for (std::int64_t i = 0; i < manager.trials(); ++i) {
    if (manager.state(i) != Manager::State::kFinished) continue;
    const bool is_best = best == i;
    const bool best_to_come = best && *best > i;  // Keep a line for it.
    if (!is_best && rows.size() + (best_to_come ? 1 : 0) >= rows_max) {
      ++left_out;
      continue;
    }
    rows.push_back(row_of(plan.trials[static_cast<std::size_t>(i)], manager.summary(i), keys,
                          metrics, is_best));
  }
  std::string table = format_table(headers, rows);
  if (left_out > 0) table += text("... and ", left_out, " more, all in results.h5: /trials\n");
  return table + reasons(plan, manager, rows_max);
}

}  // namespace aesweep
