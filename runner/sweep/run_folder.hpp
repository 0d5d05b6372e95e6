// The run folder: trials/, experiment.yaml, run.log and, once the sweep has ended, results.h5.
#pragma once

#include <string>

#include "core/base/status.hpp"

namespace aesweep {

struct RunFolder {
  std::string path;
  [[nodiscard]] std::string trials() const { return path + "/trials"; }
  [[nodiscard]] std::string experiment() const { return path + "/experiment.yaml"; }
  [[nodiscard]] std::string log() const { return path + "/run.log"; }
  [[nodiscard]] std::string results() const { return path + "/results.h5"; }
};

// Whether a sweep may have the folder: it is not there or empty. Changes nothing.
[[nodiscard]] Status check_run_folder(const RunFolder& folder);

// Makes the folder, its parents and trials/. Of two runs that try at once, one is refused.
[[nodiscard]] Status make_run_folder(const RunFolder& folder);

}  // namespace aesweep
