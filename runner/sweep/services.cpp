#include "runner/sweep/services.hpp"

#include "core/math/fingerprint.hpp"
#include "runner/hdf5_reader/hdf5_array.hpp"

namespace aesweep {

ArrayOpener hdf5_opener() {
  return [](const ArrayRef& ref) { return open_hdf5_array(ref); };
}

SweepServices real_services() {
  SweepServices services;
  services.numeric_fingerprint = [] { return numeric_fingerprint(); };
  services.inspect = [](const DataSpec& spec) { return inspect(spec, hdf5_opener()); };
  services.load = [](const DataSpec& spec, const DatasetLayout& layout,
                     std::span<std::byte> block) {
    return load(spec, layout, block, hdf5_opener());
  };
  services.view = [](const DataSpec& spec, const DatasetLayout& layout,
                     std::span<const std::byte> block) { return view(spec, layout, block); };
  services.estimate = [](const TrialSpec& spec, const Catalogue& catalogue,
                         const DatasetLayout& layout,
                         int ranks) { return estimate_trial(spec, catalogue, layout, ranks); };
  services.run_trial = [](const TrialSpec& spec, const Catalogue& catalogue, const Dataset& data,
                          Exchange& exchange, TrialControl& control, const TrialState* from) {
    return run_trial(spec, catalogue, data, exchange, control, from);
  };
  services.write_trial = [](const std::string& path, const TrialRecord& record) {
    return write_trial(path, record);
  };
  services.write_checkpoint = [](const std::string& path, const CheckpointRecord& record) {
    return write_checkpoint(path, record);
  };
  services.write_segment = [](const std::string& path, std::span<const SegmentSource> sources) {
    return write_segment(path, sources);
  };
  services.read_checkpoint = [](const std::string& path, const FileFacts& expected) {
    return read_checkpoint(path, expected);
  };
  services.write_results = [](const RunFolder& folder, const RunState& state,
                              ResultsExtent extent) {
    return write_run_results(folder, state, extent);
  };
  return services;
}

}  // namespace aesweep
