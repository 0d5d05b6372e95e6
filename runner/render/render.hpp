// Pictures of a run, from its results.h5 alone: of one trial, or of a whole sweep.
//
// Equal files and requests give equal pictures. Failures: input faults that say which option helps.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.hpp"
#include "runner/render/picture.hpp"
#include "runner/render/request.hpp"
#include "runner/store/results_reader.hpp"

namespace aesweep {

[[nodiscard]] Result<Picture> render_trial(const ResultsReader& results, std::int64_t trial,
                                           const RenderRequest& request);

struct ContactSheet {
  Picture picture;
  std::string note;  // What was left out, or drawn in place of the code's layer; empty: nothing.
};

// A cell for each completed trial, by its number: its picture, its label and the run's metric.
[[nodiscard]] Result<ContactSheet> render_sweep(const ResultsReader& results,
                                                const RenderRequest& request);

}  // namespace aesweep
