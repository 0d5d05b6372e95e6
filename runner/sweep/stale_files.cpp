#include "runner/sweep/stale_files.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "runner/store/segment_file.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

using Sizes = std::map<std::string, std::uint64_t>;  // By name relative to the run folder.

// "000012.1.h5", "000000-000999.1.segment"
bool is_our_name(const std::string& name) {
  const std::size_t end = name.find_first_not_of("0123456789.-");
  if (end == 0 || end == std::string::npos || name[end - 1] != '.') return false;
  const std::string kind = name.substr(end);
  return kind == "h5" || kind == "segment";
}

// The files of ours in a folder of the run.
Result<Sizes> list(const RunFolder& folder, const std::string& below) {
  Sizes sizes;
  std::error_code error;
  for (fs::directory_iterator entry(folder.file(below), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_our_name(name)) sizes[below + "/" + name] = entry->file_size(error);
    if (error) break;
  }
  if (!error) return sizes;
  return Status::world(text(folder.file(below), ": cannot read: ", error.message()));
}

Status remove(const RunFolder& folder, const std::string& name) {
  std::error_code error;
  fs::remove(folder.file(name), error);
  if (!error) return {};
  return Status::world(text(folder.file(name), ": cannot remove: ", error.message()));
}

// Takes a recorded file out of `sizes`.
Status expect(const RunFolder& folder, const FileRecord& file, Sizes& sizes) {
  const auto found = sizes.find(file.name);
  const bool there = found != sizes.end();
  const std::uint64_t bytes = there ? found->second : 0;
  if (there) sizes.erase(found);
  if (there && bytes == file.bytes) return {};
  return Status::world(
      text(folder.file(file.name),
           there ? text(" has ", bytes, " bytes, not the ") : std::string(" is missing; it had "),
           file.bytes, there ? " that its run's journal says" : " bytes by its run's journal",
           "; put it back from a copy, or run what is lost again with --rerun damaged; see aesweep "
           "validate ",
           folder.path));
}

// Whether results are made of any member.
bool counts(const RunState& run, const TrialsFolded& folded) {
  return std::any_of(folded.members.begin(), folded.members.end(), [&](const auto& member) {
    const TrialRecordState& trial = run.trials[static_cast<std::size_t>(member.number)];
    const StoredAttempt& last = trial.finished.back();
    return last.finished.attempt == member.attempt && trial.counts(last);
  });
}

FileFacts facts_of(const FileRecord& record) { return {record.bytes, record.sha256}; }

// Adds the trials whose bytes in the segment are lost: where its table is, those of all.
Status find_damaged(const RunFolder& folder, const TrialsFolded& folded, const RunState& run,
                    std::set<std::int64_t>& damaged) {
  const std::string path = folder.file(folded.segment.name);
  Result<bool> whole = is_as_expected(path, facts_of(folded.segment));
  AESWEEP_RETURN_IF_ERROR(whole.status());
  if (*whole) return {};
  Result<std::vector<SegmentMember>> table = read_segment(path);
  const bool fits = table.ok() && table->size() == folded.members.size();
  for (std::size_t i = 0; i < folded.members.size(); ++i) {
    const TrialsFolded::Member& member = folded.members[i];
    const FileFacts expected{member.bytes, member.sha256};
    const bool good = fits && (*table)[i].number == member.number &&
                      (*table)[i].attempt == member.attempt && (*table)[i].facts == expected &&
                      read_member(path, (*table)[i]).ok();
    const TrialRecordState& trial = run.trials[static_cast<std::size_t>(member.number)];
    const bool newest = trial.finished.back().finished.attempt == member.attempt;
    if (!good && newest) damaged.insert(member.number);
  }
  return {};
}

}  // namespace

Status remove_stale_files(const RunFolder& folder, RunState& run) {
  if (Result<int> removed = remove_temporary_files(folder); !removed.ok()) return removed.status();
  Result<Sizes> trials = list(folder, "trials");
  AESWEEP_RETURN_IF_ERROR(trials.status());
  Result<Sizes> checkpoints = list(folder, "checkpoints");
  AESWEEP_RETURN_IF_ERROR(checkpoints.status());
  for (const TrialsFolded& one : run.segments) {
    if (counts(run, one)) {
      AESWEEP_RETURN_IF_ERROR(expect(folder, one.segment, *trials));
    } else {
      trials->erase(one.segment.name);
    }
  }
  for (TrialRecordState& trial : run.trials) {
    for (StoredAttempt& one : trial.finished) {
      if (!one.segment.empty()) continue;
      if (!trial.counts(one)) {
        trials->erase(one.finished.file.name);
      } else if (const Status status = expect(folder, one.finished.file, *trials); !status.ok()) {
        if (trial.done()) return status;
        one.lost = true;  // The trial is to run again anyhow.
      }
    }
    if (trial.done()) continue;
    std::erase_if(trial.checkpoints, [&](const CheckpointWritten& one) {
      return checkpoints->erase(one.file.name) == 0;
    });
  }
  for (const Sizes* left : {&*trials, &*checkpoints}) {
    for (const auto& [name, bytes] : *left) AESWEEP_RETURN_IF_ERROR(remove(folder, name));
  }
  return {};
}

Result<std::set<std::int64_t>> damaged_trials(const RunFolder& folder, const RunState& run) {
  std::set<std::int64_t> in_segments;
  for (const TrialsFolded& one : run.segments) {
    if (counts(run, one)) AESWEEP_RETURN_IF_ERROR(find_damaged(folder, one, run, in_segments));
  }
  std::set<std::int64_t> damaged;
  for (std::size_t i = 0; i < run.trials.size(); ++i) {
    const TrialRecordState& trial = run.trials[i];
    if (!trial.done()) continue;
    const auto number = static_cast<std::int64_t>(i);
    const StoredAttempt& last = trial.finished.back();
    if (!last.segment.empty()) {
      if (in_segments.contains(number)) damaged.insert(number);
      continue;
    }
    const FileRecord& file = last.finished.file;
    Result<bool> whole = is_as_expected(folder.file(file.name), facts_of(file));
    AESWEEP_RETURN_IF_ERROR(whole.status());
    if (!*whole) damaged.insert(number);
  }
  return damaged;
}

}  // namespace aesweep
