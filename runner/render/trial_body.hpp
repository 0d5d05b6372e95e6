// TrialBody: what a trial looks like, without title: filters, reconstructions, codes, differences
// or histograms, whole or as the cell of a contact sheet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "runner/render/picture.hpp"
#include "runner/render/request.hpp"
#include "runner/store/results_reader.hpp"

namespace aesweep {

enum class Extent {
  kWhole,
  kCell  // The first few filters or samples, without words.
};

struct TrialBody {
  Picture picture;
  std::vector<std::string> notes;  // What is to be said of it.
  std::string drawn{};             // Whose filters: "columns of code_weights".
  std::string choice{};            // Why not the code's; empty: they are, or were asked for.
};

[[nodiscard]] Result<TrialBody> trial_body(const ResultsReader& results, std::int64_t trial,
                                           const RenderRequest& request, Extent extent);

}  // namespace aesweep
