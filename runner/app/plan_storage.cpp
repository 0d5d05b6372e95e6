#include "runner/app/plan_storage.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "runner/sweep/run_ledger.hpp"

namespace aesweep {
namespace {

// Experiment, journal, run.log and results.h5; while a job is at work also lease and live.json.
constexpr std::int64_t kRunFiles = 4;
constexpr std::int64_t kJobFiles = 2;

// Of the journal and run.log: what is said of a trial with some twenty metrics.
constexpr std::uint64_t kJournalBytes = 1500;

using EstimateBytes = std::uint64_t TrialEstimate::*;

// Bytes of which the `best` largest keep their weights; all of them for 0.
std::uint64_t bytes_of(std::span<const TrialEstimate> trials, EstimateBytes part,
                       std::int64_t best) {
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> weights;
  for (const TrialEstimate& trial : trials) {
    bytes += trial.*part;
    weights.push_back(trial.weight_bytes);
  }
  if (best <= 0) return bytes;
  std::sort(weights.begin(), weights.end(), std::greater<>());
  const auto kept = std::min(weights.size(), static_cast<std::size_t>(best));
  for (std::size_t i = kept; i < weights.size(); ++i) bytes -= weights[i];
  return bytes;
}

}  // namespace

StorageNeeds storage_needs(std::span<const TrialEstimate> trials, std::int64_t best_weights,
                           const CheckpointSpec& checkpoint, std::int64_t groups) {
  StorageNeeds needs;
  std::uint64_t checkpoint_max = 0;
  for (const TrialEstimate& trial : trials) {
    needs.trial_bytes_max = std::max(needs.trial_bytes_max, trial.file_bytes);
    checkpoint_max = std::max(checkpoint_max, trial.checkpoint_bytes);
  }
  needs.results_bytes = bytes_of(trials, &TrialEstimate::results_bytes, best_weights);
  needs.journal_bytes = kJournalBytes * trials.size();
  std::uint64_t peak = 0;  // Of trials' files and segments.
  std::int64_t loose = 0;  // Trials whose files are not folded into a segment.
  for (std::size_t first = 0; first < trials.size(); first += kSegmentTrials) {
    const std::span range =
        trials.subspan(first, std::min<std::size_t>(trials.size() - first, kSegmentTrials));
    const bool folded = range.size() > kLooseMax;
    const std::uint64_t files = bytes_of(range, &TrialEstimate::file_bytes, 0);
    const std::uint64_t segment = bytes_of(range, &TrialEstimate::file_bytes, best_weights);
    // The files go when the segment that holds them is whole.
    if (folded) peak = std::max(peak, needs.trials_bytes + files + segment);
    needs.trials_bytes += folded ? segment : files;
    needs.segments += folded ? 1 : 0;
    loose += folded ? 0 : static_cast<std::int64_t>(range.size());
  }
  needs.peak_bytes = std::max(peak + needs.journal_bytes, needs.end_bytes());
  const auto count = static_cast<std::int64_t>(trials.size());
  needs.files_at_end = kRunFiles + needs.segments + loose;
  // Ranges are filled and folded one after another, each once its last trial is done.
  const auto loose_max = static_cast<std::int64_t>(kSegmentTrials + kLooseMax);
  needs.files_running = kRunFiles + kJobFiles + needs.segments + std::min(count, loose_max);
  if (checkpoint.unit == CheckpointSpec::Every::kNever) return needs;
  // Beside those that are kept: one that is being written, and one that is yet to be removed.
  const std::int64_t checkpoints = std::min(groups, count) * (checkpoint.keep + 2);
  needs.checkpoint_bytes = static_cast<std::uint64_t>(checkpoints) * checkpoint_max;
  needs.files_running += checkpoints;
  return needs;
}

}  // namespace aesweep
