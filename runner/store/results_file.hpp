// results.h5: what people open, derived from the trials' files by copying. FORMAT.md is its
// format.
//
// Everything that depends on clock, host, ranks, paths, attempt or scheduling goes under /runtime
// and nowhere else; all else is a function of the trials' files and the record. Equal arguments
// give equal bytes, and the order of the sources does not matter.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/plugin_record.hpp"

namespace aesweep {

inline constexpr const char* kResultsFormat = "aesweep-results";
inline constexpr const char* kResultsFormatVersion = "1.3";

struct TrialRuntime {
  std::int64_t number = 0;
  int attempt = 1;
  int ranks = 1;
  std::string host;
  double seconds = 0.0;
  bool reproducible = true;           // Another run of the same would give the same bits.
  bool current = true;                // The present experiment asks for the trial.
  std::string numeric_fingerprint{};  // Under which it was finished.
};

struct RunRecord {
  std::string name;
  std::string experiment_text;  // As given.
  std::string overrides;  // What --set changed of the text: KEY=VALUE lines, empty if nothing.
  std::string metric;
  bool minimize = true;
  std::vector<PluginRecord> plugins;
  std::string data_fingerprint;
  std::string numeric_fingerprint;  // Of the last job.
  int numerics_version = 0;
  std::string software_version;
  std::string revision;
  std::vector<std::pair<std::string, std::string>> runtime;  // Name and text of each fact.
  std::vector<TrialRuntime> trial_runtime;
};

// A finished trial's bytes: a file of its own, or a member of a segment.
struct TrialSource {
  std::string path;  // Of the file or the segment.
  std::int64_t number = 0;
  int attempt = 1;
  bool in_segment = false;
  FileFacts expected;   // Of the trial's own bytes; empty hash: not compared.
  bool weights = true;  // Whether results.h5 is to have its weights. Samples it has in any case.
};

enum class ResultsExtent {
  kTables,  // No objects of single trials: /trial is left out. For refreshing during a run.
  kWhole
};

// Builds the file and replaces `path` by it durably. On failure `path` is as it was; a source whose
// bytes are not those expected is a fault that names it, and nothing is merged from it. One thread
// at a time per path; other files can be read and written meanwhile, between two trials. Needs
// memory for the histories of all trials (32 bytes a row) and the metric matrices.
[[nodiscard]] Result<FileFacts> write_results(const std::string& path, const RunRecord& run,
                                              const std::vector<TrialSource>& trials,
                                              ResultsExtent extent = ResultsExtent::kWhole);

}  // namespace aesweep
