#include "runner/sweep/resume_point.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

Result<CheckpointRecord> read_checked(const SweepPlan& plan, const SweepTrial& trial,
                                      const CheckpointWritten& checkpoint) {
  const std::string path = plan.folder.file(checkpoint.file.name);
  Result<CheckpointRecord> record =
      plan.services.read_checkpoint(path, {checkpoint.file.bytes, checkpoint.file.sha256});
  if (!record.ok()) return record;
  if (record->key != trial.key) {
    return Status::world(
        text(path, ": is of the trial with the key ", record->key, ", not of ", trial.key));
  }
  return record;
}

}  // namespace

ResumePoint find_resume_point(const SweepPlan& plan, const SweepTrial& trial,
                              std::span<const CheckpointWritten> newest_first) {
  ResumePoint point;
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    const CheckpointWritten& checkpoint = newest_first[i];
    Result<CheckpointRecord> record = read_checked(plan, trial, checkpoint);
    if (record.ok()) {
      point.seconds = checkpoint.seconds;
      point.reproducible =
          checkpoint.reproducible && record->numeric_fingerprint == plan.numeric_fingerprint;
      point.state = std::move(record->state);
      return point;
    }
    const bool is_oldest = i + 1 == newest_first.size();
    point.warnings.push_back(
        text("trial ", trial.number, ": cannot go on from step ", checkpoint.step, ": ",
             record.status().message(), "; tries ",
             is_oldest ? text("from the beginning") : text("step ", newest_first[i + 1].step)));
    std::error_code ignored;  // What is in the way of a new file is said when that is written.
    std::filesystem::remove(plan.folder.file(checkpoint.file.name), ignored);
  }
  return point;
}

}  // namespace aesweep
