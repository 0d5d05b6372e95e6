// example_results FOLDER: writes FOLDER/results.h5, three trials made up by hand, for the Python
// test.
#include <cstdio>
#include <string>
#include <vector>

#include "tests/store/sample_trials.hpp"

namespace aesweep {
namespace {

Status write_example(const std::string& folder) {
  std::vector<std::string> paths;
  for (std::int64_t number = 1; number <= 3; ++number) {
    TrialResult result = sample_result(number, 2 * number);
    if (number == 3) {
      result = {};
      result.outcome = Outcome::kFailed;
      result.reason = "no \xCE\xBB here";
    }
    paths.push_back(folder + "/" + trial_file_name(number, 1));
    AESWEEP_RETURN_IF_ERROR(write_trial(paths.back(), sample_record(number, result)));
  }
  return write_results(folder + "/results.h5", sample_run(), paths);
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
