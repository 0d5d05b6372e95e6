#include "runner/sweep/services.hpp"

#include "core/math/fingerprint.hpp"

namespace aesweep {

SweepServices real_services() {
  SweepServices services;
  services.numeric_fingerprint = [] { return numeric_fingerprint(); };
  services.inspect = [](const DataSpec& spec) { return inspect(spec); };
  services.load = [](const DataSpec& spec, const DatasetLayout& layout,
                     std::span<std::byte> block) { return load(spec, layout, block); };
  services.view = [](const DatasetLayout& layout, std::span<const std::byte> block) {
    return view(layout, block);
  };
  services.estimate = [](const TrialSpec& spec, const Catalogue& catalogue,
                         const DatasetLayout& layout,
                         int ranks) { return estimate_trial(spec, catalogue, layout, ranks); };
  services.run_trial = [](const TrialSpec& spec, const Catalogue& catalogue, const Dataset& data,
                          Exchange& exchange, TrialObserver& observer) {
    return run_trial(spec, catalogue, data, exchange, observer);
  };
  services.write_trial = [](const std::string& path, const TrialRecord& record) {
    return write_trial(path, record);
  };
  services.write_results = [](const std::string& path, const RunRecord& run,
                              const std::vector<std::string>& trial_paths) {
    return write_results(path, run, trial_paths);
  };
  return services;
}

}  // namespace aesweep
