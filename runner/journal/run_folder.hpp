// The run folder: where everything of a run lies.
//
//   experiment.yaml, experiment.2.yaml, ...  what the jobs were given
//   journal                                  what happened: the truth
//   lease                                    who is at work on the folder
//   live.json                                how far the running trials are; decides nothing
//   trials/000012.1.h5                       a finished trial: number, attempt
//   trials/000000-000999.1.segment           many of them in one file: numbers, part
//   checkpoints/000012.1.000000000840.h5     a running one: number, attempt, step
//   crash/rank-3                             what a rank was doing when it ended
//   results.h5                               what people open
//   run.log
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

struct RunFolder {
  std::string path;
  [[nodiscard]] std::string trials() const { return path + "/trials"; }
  [[nodiscard]] std::string checkpoints() const { return path + "/checkpoints"; }
  [[nodiscard]] std::string crash() const { return path + "/crash"; }
  [[nodiscard]] std::string journal() const { return path + "/journal"; }
  [[nodiscard]] std::string lease() const { return path + "/lease"; }
  [[nodiscard]] std::string live() const { return path + "/live.json"; }
  [[nodiscard]] std::string log() const { return path + "/run.log"; }
  [[nodiscard]] std::string results() const { return path + "/results.h5"; }
  // Of a name relative to the folder.
  [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }
};

// Names relative to the folder. `text` counts experiments from 1.
[[nodiscard]] std::string experiment_file(int text);
[[nodiscard]] std::string trial_file(std::int64_t number, int attempt);
[[nodiscard]] std::string checkpoint_file(std::int64_t number, int attempt, std::int64_t step);
[[nodiscard]] std::string segment_file(std::int64_t first, std::int64_t last, int part);

// What is at the path of a run folder.
enum class FolderContent {
  kNothing,
  kRun,
  kOther
};  // Not there or empty; a journal; something else.
[[nodiscard]] Result<FolderContent> look_at(const RunFolder& folder);

// Whether a new run may have the folder: there is nothing. A run there is an input fault that names
// --resume and --extend. Changes nothing.
[[nodiscard]] Status check_new_run(const RunFolder& folder);

// Makes the folder, its parents and the folders in it, where they are missing.
[[nodiscard]] Status make_run_folder(const RunFolder& folder);

// Takes away what ended jobs left: temporary files, checkpoints and single trial files that the
// journal no longer needs are the caller's to name. `.*.tmp` anywhere in the folder goes. For the
// holder of the lease only. Returns how many files it removed.
[[nodiscard]] Result<int> remove_temporary_files(const RunFolder& folder);

}  // namespace aesweep
