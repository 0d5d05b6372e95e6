#include "runner/sweep/run_ledger.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <span>
#include <variant>

#include "core/base/text.hpp"
#include "runner/store/durable_write.hpp"

namespace aesweep {
namespace {

std::int64_t range_of(std::int64_t number) { return number / kSegmentTrials * kSegmentTrials; }

Status fault_of(const std::exception& error, const char* what) {
  return Status::world(text(what, ": ", error.what()));
}

}  // namespace

RunLedger::RunLedger(RunFolder folder, RunState state, std::int64_t keep_checkpoints,
                     LedgerFiles files, const SweepServices& services, RunLog& log,
                     LedgerTimes times)
    : folder_(std::move(folder)),
      state_(std::move(state)),
      keep_checkpoints_(keep_checkpoints),
      files_(std::move(files)),
      services_(services),
      log_(log),
      times_(times),
      next_refresh_(Clock::now() + times.refresh),
      sync_thread_([this](const std::stop_token& stop) { sync_records(stop); }),
      work_thread_([this](const std::stop_token& stop) { work(stop); }) {}

RunLedger::~RunLedger() = default;

void RunLedger::append(const Record& record, Then then) {
  if (!may_write()) return;
  // First the check: a record that contradicts earlier ones would make the journal unreadable.
  if (Status status = state_.apply(record); !status.ok()) return fail(std::move(status));
  if (Status status = files_.append(encode(record)); !status.ok()) return fail(std::move(status));
  ++appended_;
  then = after(record, std::move(then));
  if (!then) return;
  waiting_.push_back({appended_, std::move(then)});
  {
    const std::lock_guard lock(sync_mutex_);
    wanted_ = appended_;
  }
  sync_wake_.notify_one();
}

// What the ledger itself does once a record is durable, after `then`.
RunLedger::Then RunLedger::after(const Record& record, Then then) {
  Then own;
  if (const auto* checkpoint = std::get_if<CheckpointWritten>(&record)) {
    own = [this, number = checkpoint->number] { trim_checkpoints(number, keep_checkpoints_); };
  } else if (const auto* finished = std::get_if<TrialFinished>(&record)) {
    own = [this, number = finished->number] {
      changed_ = true;
      trim_checkpoints(number, 0);
      fold_if_complete(number);
    };
  }
  if (!own || !then) return own ? own : then;
  return [then = std::move(then), own = std::move(own)] {
    then();
    own();
  };
}

void RunLedger::trim_checkpoints(std::int64_t number, std::int64_t keep) {
  std::vector<CheckpointWritten>& all =
      state_.trials.at(static_cast<std::size_t>(number)).checkpoints;
  const auto extra = static_cast<std::int64_t>(all.size()) - keep;
  if (extra <= 0) return;
  const auto kept = all.begin() + extra;
  std::vector<std::string> names;
  for (auto one = all.begin(); one != kept; ++one) names.push_back(one->file.name);
  all.erase(all.begin(), kept);
  unlink_later(std::move(names));
}

void RunLedger::forget_checkpoints_after(std::int64_t number, std::int64_t step) {
  std::erase_if(state_.trials.at(static_cast<std::size_t>(number)).checkpoints,
                [step](const CheckpointWritten& one) { return one.step > step; });
}

// A file that cannot be taken away costs room and nothing else; the next start tries again.
void RunLedger::unlink_later(std::vector<std::string> names) {
  if (names.empty()) return;
  give([this, names = std::move(names)]() -> Then {
    for (const std::string& name : names) {
      static_cast<void>(::unlink(folder_.file(name).c_str()));
    }
    return {};
  });
}

void RunLedger::fold_if_complete(std::int64_t number) {
  const std::int64_t first = range_of(number);
  const auto end = static_cast<std::size_t>(first + kSegmentTrials);
  if (state_.trials.size() < end) return;
  for (auto i = static_cast<std::size_t>(first); i < end; ++i) {
    if (state_.trials[i].asked && !state_.trials[i].done()) return;
  }
  if (std::vector<SegmentSource> sources = loose_sources(first); sources.size() > kLooseMax) {
    fold(first, std::move(sources));
  }
}

void RunLedger::fold_leftovers() {
  struct Range {
    std::int64_t first;
    std::vector<SegmentSource> sources;
  };
  std::vector<Range> ranges;
  std::size_t loose = 0;
  const auto count = static_cast<std::int64_t>(state_.trials.size());
  for (std::int64_t first = 0; first < count; first += kSegmentTrials) {
    if (folding_.contains(first)) continue;
    ranges.push_back({first, loose_sources(first)});
    loose += ranges.back().sources.size();
  }
  // Of ranges with equally many the first, so that equal runs get equal segments.
  std::stable_sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.sources.size() > b.sources.size();
  });
  for (Range& range : ranges) {
    if (loose <= kLooseMax) return;
    loose -= range.sources.size();
    fold(range.first, std::move(range.sources));
  }
}

