// SweepServices: what a sweep takes from other folders, as functions, so that a test can run a
// whole sweep with trials, files and data of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/data/source.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/spec.hpp"
#include "core/train/estimate.hpp"
#include "core/train/exchange.hpp"
#include "core/train/result.hpp"
#include "core/train/trial.hpp"
#include "runner/journal/run_results.hpp"
#include "runner/store/checkpoint_file.hpp"
#include "runner/store/segment_file.hpp"
#include "runner/store/trial_file.hpp"

namespace aesweep {

struct SweepServices {
  // Of this process, the same on every rank that computes the same bits.
  std::function<std::string()> numeric_fingerprint;

  // As in core/data/source.hpp.
  std::function<Result<DatasetLayout>(const DataSpec&)> inspect;
  std::function<Status(const DataSpec&, const DatasetLayout&, std::span<std::byte>)> load;
  std::function<Result<Dataset>(const DataSpec&, const DatasetLayout&, std::span<const std::byte>)>
      view;

  // What a trial would take, or what is wrong with it, found without training it.
  std::function<Result<TrialEstimate>(const TrialSpec&, const Catalogue&, const DatasetLayout&,
                                      int ranks)>
      estimate;

  // As in core/train/trial.hpp.
  std::function<TrialResult(const TrialSpec&, const Catalogue&, const Dataset&, Exchange&,
                            TrialControl&, const TrialState* from)>
      run_trial;

  // As in runner/store. Called by threads that make no MPI call, for several files at once.
  std::function<Result<FileFacts>(const std::string& path, const TrialRecord&)> write_trial;
  std::function<Result<FileFacts>(const std::string& path, const CheckpointRecord&)>
      write_checkpoint;
  std::function<Result<SegmentFacts>(const std::string& path, std::span<const SegmentSource>)>
      write_segment;
  std::function<Result<CheckpointRecord>(const std::string& path, const FileFacts& expected)>
      read_checkpoint;

  // As in runner/journal/run_results.hpp.
  std::function<Result<FileFacts>(const RunFolder&, const RunState&, ResultsExtent)> write_results;
};

// What opens the HDF5 files of a data set, which core cannot.
[[nodiscard]] ArrayOpener hdf5_opener();

// The real ones.
[[nodiscard]] SweepServices real_services();

}  // namespace aesweep
