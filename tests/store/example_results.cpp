// example_results FOLDER: writes FOLDER/results.h5, and tables.h5 as during a run: four trials made
// up by hand, for the Python tests.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/store/sample_trials.hpp"

namespace aesweep {
namespace {

// Four trials: two as usual, one failed, one pruned whose weights are left out.
Status write_example(const std::string& folder) {
  std::vector<TrialSource> sources;
  for (std::int64_t number = 1; number <= 4; ++number) {
    TrialResult result = sample_result(number, std::min<std::int64_t>(2 * number, 4));
    if (number == 3) {
      result = {};
      result.outcome = Outcome::kFailed;
      result.reason = "no \xCE\xBB here";
    } else if (number == 4) {
      result.outcome = Outcome::kPruned;
      result.reason = "limits.max_trial_time: 60 s are over at step 148";
      result.samples[2] = counting_tensor("predictions", {5, 3}, Scalar::kF32, 0);
    }
    sources.push_back(store_trial(folder, sample_record(number, result)));
    sources.back().weights = number != 4;
  }
  const Result<FileFacts> tables =
      write_results(folder + "/tables.h5", sample_run(), sources, ResultsExtent::kTables);
  if (!tables.ok()) return tables.status();
  return write_results(folder + "/results.h5", sample_run(), sources).status();
}

}  // namespace
}  // namespace aesweep

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: example_results FOLDER\n");
    return 2;
  }
  const aesweep::Status status = aesweep::write_example(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 3;
}
