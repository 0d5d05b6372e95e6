#include "tests/sweep/fake_sweep.hpp"

#include <cstring>
#include <span>

#include "core/base/check.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/durable_write.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kBlockBytes = 64;

TrialResult fake_trial(FakeLog& log, const TrialSpec& spec, Exchange& exchange,
                       TrialControl& observer) {
  const auto seed = static_cast<std::int64_t>(spec.train.seed);
  log.trained.push_back(seed);
  log.group_sizes.push_back(exchange.ranks());
  const auto ranks = static_cast<std::size_t>(exchange.ranks());
  const std::vector<std::size_t> counts(ranks, sizeof seed);
  std::vector<std::int64_t> seeds(ranks);
  exchange.share(std::as_bytes(std::span(&seed, 1)), counts,
                 std::as_writable_bytes(std::span(seeds)));
  for (const std::int64_t other : seeds) AESWEEP_CHECK(other == seed, "ranks in different trials");
  exchange.progress();
  observer.epoch_done({1, 1, 100, {}, {}});

  TrialResult result;
  result.epochs = 1;
  result.steps = 1;
  result.metrics = {{"test/mse", "1", "1 / (1 + seed)"}};
  result.history = {{0, 0, 0, 1e9}, {1, 1, 0, 1.0 / static_cast<double>(1 + seed)}};
  return result;
}

Result<FileFacts> write_text(const std::string& path, const std::string& characters,
                             WriteMode mode) {
  AESWEEP_RETURN_IF_ERROR(durable_write(path, std::as_bytes(std::span(characters)), mode));
  return FileFacts{characters.size(), sha256_hex(characters)};
}

}  // namespace

Experiment fake_experiment(int trials) {
  Experiment experiment;
  experiment.name = "fake";
  experiment.path = "fake.yaml";
  experiment.text = "schema: 1\nname: fake\n";
  experiment.metric = "test/mse";
  for (int i = 0; i < trials; ++i) {
    PlannedTrial& trial = experiment.trials.emplace_back();
    trial.label = text("seed=", i);
    trial.spec.train.seed = static_cast<std::uint64_t>(i);
    trial.parameters = {{"train.seed", std::int64_t{i}}};
    trial.resolved = text("train: {seed: ", i, "}\n");
  }
  return experiment;
}

SweepServices fake_services(FakeLog& log) {
  SweepServices services;
  services.numeric_fingerprint = [] { return "0123456789abcdef"; };
  services.inspect = [](const DataSpec&) -> Result<DatasetLayout> {
    DatasetLayout layout{};
    layout.bytes = kBlockBytes;
    return layout;
  };
  services.load = [](const DataSpec&, const DatasetLayout&, std::span<std::byte> block) {
    std::memset(block.data(), 'x', block.size());
    return Status();
  };
  services.view = [](const DataSpec&, const DatasetLayout&,
                     std::span<const std::byte> block) -> Result<Dataset> {
    Dataset data;
    data.fingerprint = text(block.size(), " bytes of ", static_cast<char>(block.back()));
    return data;
  };
  services.estimate = [](const TrialSpec&, const Catalogue&, const DatasetLayout&,
                         int) -> Result<TrialEstimate> {
    TrialEstimate estimate;
    estimate.shards_per_batch = 2;
    return estimate;
  };
  services.run_trial = [&log](const TrialSpec& spec, const Catalogue&, const Dataset& data,
                              Exchange& exchange, TrialControl& observer, const TrialState*) {
    AESWEEP_CHECK(data.fingerprint == "64 bytes of x", "a trial got other data");
    return fake_trial(log, spec, exchange, observer);
  };
  services.write_trial = [](const std::string& path, const TrialRecord& record) {
    return write_text(path,
                      text(record.number, ' ', record.key, ' ',
                           outcome_name(record.result->outcome), ' ', record.result->reason),
                      WriteMode::kCreate);
  };
  services.write_segment = [](const std::string& path, std::span<const SegmentSource> sources) {
    return write_segment(path, sources);
  };
  services.write_results = [&log](const RunFolder& folder, const RunState& state,
                                  ResultsExtent extent) -> Result<FileFacts> {
    if (extent == ResultsExtent::kTables) {
      ++log.refreshes;
      return write_text(folder.results(), "tables", WriteMode::kReplace);
    }
    log.results_of.clear();
    for (const TrialSource& one : trial_sources(folder, state)) log.results_of.push_back(one.path);
    log.results_record = std::make_unique<RunRecord>(run_record(folder, state, "text"));
    return write_text(folder.results(), "results", WriteMode::kReplace);
  };
  return services;
}

}  // namespace aesweep
