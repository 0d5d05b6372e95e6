#include "runner/journal/run_state.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "core/base/text.hpp"
#include "runner/store/fence.hpp"

namespace aesweep {
namespace {

// Applies one record to a state. Each overload checks first and changes then, so that a record that
// is refused leaves the state as it was.
class Applier {
 public:
  explicit Applier(RunState& state) : state_(state) {}

  Status operator()(const JobStarted& record) {
    for (const FileRecord& known : state_.experiments) {
      if (known.name != record.experiment.name || known == record.experiment) continue;
      return Status::world(text(known.name, " is named again with another hash"));
    }
    const auto known =
        std::find(state_.experiments.begin(), state_.experiments.end(), record.experiment);
    if (known == state_.experiments.end()) state_.experiments.push_back(record.experiment);
    for (const PluginRecord& plugin : record.plugins) {
      const auto& all = state_.plugins;
      if (std::find(all.begin(), all.end(), plugin) == all.end()) state_.plugins.push_back(plugin);
    }
    state_.job = record;
    ++state_.jobs;
    state_.ended.reset();
    for (TrialRecordState& trial : state_.trials) trial.begun = false;
    return {};
  }

  Status operator()(const TrialsPlanned& record) {
    const auto next = static_cast<std::int64_t>(state_.trials.size());
    if (record.first != next) {
      return Status::world(text("trials are planned from number ", record.first,
                                " on where the next number is ", next));
    }
    std::map<std::string, std::int64_t> added;
    for (const std::string& key : record.keys) {
      const std::int64_t number = next + static_cast<std::int64_t>(added.size());
      const bool is_new = !state_.number_of.contains(key) && added.emplace(key, number).second;
      if (key.empty() || !is_new) {
        return Status::world(text("trial ", number, " is planned with a key that ",
                                  key.empty() ? "is empty" : "another trial has: " + key));
      }
    }
    for (const std::string& key : record.keys) {
      state_.trials.emplace_back().key = key;
    }
    state_.number_of.merge(added);
    return {};
  }

  Status operator()(const TrialsAsked& record) {
    std::int64_t next = 0;
    const auto count = static_cast<std::int64_t>(state_.trials.size());
    for (const auto& [first, last] : record.ranges) {
      if (first < next || last < first || last >= count) {
        return Status::world(text("the range of trials ", first, " to ", last,
                                  " is not one of the planned ", count, " in ascending order"));
      }
      next = last + 1;
    }
    for (TrialRecordState& trial : state_.trials) trial.asked = false;
    for (const auto& [first, last] : record.ranges) {
      for (std::int64_t number = first; number <= last; ++number) at(number).asked = true;
    }
    return {};
  }

  Status operator()(const TrialBegun& record) {
    AESWEEP_RETURN_IF_ERROR(check_running(record.number, record.attempt));
    at(record.number).begun = true;
    return {};
  }

  Status operator()(const CheckpointWritten& record) {
    AESWEEP_RETURN_IF_ERROR(check_running(record.number, record.attempt));
    std::vector<CheckpointWritten>& list = at(record.number).checkpoints;
    // A trial that went on from an older one, because a newer was damaged, writes that again.
    std::erase_if(list, [&](const CheckpointWritten& old) { return old.step >= record.step; });
    list.push_back(record);
    return {};
  }

  Status operator()(const TrialFinished& record) {
    AESWEEP_RETURN_IF_ERROR(check_running(record.number, record.attempt));
    if (record.outcome == Outcome::kInterrupted) {
      return Status::world(text("trial ", record.number, " has finished as interrupted"));
    }
    TrialRecordState& trial = at(record.number);
    trial.finished.push_back({record, "", {}, state_.job->numeric_fingerprint});
    trial.begun = false;
    return {};
  }

