#include "runner/sweep/stale_files.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/text.hpp"

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
           "; put it back from a copy, see aesweep validate ", folder.path));
}

}  // namespace

Status remove_stale_files(const RunFolder& folder, RunState& run) {
  if (Result<int> removed = remove_temporary_files(folder); !removed.ok()) return removed.status();
  Result<Sizes> trials = list(folder, "trials");
  AESWEEP_RETURN_IF_ERROR(trials.status());
  Result<Sizes> checkpoints = list(folder, "checkpoints");
  AESWEEP_RETURN_IF_ERROR(checkpoints.status());
  for (const TrialsFolded& one : run.segments) {
    AESWEEP_RETURN_IF_ERROR(expect(folder, one.segment, *trials));
  }
  for (TrialRecordState& trial : run.trials) {
    for (const StoredAttempt& one : trial.finished) {
      if (one.segment.empty()) {
        AESWEEP_RETURN_IF_ERROR(expect(folder, one.finished.file, *trials));
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

}  // namespace aesweep