std::vector<SegmentSource> RunLedger::loose_sources(std::int64_t first) const {
  std::vector<SegmentSource> sources;
  std::vector<const StoredAttempt*> last;  // Of each trial.
  std::vector<std::size_t> source_of_last;
  const auto end = std::min(state_.trials.size(), static_cast<std::size_t>(first + kSegmentTrials));
  for (auto i = static_cast<std::size_t>(first); i < end; ++i) {
    for (const StoredAttempt& one : state_.trials[i].finished) {
      if (!one.segment.empty() || one.lost) continue;
      if (&one == &state_.trials[i].finished.back()) {
        last.push_back(&one);
        source_of_last.push_back(sources.size());
      }
      const FileRecord& file = one.finished.file;
      sources.push_back({folder_.file(file.name), one.finished.number, one.finished.attempt,
                         FileFacts{file.bytes, file.sha256}, true});
    }
  }
  if (!state_.job || state_.job->best_weights == 0) return sources;
  for (SegmentSource& source : sources) source.weights = false;
  for (const std::size_t best : best_attempts(last, state_.job->metric, state_.job->minimize,
                                              static_cast<std::size_t>(state_.job->best_weights))) {
    sources[source_of_last[best]].weights = true;
  }
  return sources;
}

void RunLedger::fold(std::int64_t first, std::vector<SegmentSource> sources) {
  if (!folding_.insert(first).second) return;
  std::string name;
  const auto taken = [&name](const TrialsFolded& one) { return one.segment.name == name; };
  for (int part = 1;
       name.empty() || std::any_of(state_.segments.begin(), state_.segments.end(), taken); ++part) {
    name = segment_file(first, first + kSegmentTrials - 1, part);
  }
  give([this, first, name, sources = std::move(sources)]() -> Then {
    auto written = std::make_shared<Result<SegmentFacts>>(
        services_.write_segment(folder_.file(name), sources));
    return [this, first, name, written] { folded(first, name, *written); };
  });
}

// Segments save files and hold nothing new: without one the sweep goes on.
void RunLedger::folded(std::int64_t first, const std::string& name,
                       const Result<SegmentFacts>& written) {
  if (!written.ok()) {
    log_.warn(text("trials ", first, " to ", first + kSegmentTrials - 1,
                   " keep files of their own: ", written.status().message()));
    return;
  }
  TrialsFolded record;
  record.segment = {name, written->file.bytes, written->file.sha256};
  std::vector<std::string> loose;
  for (const SegmentMember& member : written->members) {
    record.members.push_back(
        {member.number, member.attempt, member.facts.bytes, member.facts.sha256});
    loose.push_back(trial_file(member.number, member.attempt));
  }
  append(record, [this, first, loose = std::move(loose)] {
    folding_.erase(first);
    unlink_later(loose);
  });
}

void RunLedger::write_results(std::function<void(const Status&)> then) {
  auto state = std::make_shared<const RunState>(state_);
  give([this, state, then = std::move(then)]() -> Then {
    auto written = std::make_shared<Result<FileFacts>>(
        services_.write_results(folder_, *state, ResultsExtent::kWhole));
    return [this, written, then] {
      if (!written->ok()) return then(written->status());
      const FileFacts& facts = written->value();
      append(ResultsWritten{{"results.h5", facts.bytes, facts.sha256}});
      then({});
    };
  });
}

