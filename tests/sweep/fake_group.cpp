#include "tests/sweep/fake_group.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

struct FakeState {
  std::int64_t steps = 0;
  std::int64_t epochs = 0;
  std::int64_t batches = 0;
  std::int64_t mix = 0;
};

std::int64_t mix_in(std::int64_t mix, std::uint64_t seed, std::int64_t step) {
  return (mix * 31 + static_cast<std::int64_t>(seed) * 7 + step) % 1'000'003;
}

// Every rank's value on every rank.
template <class T>
std::vector<T> share(Exchange& exchange, const T& mine) {
  std::vector<T> all(static_cast<std::size_t>(exchange.ranks()));
  const std::vector<std::size_t> counts(all.size(), sizeof(T));
  exchange.share(std::as_bytes(std::span(&mine, 1)), counts,
                 std::as_writable_bytes(std::span(all)));
  return all;
}

TrialState to_state(const FakeState& fake) {
  TrialState state;
  state.steps = fake.steps;
  state.epochs = fake.epochs;
  state.batches = fake.batches;
  state.history.push_back({fake.epochs, fake.steps, 0, static_cast<double>(fake.mix)});
  return state;
}

FakeState from_state(const TrialState& state) {
  return {state.steps, state.epochs, state.batches,
          static_cast<std::int64_t>(state.history.at(0).value)};
}

TrialResult ended(Outcome outcome, const FakeState& state, std::string reason = {}) {
  TrialResult result;
  result.outcome = outcome;
  result.reason = std::move(reason);
  result.epochs = state.epochs;
  result.steps = state.steps;
  result.metrics = {{"test/mix", "1", "see fake_group.hpp"}};
  result.history = {{state.epochs, state.steps, 0, static_cast<double>(state.mix)}};
  return result;
}

TrialResult fake_trial(const TrialSpec& spec, Exchange& exchange, TrialControl& control,
                       const TrialState* from, const FakeStep& step) {
  const FakeState mine = from != nullptr ? from_state(*from) : FakeState{};
  FakeState state = share(exchange, mine)[0];
  const std::vector<MetricInfo> metrics = {{"test/mix", "1", ""}};
  for (std::int64_t first = state.batches; state.epochs < spec.train.epochs; first = 0) {
    for (; state.batches < kFakeBatches; ++state.batches) {
      if (step) step(spec, state.steps);
      const bool ends_epoch = state.batches + 1 == kFakeBatches;
      const std::uint32_t wanted =
          control.wanted({state.epochs, state.steps + 1, state.batches + 1, ends_epoch});
      std::uint32_t bits = 0;
      for (const std::uint32_t one : share(exchange, wanted)) bits |= one;
      ++state.steps;
      state.mix = mix_in(state.mix, spec.train.seed, state.steps);
      FakeState after = state;
      ++after.batches;
      if ((bits & kControlCheckpoint) != 0 && exchange.rank() == 0) {
        control.checkpoint(to_state(after));
      }
      if ((bits & kControlPrune) != 0) {
        return ended(Outcome::kPruned, after, control.prune_reason());
      }
      if ((bits & kControlInterrupt) != 0) return ended(Outcome::kInterrupted, after);
      exchange.progress();
    }
    state.batches = 0;
    ++state.epochs;
    const std::vector<HistoryRow> rows = {
        {state.epochs, state.steps, 0, static_cast<double>(state.mix)}};
    control.epoch_done(
        {state.epochs, spec.train.epochs, (kFakeBatches - first) * 10, metrics, rows});
  }
  return ended(Outcome::kCompleted, state);
}

Result<FileFacts> write_text(const std::string& path, const std::string& characters) {
  const Status status = durable_write(
      path, std::as_bytes(std::span(characters.data(), characters.size())), WriteMode::kCreate);
  if (!status.ok()) return status;
  return FileFacts{characters.size(), sha256_hex(characters)};
}

Result<CheckpointRecord> read_text(const std::string& path, const FileFacts& expected) {
  std::ifstream in(path);
  const std::string characters{std::istreambuf_iterator<char>(in), {}};
  if (characters.size() != expected.bytes || sha256_hex(characters) != expected.sha256) {
    return Status::world(path + ": is damaged");
  }
  CheckpointRecord record;
  FakeState fake;
  std::istringstream(characters) >> record.number >> record.key >> record.numeric_fingerprint >>
      fake.steps >> fake.epochs >> fake.batches >> fake.mix;
  record.state = to_state(fake);
  return record;
}

}  // namespace

SweepServices group_services(FakeStep step) {
  SweepServices services;
  services.run_trial = [step = std::move(step)](const TrialSpec& spec, const Catalogue&,
                                                const Dataset&, Exchange& exchange,
                                                TrialControl& control, const TrialState* from) {
    return fake_trial(spec, exchange, control, from, step);
  };
  services.write_trial = [](const std::string& path, const TrialRecord& record) {
    return write_text(path, text(record.key, ' ', record.result->steps));
  };
  services.write_checkpoint = [](const std::string& path, const CheckpointRecord& record) {
    const FakeState fake = from_state(record.state);
    return write_text(
        path, text(record.number, ' ', record.key, ' ', record.numeric_fingerprint, ' ', fake.steps,
                   ' ', fake.epochs, ' ', fake.batches, ' ', fake.mix, '\n'));
  };
  services.read_checkpoint = read_text;
  return services;
}

double fake_mix(std::uint64_t seed, std::int64_t steps) {
  std::int64_t mix = 0;
  for (std::int64_t step = 1; step <= steps; ++step) mix = mix_in(mix, seed, step);
  return static_cast<double>(mix);
}

Experiment group_experiment(int trials, std::int64_t epochs) {
  Experiment experiment;
  experiment.checkpoint.unit = CheckpointSpec::Every::kNever;
  for (int i = 0; i < trials; ++i) {
    PlannedTrial& trial = experiment.trials.emplace_back();
    trial.label = text("seed=", i + 100);
    trial.spec.train.seed = static_cast<std::uint64_t>(i + 100);
    trial.spec.train.epochs = epochs;
    trial.spec.train.batch_rows = 10;
  }
  return experiment;
}

SweepPlan group_plan(const Experiment& experiment, const SweepServices& services,
                     const std::string& folder, std::vector<Group> groups) {
  static const Catalogue catalogue;
  SweepPlan plan{experiment,        catalogue, services,          {}, {folder}, {},
                 std::move(groups), {},        "0123456789abcdef"};
  // Numbers are not places: an earlier job planned others.
  for (std::size_t i = 0; i < experiment.trials.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i) * 3 + 2;
    plan.trials.push_back({number, text("key", number), &experiment.trials[i]});
  }
  return plan;
}

}  // namespace aesweep
