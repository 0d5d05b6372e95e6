// validate_run: compares every file of a run folder with what the journal says, by checksum, format
// and contents. Reads only, and may be called while a job is at work on the folder: what that job
// writes meanwhile may show among the notes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/journal/run_folder.hpp"

namespace aesweep {

struct ValidationReport {
  std::vector<std::string> problems;  // What is missing, damaged or contradicts the journal.
  std::vector<std::string> notes;     // What is unusual and harms nothing: files not named there.
  std::int64_t files = 0;             // That were compared with the journal.
};

[[nodiscard]] ValidationReport validate_run(const RunFolder& folder);

}  // namespace aesweep
