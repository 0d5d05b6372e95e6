#include "tests/journal/sample_records.hpp"

#include <bit>
#include <limits>

#include "runner/journal/run_folder.hpp"

namespace aesweep {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMostBytes = std::numeric_limits<std::uint64_t>::max();

FileRecord sample_file(const std::string& name) { return {name, 4711, std::string(64, 'a')}; }

}  // namespace

JobStarted sample_job() {
  JobStarted job;
  job.utc = "2026-01-02T03:04:05Z";
  job.name = "sample";
  job.experiment = sample_file("experiment.yaml");
  job.metric = "test/fvu";
  job.plugins = {{"layer", "dense", "layers", "0.1.0", std::string(64, 'b'), "0.2"}};
  job.data_fingerprint = "data";
  job.numeric_fingerprint = "numbers";
  job.numerics_version = 3;
  job.software_version = "0.1.0";
  job.revision = "0123abc";
  job.ranks = 4;
  job.groups = 2;
  job.host = "node1";
  job.runtime = {{"mpi", "4.1"}, {"blas", "OpenBLAS"}};
  return job;
}

CheckpointWritten sample_checkpoint(std::int64_t number, std::int64_t step) {
  CheckpointWritten checkpoint;
  checkpoint.number = number;
  checkpoint.step = step;
  checkpoint.epochs = step / 10;
  checkpoint.seconds = 0.1;
  checkpoint.numeric_fingerprint = "numbers";
  checkpoint.file = sample_file(checkpoint_file(number, 1, step));
  return checkpoint;
}

TrialFinished sample_finished(std::int64_t number, int attempt) {
  TrialFinished finished;
  finished.number = number;
  finished.attempt = attempt;
  finished.epochs = 3;
  finished.steps = 840;
  finished.seconds = 1.5;
  finished.host = "node1";
  finished.last = {{"test/fvu", 0.25}};
  finished.file = sample_file(trial_file(number, attempt));
  return finished;
}

TrialsFolded sample_fold(std::int64_t first, std::int64_t last) {
  TrialsFolded folded;
  folded.segment = sample_file(segment_file(first, last, 1));
  for (std::int64_t number = first; number <= last; ++number) {
    folded.members.push_back({number, 1, 100, std::string(64, 'c')});
  }
  return folded;
}

std::vector<Record> awkward_records() {
  JobStarted job = sample_job();
  job.overrides = "a.b=\"1\"\nc\\d=\t\x01\x7f";
  job.slurm_job = "12_3";
  job.slurm_restarts = kMost;
  job.minimize = false;
  job.best_weights = 7;
  job.reproducible = false;
  job.experiment.bytes = kMostBytes;
  TrialFinished finished = sample_finished(kMost, std::numeric_limits<int>::max());
  finished.outcome = Outcome::kDiverged;
  finished.reason = "value ∞ in layer \"𝛼\" at step 6\r\n\u2028";
  finished.failed_rank = -1;
  finished.seconds = std::numeric_limits<double>::denorm_min();
  finished.last = {{"nan", std::bit_cast<double>(std::uint64_t{0xfff8dead0000beef})},
                   {"inf", std::numeric_limits<double>::infinity()},
                   {"-inf", -std::numeric_limits<double>::infinity()},
                   {"-0", -0.0},
                   {"tenth", 0.1},
                   {"most", std::numeric_limits<double>::max()},
                   {"least", -std::numeric_limits<double>::min()},
                   {"whole", 1e22},
                   {"", 3.0}};
  TrialFinished failed = sample_finished(0);
  failed.outcome = Outcome::kFailed;
  failed.failed_rank = 3;
  TrialFinished pruned = sample_finished(1);
  pruned.outcome = Outcome::kPruned;
  CheckpointWritten checkpoint = sample_checkpoint(12, kMost);
  checkpoint.seconds = 1.0 / 3.0;
  checkpoint.reproducible = false;
  return {job,
          TrialsPlanned{0, {"k0", "k1", std::string(64, 'e')}},
          TrialsPlanned{3, {}},
          TrialsAsked{{{0, 1}, {3, kMost}}},
          TrialsAsked{},
          TrialBegun{-1, 1, 840, 3, "node\"2\""},
          checkpoint,
          finished,
          failed,
          pruned,
          sample_fold(0, 2),
          TrialCrashed{1, 2, 3, "SIGSEGV in activation swish (/a b), forward, layer code, step 6"},
          TrialRerun{1, 2},
          ResultsWritten{sample_file("results.h5")},
          JobEnded{"2026-01-02T03:04:06Z", 75, 1e-300, "TERM"}};
}

}  // namespace aesweep
