#include "runner/journal/validate.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base/file.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/lease.hpp"
#include "runner/journal/live_file.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/store/checkpoint_file.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/file_calls.hpp"
#include "runner/store/results_file.hpp"
#include "runner/store/segment_file.hpp"
#include "runner/store/trial_file.hpp"
#include "runner/store/verified_file.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLiveBytesMax = std::uint64_t{64} << 20;

// What is said of trials' files beside what is wrong with them.
constexpr const char* kLost =
    "; put it back from a copy, or train what is lost again: aesweep run --rerun damaged";
constexpr const char* kCountsNot =
    "; results are not made of it: another attempt counts or is to run";

FileFacts facts_of(const FileRecord& record) { return {record.bytes, record.sha256}; }

class Validator {
 public:
  explicit Validator(const RunFolder& folder) : folder_(folder) {}

  ValidationReport run() {
    Result<FolderContent> content = look_at(folder_);
    if (!content.ok()) {
      problem(content.status().message());
    } else if (*content != FolderContent::kRun) {
      problem(text(folder_.path, ": holds no run"));
    } else if (read_state()) {
      check_experiments();
      check_trials();
      check_segments();
      check_checkpoints();
      check_results();
      check_lease();
      check_live();
      for (const char* part : {"", "trials", "checkpoints", "crash"}) name_unknown(part);
    }
    return std::move(report_);
  }

 private:
  void problem(std::string message) {
    // What the store says to whoever meets damage; here it is being done.
    static constexpr std::string_view kNextStep = "; run `aesweep validate` on the run's folder";
    const std::size_t at = message.find(kNextStep);
    if (at != std::string::npos) message.erase(at, kNextStep.size());
    if (!excuse_.empty()) return note(message + excuse_);
    report_.problems.push_back(message + hint_);
  }
  void note(std::string message) { report_.notes.push_back(std::move(message)); }
  // Takes a failure as a problem; true if there is none.
  bool passes(const Status& status) {
    if (!status.ok()) problem(status.message());
    return status.ok();
  }
  void expect(const std::string& name) { known_.insert(name); }
  bool is_there(const std::string& name) const {
    struct stat info {};
    return ::lstat(folder_.file(name).c_str(), &info) == 0;
  }

  bool read_state() {
    Result<JournalLines> lines = read_journal(folder_.journal());
    if (!passes(lines.status())) return false;
    if (lines->torn_bytes > 0) {
      note(text(folder_.journal(), ": its last ", lines->torn_bytes,
                " bytes are no whole line; the next job cuts them off"));
    }
    Result<RunState> state = replay(lines->payloads);
    if (!passes(state.status().in(folder_.path))) return false;
    state_ = std::move(*state);
    find_last_results(lines->payloads);
    return true;
  }

  // Whether results.h5 is to have the bytes that the journal names: it is refreshed without a
  // record while a job runs.
  void find_last_results(const std::vector<std::string>& payloads) {
    for (const std::string& payload : payloads) {
      Result<Record> record = decode_record(payload);
      if (!record.ok()) continue;  // Replayed before.
      if (std::holds_alternative<JobStarted>(*record)) results_final_ = false;
      if (std::holds_alternative<ResultsWritten>(*record)) results_final_ = true;
    }
  }

  // A file that must be there, compared with its record; false if it is not as it was written.
  bool check_bytes(const FileRecord& record) {
    expect(record.name);
    ++report_.files;
    const std::string path = folder_.file(record.name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      problem(errno == ENOENT ? text(path, ": is missing")
                              : text("cannot read ", path, ": ", errno_text(errno)));
      return false;
    }
    if (!S_ISREG(info.st_mode)) {
      problem(text(path, ": is not a regular file"));
      return false;
    }
    FileFacts found{static_cast<std::uint64_t>(info.st_size), ""};
    if (found.bytes == record.bytes) {
      Result<std::string> hash = sha256_file(path);
      if (!passes(hash.status())) return false;
      found.sha256 = *hash;
    }
    if (found == facts_of(record)) return true;
    problem(text(path, ": the journal names ", record.bytes, " bytes with SHA-256 ", record.sha256,
                 "; found ", found.bytes, " bytes",
                 found.sha256.empty() ? "" : " with SHA-256 " + found.sha256));
    return false;
  }

  void check_experiments() {
    for (const FileRecord& record : state_.experiments) check_bytes(record);
  }