// Tables only, as often as their cost allows. The disk's faults come with the trials' own files.
void RunLedger::refresh_if_due() {
  if (!changed_ || refreshing_ || no_refresh_ || Clock::now() < next_refresh_) return;
  changed_ = false;
  refreshing_ = true;
  const Clock::time_point start = Clock::now();
  auto state = std::make_shared<const RunState>(state_);
  const Clock::duration copied = Clock::now() - start;
  give([this, state, copied]() -> Then {
    const Clock::time_point begin = Clock::now();
    const Status status = services_.write_results(folder_, *state, ResultsExtent::kTables).status();
    const Clock::duration took = copied + (Clock::now() - begin);
    return [this, status, took] {
      refreshing_ = false;
      if (!status.ok()) {
        no_refresh_ = true;
        log_.warn(text("results.h5 is not refreshed: ", status.message()));
      }
      next_refresh_ =
          Clock::now() + std::max<Clock::duration>(times_.refresh, took * times_.refresh_share);
    };
  });
}

void RunLedger::write_live(const LiveState& live) {
  if (std::exchange(writing_live_, true)) return;
  give([this, bytes = encode(live)]() -> Then {
    static_cast<void>(
        durable_write(folder_.live(), std::as_bytes(std::span(bytes)), WriteMode::kReplace));
    return [this] { writing_live_ = false; };
  });
}

void RunLedger::remove_live() { unlink_later({"live.json"}); }

Status RunLedger::tick() {
  while (worked_count_.load(std::memory_order_acquire) > 0) {
    Then then;
    {
      const std::lock_guard lock(work_mutex_);
      then = std::move(worked_.front());
      worked_.pop_front();
      worked_count_.fetch_sub(1, std::memory_order_relaxed);
    }
    --tasks_;
    if (then) then();
  }
  static_cast<void>(may_write());
  if (fault_.ok() && sync_failed_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(sync_mutex_);
    fail(sync_fault_);
  }
  const std::uint64_t synced = synced_.load(std::memory_order_acquire);
  while (!waiting_.empty() && waiting_.front().record <= synced) {
    const Then then = std::move(waiting_.front().then);
    waiting_.pop_front();
    then();
  }
  if (fault_.ok()) refresh_if_due();
  return fault_;
}

Status RunLedger::flush() {
  {
    std::unique_lock lock(sync_mutex_);
    wanted_ = appended_;
    sync_wake_.notify_one();
    synced_wake_.wait(lock, [this] { return synced_.load() >= appended_ || sync_failed_.load(); });
  }
  return tick();
}

bool RunLedger::settled() const { return tasks_ == 0 && (waiting_.empty() || !fault_.ok()); }

void RunLedger::fail(Status fault) {
  if (!fault_.ok()) return;
  fault_ = std::move(fault);
  failed_.store(true, std::memory_order_release);
}

bool RunLedger::may_write() {
  if (!fault_.ok()) return false;
  if (Status status = files_.may_write(); !status.ok()) {
    lost_ = true;
    fail(std::move(status));
  }
  return fault_.ok();
}

void RunLedger::give(Task task) {
  if (!may_write()) return;
  ++tasks_;
  {
    const std::lock_guard lock(work_mutex_);
    work_.push_back(std::move(task));
  }
  work_wake_.notify_one();
}

// All that waits is made durable by one sync.
void RunLedger::sync_records(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(sync_mutex_);
    if (!sync_wake_.wait(lock, stop, [this] { return wanted_ > synced_.load(); })) return;
    const std::uint64_t records = wanted_;
    lock.unlock();
    const Status status = files_.sync();
    lock.lock();
    if (!status.ok()) {
      sync_fault_ = status;
      sync_failed_.store(true, std::memory_order_release);
      synced_wake_.notify_all();
      return;
    }
    synced_.store(records, std::memory_order_release);
    synced_wake_.notify_all();
  }
}

// No exception leaves the thread: it would end the process without a word. Nobody hears of what the
// task was to do then, so it ends the job, as a lost lease does.
void RunLedger::work(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(work_mutex_);
    if (!work_wake_.wait(lock, stop, [this] { return !work_.empty(); }) || stop.stop_requested()) {
      return;
    }
    const Task task = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    Then then;
    try {
      const bool failed =
          failed_.load(std::memory_order_acquire) || sync_failed_.load(std::memory_order_acquire);
      if (!failed && files_.may_write().ok()) then = task();
    } catch (const std::exception& error) {
      then = [this, status = fault_of(error, "writing into the run folder")] { fail(status); };
    }
    lock.lock();
    worked_.push_back(std::move(then));
    worked_count_.fetch_add(1, std::memory_order_release);
  }
}

}  // namespace aesweep