  Status operator()(const TrialsFolded& record) {
    std::set<std::pair<std::int64_t, int>> seen;
    for (const TrialsFolded::Member& member : record.members) {
      const StoredAttempt* stored = find(member.number, member.attempt);
      const bool again = !seen.emplace(member.number, member.attempt).second;
      if (stored != nullptr && stored->segment.empty() && !again) continue;
      return Status::world(text("trial ", member.number, ", attempt ", member.attempt, ", which ",
                                stored == nullptr ? "has not finished" : "is in a segment already",
                                ", is folded into ", record.segment.name));
    }
    for (const TrialsFolded::Member& member : record.members) {
      StoredAttempt& stored = *find(member.number, member.attempt);
      stored.segment = record.segment.name;
      stored.in_segment = {stored.finished.file.name, member.bytes, member.sha256};
    }
    state_.segments.push_back(record);
    return {};
  }

  Status operator()(const TrialCrashed& record) {
    AESWEEP_RETURN_IF_ERROR(check_attempt(record.number, record.attempt));
    at(record.number).crashes.push_back(record);
    return {};
  }

  Status operator()(const TrialRerun& record) {
    AESWEEP_RETURN_IF_ERROR(check_known(record.number));
    TrialRecordState& trial = at(record.number);
    if (!trial.done() || record.attempt != trial.attempt + 1) {
      return Status::world(text("trial ", record.number, " is to run again as attempt ",
                                record.attempt, " where attempt ", trial.attempt,
                                trial.done() ? " was the last" : " has not finished"));
    }
    trial.attempt = record.attempt;
    trial.finished.back().lost = record.damaged;
    trial.begun = false;
    trial.checkpoints.clear();
    trial.crashes.clear();
    return {};
  }

  Status operator()(const ResultsWritten& record) {
    state_.results = record.file;
    return {};
  }

  Status operator()(const JobEnded& record) {
    if (state_.ended) return Status::world("a job that has ended ends again");
    state_.ended = record;
    state_.seconds += record.seconds;
    return {};
  }

 private:
  TrialRecordState& at(std::int64_t number) {
    return state_.trials[static_cast<std::size_t>(number)];
  }

  Status check_known(std::int64_t number) const {
    if (number >= 0 && number < static_cast<std::int64_t>(state_.trials.size())) return {};
    return Status::world(
        text("trial ", number, " was never planned; there are ", state_.trials.size()));
  }

  Status check_attempt(std::int64_t number, int attempt) {
    AESWEEP_RETURN_IF_ERROR(check_known(number));
    if (attempt == at(number).attempt) return {};
    return Status::world(
        text("trial ", number, ", attempt ", attempt, ": the present one is ", at(number).attempt));
  }

  Status check_running(std::int64_t number, int attempt) {
    AESWEEP_RETURN_IF_ERROR(check_attempt(number, attempt));
    if (!at(number).done()) return {};
    return Status::world(text("trial ", number, ", attempt ", attempt, " had finished before"));
  }

  // Null if there is none.
  StoredAttempt* find(std::int64_t number, int attempt) {
    if (!check_known(number).ok()) return nullptr;
    for (StoredAttempt& stored : at(number).finished) {
      if (stored.finished.attempt == attempt) return &stored;
    }
    return nullptr;
  }

  RunState& state_;
};

}  // namespace

Status RunState::apply(const Record& record) {
  if (!job && !std::holds_alternative<JobStarted>(record)) {
    return Status::world("a record before any job has started");
  }
  return std::visit(Applier(*this), record);
}

Result<RunState> replay(std::span<const std::string> payloads) {
  return fenced("journal", [&]() -> Result<RunState> {
    RunState state;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      const std::string where = text("journal, line ", i + 1);  // Line 0 names the format.
      Result<Record> record = decode_record(payloads[i]);
      if (!record.ok()) return record.status().in(where);
      AESWEEP_RETURN_IF_ERROR(state.apply(*record).in(where));
    }
    return state;
  });
}

}  // namespace aesweep