  // A trial's bytes, already compared: number and key as the journal has them.
  Status check_trial(ByteSink& image, const std::string& name, std::int64_t number) {
    return fenced(name, [&]() -> Status {
      const h5::Session session;
      Result<OpenedTrial> trial = open_trial(image, name);
      if (!trial.ok()) return trial.status();
      const std::string& key = state_.trials[static_cast<std::size_t>(number)].key;
      if (trial->number != number || trial->key != key) {
        return Status::world(text(name, ": holds trial ", trial->number, " with key ", trial->key,
                                  "; the journal says ", number, " with key ", key));
      }
      return {};
    });
  }

  void check_trials() {
    hint_ = kLost;
    for (const TrialRecordState& trial : state_.trials) {
      for (const StoredAttempt& stored : trial.finished) {
        excuse_ = trial.counts(stored) ? "" : kCountsNot;
        const FileRecord& file = stored.finished.file;
        if (!stored.segment.empty()) {
          // The copy in the segment counts; this one is removed by whoever finds it.
          if (is_there(file.name)) note(text(folder_.file(file.name), ": is in a segment, too"));
          expect(file.name);
          continue;
        }
        if (!check_bytes(file)) continue;
        const std::string path = folder_.file(file.name);
        Result<std::unique_ptr<ByteSink>> image = open_verified(path, path, facts_of(file));
        if (!passes(image.status())) continue;
        passes(check_trial(**image, path, stored.finished.number));
      }
    }
    excuse_.clear();
    hint_.clear();
  }

  // Whether results are made of the member.
  bool counts(const TrialsFolded::Member& member) const {
    const TrialRecordState& trial = state_.trials[static_cast<std::size_t>(member.number)];
    const StoredAttempt& last = trial.finished.back();
    return last.finished.attempt == member.attempt && trial.counts(last);
  }

  void check_segments() {
    hint_ = kLost;
    for (const TrialsFolded& folded : state_.segments) check_segment(folded);
    excuse_.clear();
    hint_.clear();
  }

  void check_segment(const TrialsFolded& folded) {
    const auto& all = folded.members;
    const auto count = std::count_if(all.begin(), all.end(),
                                     [this](const auto& member) { return counts(member); });
    const bool all_count = static_cast<std::size_t>(count) == all.size();
    excuse_ = all_count ? "" : kCountsNot;
    // Where not all count it may be damaged; those that do are looked at.
    if (!check_bytes(folded.segment) && all_count) return;
    excuse_ = count > 0 ? "" : kCountsNot;
    const std::string path = folder_.file(folded.segment.name);
    Result<std::vector<SegmentMember>> members = read_segment(path);
    if (!passes(members.status())) return;
    if (members->size() != folded.members.size()) {
      problem(text(path, ": holds ", members->size(), " trials; the journal names ",
                   folded.members.size()));
      return;
    }
    for (std::size_t i = 0; i < members->size(); ++i) {
      excuse_ = counts(folded.members[i]) ? "" : kCountsNot;
      check_member(path, (*members)[i], folded.members[i]);
    }
  }

  void check_member(const std::string& path, const SegmentMember& member,
                    const TrialsFolded::Member& record) {
    const std::string name = text(path, ", trial ", record.number, ", attempt ", record.attempt);
    const FileFacts expected{record.bytes, record.sha256};
    if (member.number != record.number || member.attempt != record.attempt ||
        member.facts != expected) {
      problem(text(name, ": the segment's table has trial ", member.number, ", attempt ",
                   member.attempt, ", ", member.facts.bytes, " bytes with SHA-256 ",
                   member.facts.sha256, " in its place"));
      return;
    }
    Result<std::unique_ptr<ByteSink>> image = open_verified(path, name, expected, member.offset);
    if (passes(image.status())) passes(check_trial(**image, name, record.number));
  }

  // Older checkpoints are removed without a record; the newest one is there until its trial has
  // ended.
  void check_checkpoints() {
    for (const TrialRecordState& trial : state_.trials) {
      for (const CheckpointWritten& checkpoint : trial.checkpoints) {
        if (trial.done()) {
          if (is_there(checkpoint.file.name)) {
            note(text(folder_.file(checkpoint.file.name), ": its trial has ended"));
          }
          expect(checkpoint.file.name);
        } else if (&checkpoint == &trial.checkpoints.back() || is_there(checkpoint.file.name)) {
          hint_ =
              "; it costs time alone: --resume goes on from an older one or begins the trial anew";
          check_checkpoint(checkpoint, trial.key);
          hint_.clear();
        }
      }
    }
  }

