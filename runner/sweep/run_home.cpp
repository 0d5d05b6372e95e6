#include "runner/sweep/run_home.hpp"

#include <span>
#include <utility>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/verified_file.hpp"
#include "runner/sweep/stale_files.hpp"

namespace aesweep {
namespace {

// An experiment's text is smaller; whatever is larger is none.
constexpr std::uint64_t kTextBytesMax = std::uint64_t{1} << 26;

}  // namespace

Status RunHome::look(StartMode start) {
  if (start == StartMode::kNew) return check_new_run(folder_);
  const Result<FolderContent> content = look_at(folder_);
  AESWEEP_RETURN_IF_ERROR(content.status());
  is_run_ = content.value() == FolderContent::kRun;
  if (is_run_) return {};
  if (start == StartMode::kAuto) return check_new_run(folder_);
  return Status::input(
      text("there is no run in ", folder_.path, " to go on with; start it without ",
           start == StartMode::kExtend ? "--extend" : "--resume", ", or name its folder with -o"));
}

Status RunHome::read(LeaseWait wait) {
  wait_ = wait;
  if (!is_run_) return {};
  AESWEEP_RETURN_IF_ERROR(take_lease());
  Result<JournalLines> lines = read_journal(folder_.journal());
  AESWEEP_RETURN_IF_ERROR(lines.status());
  lines_ = std::move(lines).value();
  Result<RunState> state = replay(lines_.payloads);
  AESWEEP_RETURN_IF_ERROR(state.status().in(folder_.journal()));
  state_ = std::move(state).value();
  lines_.payloads.clear();
  return {};
}

Status RunHome::open(const std::string& text, FileRecord& experiment) {
  AESWEEP_RETURN_IF_ERROR(make_run_folder(folder_));
  if (!is_run_) {
    AESWEEP_RETURN_IF_ERROR(take_lease());
    AESWEEP_RETURN_IF_ERROR(check_new_run(folder_));  // Another job may have been quicker.
  }
  // Before files are taken away: only now are the records durable that say they are not needed.
  Result<JournalFile> journal = is_run_ ? JournalFile::open(folder_.journal(), lines_)
                                        : JournalFile::create(folder_.journal());
  AESWEEP_RETURN_IF_ERROR(journal.status());
  journal_.emplace(std::move(journal).value());
  AESWEEP_RETURN_IF_ERROR(remove_stale_files(folder_, state_));
  if (is_text_before(text)) {
    experiment = state_.job->experiment;
    return {};
  }
  experiment.name = experiment_file(static_cast<int>(state_.experiments.size()) + 1);
  experiment.bytes = text.size();
  experiment.sha256 = sha256_hex(text);
  // No record names it yet: what is there was left by a job that died before it had one.
  return durable_write(folder_.file(experiment.name), std::as_bytes(std::span(text)),
                       WriteMode::kReplace);
}

Status RunHome::take_lease() {
  Result<Lease> lease = Lease::acquire(folder_.lease(), wait_);
  AESWEEP_RETURN_IF_ERROR(lease.status());
  lease_.emplace(std::move(lease).value());
  return {};
}

void RunHome::close() {
  journal_.reset();
  if (lease_) lease_->release();
  lease_.reset();
}

LedgerFiles RunHome::files() {
  LedgerFiles files;
  files.append = [this](std::string_view line) { return journal_->append(line); };
  files.sync = [this] { return journal_->sync(); };
  files.may_write = [this] { return lease_->valid() ? Status() : lease_->lost(); };
  return files;
}

Result<std::string> RunHome::text_before() const {
  const Result<std::vector<std::byte>> bytes =
      read_file(folder_.file(state_.job->experiment.name), kTextBytesMax);
  if (!bytes.ok()) return Status::world(bytes.status().message());
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

bool RunHome::is_text_before(const std::string& text) const {
  return state_.job && state_.job->experiment.bytes == text.size() &&
         state_.job->experiment.sha256 == sha256_hex(text);
}

bool RunHome::has_results() const {
  if (!state_.results) return false;
  const Result<bool> whole =
      is_as_expected(folder_.results(), {state_.results->bytes, state_.results->sha256});
  return whole.ok() && whole.value();
}

}  // namespace aesweep
