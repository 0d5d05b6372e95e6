#include "runner/journal/records.hpp"

#include <array>
#include <optional>
#include <utility>

#include "core/base/text.hpp"
#include "runner/journal/json_fields.hpp"
#include "runner/store/fence.hpp"

namespace aesweep {

// The names in the journal, in the order in which they are written. They are part of its format:
// what is added must have a new name, and older journals lack it.

template <class F>
void fields(F& f, PluginRecord& r) {
  f("kind", r.kind);
  f("name", r.name);
  f("library", r.library);
  f("version", r.version);
  f("sha256", r.sha256);
  f("abi", r.abi);
}

template <class F>
void fields(F& f, FileRecord& r) {
  f("name", r.name);
  f("bytes", r.bytes);
  f("sha256", r.sha256);
}

template <class F>
void fields(F& f, JobStarted& r) {
  f("utc", r.utc);
  f("name", r.name);
  f("experiment", r.experiment);
  f("overrides", r.overrides);
  f("metric", r.metric);
  f("minimize", r.minimize);
  f("best_weights", r.best_weights);
  f("plugins", r.plugins);
  f("data_fingerprint", r.data_fingerprint);
  f.optional("weights_sha256", r.weights_sha256);
  f("numeric_fingerprint", r.numeric_fingerprint);
  f("numerics_version", r.numerics_version);
  f("software_version", r.software_version);
  f("revision", r.revision);
  f("ranks", r.ranks);
  f("groups", r.groups);
  f("reproducible", r.reproducible);
  f("host", r.host);
  f("slurm_job", r.slurm_job);
  f("slurm_restarts", r.slurm_restarts);
  f("runtime", r.runtime);
}

template <class F>
void fields(F& f, TrialsPlanned& r) {
  f("first", r.first);
  f("keys", r.keys);
}

template <class F>
void fields(F& f, TrialsAsked& r) {
  f("ranges", r.ranges);
}

template <class F>
void fields(F& f, TrialBegun& r) {
  f("number", r.number);
  f("attempt", r.attempt);
  f("step", r.step);
  f("ranks", r.ranks);
  f("host", r.host);
}

template <class F>
void fields(F& f, CheckpointWritten& r) {
  f("number", r.number);
  f("attempt", r.attempt);
  f("step", r.step);
  f("epochs", r.epochs);
  f("seconds", r.seconds);
  f("numeric_fingerprint", r.numeric_fingerprint);
  f("reproducible", r.reproducible);
  f("file", r.file);
}

template <class F>
void fields(F& f, TrialFinished& r) {
  f("number", r.number);
  f("attempt", r.attempt);
  std::string outcome = outcome_name(r.outcome);
  f("outcome", outcome);
  for (const Outcome known : {Outcome::kCompleted, Outcome::kDiverged, Outcome::kFailed,
                              Outcome::kPruned, Outcome::kInterrupted}) {
    if (outcome == outcome_name(known)) r.outcome = known;
  }
  if (outcome != outcome_name(r.outcome)) f.refuse("outcome", "one of a trial");
  f("reason", r.reason);
  f("failed_rank", r.failed_rank);
  f("epochs", r.epochs);
  f("steps", r.steps);
  f("seconds", r.seconds);
  f("ranks", r.ranks);
  f("host", r.host);
  f("reproducible", r.reproducible);
  f("last", r.last);
  f("file", r.file);
}

template <class F>
void fields(F& f, TrialsFolded::Member& r) {
  f("number", r.number);
  f("attempt", r.attempt);
  f("bytes", r.bytes);
  f("sha256", r.sha256);
}

template <class F>
void fields(F& f, TrialsFolded& r) {
  f("segment", r.segment);
  f("members", r.members);
}

template <class F>
void fields(F& f, TrialCrashed& r) {
  f("number", r.number);
  f("attempt", r.attempt);
  f("rank", r.rank);
  f("what", r.what);
}

template <class F>
void fields(F& f, TrialRerun& r) {
  f("number", r.number);
  f("attempt", r.attempt);
  f.flag("damaged", r.damaged);
}

template <class F>
void fields(F& f, ResultsWritten& r) {
  f("file", r.file);
}

template <class F>
void fields(F& f, JobEnded& r) {
  f("utc", r.utc);
  f("status", r.status);
  f("seconds", r.seconds);
  f("why", r.why);
}

namespace {

using json::Json;

// In the order of Record's alternatives.
constexpr std::array<const char*, std::variant_size_v<Record>> kKinds = {
    "job_started",        "trials_planned",  "trials_asked",  "trial_begun",
    "checkpoint_written", "trial_finished",  "trials_folded", "trial_crashed",
    "trial_rerun",        "results_written", "job_ended"};

template <std::size_t... kIndex>
Record make_record(std::size_t kind, std::index_sequence<kIndex...>) {
  Record record;
  static_cast<void>(((kind == kIndex && (record.emplace<kIndex>(), true)) || ...));
  return record;
}

Result<Record> decode(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return Status::world("not a JSON object");
  const auto entry = json.find("kind");
  if (entry == json.end() || !entry->is_string()) return Status::world("field kind is missing");
  const auto& kind = entry->get_ref<const std::string&>();
  std::size_t index = 0;
  while (index < kKinds.size() && kind != kKinds[index]) ++index;
  if (index == kKinds.size()) {
    return Status::world(text("unknown kind of record '", kind.substr(0, 40),
                              "'; a later version may have written it: use that one"));
  }
  Record record = make_record(index, std::make_index_sequence<kKinds.size()>());
  json::Reader reader(json);
  std::visit([&](auto& value) { fields(reader, value); }, record);
  if (!reader.fault().empty()) return Status::world(text(kind, ": ", reader.fault()));
  return record;
}

}  // namespace

std::string encode(const Record& record) {
  Record copy = record;  // The same function names fields for reading and writing.
  json::Writer writer;
  std::string kind = kKinds[record.index()];
  writer("kind", kind);
  std::visit([&](auto& value) { fields(writer, value); }, copy);
  return json::line(writer.object());
}

Result<Record> decode_record(std::string_view line) {
  return fenced("record", [&] { return decode(line); });
}

}  // namespace aesweep