  void check_checkpoint(const CheckpointWritten& checkpoint, const std::string& key) {
    if (!check_bytes(checkpoint.file)) return;
    const std::string path = folder_.file(checkpoint.file.name);
    Result<CheckpointRecord> read = read_checkpoint(path, facts_of(checkpoint.file));
    if (!passes(read.status())) return;
    if (read->number != checkpoint.number || read->key != key ||
        read->state.steps != checkpoint.step) {
      problem(text(path, ": holds step ", read->state.steps, " of trial ", read->number,
                   " with key ", read->key, "; the journal says step ", checkpoint.step,
                   " of trial ", checkpoint.number, " with key ", key));
    }
  }

  void check_results() {
    const std::string name = "results.h5";
    expect(name);
    hint_ = text("; make it again from the trials by `aesweep rebuild ", folder_.path, "`");
    if (!is_there(name)) {
      if (state_.results) problem(text(folder_.results(), ": is missing"));
    } else if (!state_.results || !state_.ended || !results_final_ ||
               check_bytes(*state_.results)) {
      passes(fenced(folder_.results(), [&] { return check_results_format(); }));
    }
    hint_.clear();
  }

  Status check_results_format() {
    Result<std::unique_ptr<ByteSink>> image =
        open_verified(folder_.results(), folder_.results(), {});
    if (!image.ok()) return image.status();
    const h5::Session session;
    Result<h5::Node> file = h5::open_image(**image, folder_.results());
    if (!file.ok()) return file.status();
    Result<std::string> format = h5::text_attribute(*file, "format");
    if (!format.ok()) return format.status();
    return *format == kResultsFormat
               ? Status()
               : Status::world(text(folder_.results(), ": its format is ", *format));
  }

  void check_lease() {
    expect("lease");
    Result<std::optional<LeaseHolder>> holder = read_lease(folder_.lease());
    if (passes(holder.status()) && holder->has_value() && !certainly_dead(**holder)) {
      note(text(folder_.lease(), ": ", holder_text(**holder), " is at work on the folder"));
    }
  }

  void check_live() {
    expect("live.json");
    if (!is_there("live.json")) return;
    Result<std::vector<std::byte>> bytes = read_file(folder_.live(), kLiveBytesMax);
    Status status = bytes.status();
    if (bytes.ok()) {
      status = decode_live({reinterpret_cast<const char*>(bytes->data()), bytes->size()}).status();
    }
    if (!status.ok()) note(text(folder_.live(), ": ", status.message(), "; nothing depends on it"));
  }

  void name_unknown(const std::string& part) {
    std::vector<std::string> names;
    std::error_code error;
    const std::string path = part.empty() ? folder_.path : folder_.file(part);
    const fs::file_status status = fs::symlink_status(path, error);
    if (!part.empty() && status.type() == fs::file_type::not_found) return;
    if (!part.empty() && status.type() != fs::file_type::directory) {
      problem(text(path, ": is not a folder"));
      return;
    }
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    if (error) problem(text("cannot read folder ", path, ": ", error.message()));
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const bool ours = part.empty() ? name == "journal" || name == "run.log" || name == "trials" ||
                                           name == "checkpoints" || name == "crash"
                                     : part == "crash" && name.starts_with("rank-");
      if (ours || known_.contains(part.empty() ? name : part + "/" + name)) continue;
      note(text(path, "/", name, ": is not named in the journal"));
    }
  }

  const RunFolder& folder_;
  ValidationReport report_;
  RunState state_;
  std::set<std::string> known_;  // Names that the journal or the layout explains.
  bool results_final_ = false;
  std::string excuse_;  // Why what is found of these files is no problem; empty: it is one.
  std::string hint_;    // What to do about problems of the files that are being looked at.
};

}  // namespace

ValidationReport validate_run(const RunFolder& folder) {
  Validator validator(folder);
  ValidationReport report;
  const Status status = fenced(folder.path, [&]() -> Status {
    report = validator.run();
    return {};
  });
  if (!status.ok()) report.problems.push_back(status.message());
  return report;
}

}  // namespace aesweep
