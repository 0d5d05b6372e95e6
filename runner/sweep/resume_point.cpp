#include "runner/sweep/resume_point.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/text.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

struct Reading {
  std::optional<CheckpointRecord> record;
  std::string unusable;  // Why it never will be of use: its bytes were compared.
  Status fault;          // Why it could not be read now.
};

Reading read_checked(const SweepPlan& plan, const SweepTrial& trial,
                     const CheckpointWritten& checkpoint) {
  const std::string path = plan.folder.file(checkpoint.file.name);
  const FileFacts expected{checkpoint.file.bytes, checkpoint.file.sha256};
  Result<CheckpointRecord> record = plan.services.read_checkpoint(path, expected);
  if (!record.ok()) {
    Result<bool> whole = is_as_expected(path, expected);
    if (!whole.ok()) return {{}, "", whole.status()};
    if (!*whole) return {{}, record.status().message(), {}};
    return {{}, "", record.status()};
  }
  if (record->key != trial.key) {
    return {
        {}, text(path, ": is of the trial with the key ", record->key, ", not of ", trial.key), {}};
  }
  return {std::move(record).value(), "", {}};
}

}  // namespace

ResumePoint find_resume_point(const SweepPlan& plan, const SweepTrial& trial,
                              std::span<const CheckpointWritten> newest_first) {
  ResumePoint point;
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    const CheckpointWritten& checkpoint = newest_first[i];
    Reading reading = read_checked(plan, trial, checkpoint);
    if (reading.record) {
      point.seconds = checkpoint.seconds;
      point.reproducible = checkpoint.reproducible &&
                           reading.record->numeric_fingerprint == plan.numeric_fingerprint;
      point.state = std::move(reading.record->state);
      return point;
    }
    if (!reading.fault.ok()) {
      point.fault = Status::world(
          text("cannot go on from step ", checkpoint.step, ": ", reading.fault.message(),
               "; nothing was removed: when that is mended go on with --resume, or remove the file "
               "to go on from ",
               i + 1 == newest_first.size() ? "the beginning" : "the checkpoint before it"));
      return point;
    }
    const bool is_oldest = i + 1 == newest_first.size();
    point.warnings.push_back(
        text("trial ", trial.number, ": cannot go on from step ", checkpoint.step, ": ",
             reading.unusable, "; tries ",
             is_oldest ? text("from the beginning") : text("step ", newest_first[i + 1].step)));
    std::error_code ignored;  // What is in the way of a new file is said when that is written.
    std::filesystem::remove(plan.folder.file(checkpoint.file.name), ignored);
  }
  return point;
}

}  // namespace aesweep
