// RunLedger: what rank 0 writes into the run folder while a job runs: the journal, and everything
// that follows from it. Nothing is said to be finished, and no file is taken away, before the
// record of it is durable.
//
// Two threads of its own that make no MPI call: one syncs the journal, one does what takes long
// (segments, results.h5, live.json, unlinking), one thing after the other. All calls come from the
// owner's thread; what has become of things is told by functions that tick() calls there. Before
// each write it asks whether the lease still holds. After the first fault nothing is begun any
// more: what waits to be written is dropped.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "runner/journal/live_file.hpp"
#include "runner/journal/records.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/sweep/run_log.hpp"
#include "runner/sweep/services.hpp"

namespace aesweep {

// What a ledger writes with. `append` comes from the owner's thread, `sync` and `may_write` from
// others at the same time.
struct LedgerFiles {
  std::function<Status(std::string_view line)> append;
  std::function<Status()> sync;       // All that was appended before the call is durable.
  std::function<Status()> may_write;  // Not ok: the lease is lost.
};

struct LedgerTimes {
  std::chrono::milliseconds refresh{30'000};  // At least between two refreshes of results.h5, ...
  int refresh_share = 100;                    // ... and so many times what the last one took.
};

// Single files of trials that a run, or a range that is complete, may keep for good.
inline constexpr std::size_t kLooseMax = 256;
// Trials' numbers in a segment.
inline constexpr std::int64_t kSegmentTrials = 1000;

class RunLedger {
 public:
  using Then = std::function<void()>;

  // `state` is what the journal says so far. `services` and `log` outlive this.
  RunLedger(RunFolder folder, RunState state, std::int64_t keep_checkpoints, LedgerFiles files,
            const SweepServices& services, RunLog& log, LedgerTimes times = {});
  // Waits for what is being written, and forgets the rest.
  ~RunLedger();
  RunLedger(const RunLedger&) = delete;
  RunLedger& operator=(const RunLedger&) = delete;

  // Appends a record; `then` is called by a later tick() when it is durable, in the order of the
  // calls. Without it nothing waits for the record. Older checkpoints than are kept go once a newer
  // one is durable, all of them once the trial is finished; ranges are folded once nothing in them
  // is left to run.
  void append(const Record& record, Then then = {});
  // The trial goes on from the checkpoint of `step`: its group has found the later ones damaged and
  // removed them.
  void forget_checkpoints_after(std::int64_t number, std::int64_t step);

  // Folds the ranges with the most single files until the run has no more than it may keep.
  void fold_leftovers();
  // results.h5 is no longer refreshed: the job comes to its end.
  void stop_refreshing() { no_refresh_ = true; }
  // results.h5, whole. The record of it comes before `then`, which gets what went wrong.
  void write_results(std::function<void(const Status&)> then);
  // Replaces live.json, unless that is still being done. It may fail: it is only shown.
  void write_live(const LiveState& live);
  void remove_live();

  // Calls what has become ready. Returns the fault, if there is one.
  Status tick();
  // Waits until all records are durable. For the start, where no rank waits for an answer.
  [[nodiscard]] Status flush();

  // Nothing that was begun is unfinished; with a fault, nothing that can still end well.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] const RunState& state() const { return state_; }
  [[nodiscard]] const Status& fault() const { return fault_; }
  // The lease is lost: nobody may write here any more.
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<Then()>;  // By the worker; what it returns is called by tick().

  struct Waiting {
    std::uint64_t record;  // Count of records that must be durable.
    Then then;
  };

  void fail(Status fault);
  [[nodiscard]] bool may_write();
  [[nodiscard]] Then after(const Record& record, Then then);
  void trim_checkpoints(std::int64_t number, std::int64_t keep);
  void unlink_later(std::vector<std::string> names);
  void fold_if_complete(std::int64_t number);
  [[nodiscard]] std::vector<SegmentSource> loose_sources(std::int64_t first) const;
  void fold(std::int64_t first, std::vector<SegmentSource> sources);
  void folded(std::int64_t first, const std::string& name, const Result<SegmentFacts>& written);
  void refresh_if_due();
  void give(Task task);
  void sync_records(const std::stop_token& stop);
  void work(const std::stop_token& stop);

  RunFolder folder_;
  RunState state_;
  std::int64_t keep_checkpoints_;
  LedgerFiles files_;
  const SweepServices& services_;
  RunLog& log_;
  LedgerTimes times_;

  Status fault_;
  bool lost_ = false;
  std::uint64_t appended_ = 0;
  std::deque<Waiting> waiting_;
  std::set<std::int64_t> folding_;  // First numbers of ranges; those that failed stay.
  bool changed_ = false;            // Trials finished that results.h5 does not show.
  bool refreshing_ = false;
  bool no_refresh_ = false;
  Clock::time_point next_refresh_;
  bool writing_live_ = false;
  int tasks_ = 0;  // Given and not yet answered by tick().

  // Between the owner and the thread that syncs.
  std::mutex sync_mutex_;
  std::condition_variable_any sync_wake_;
  std::condition_variable synced_wake_;
  std::uint64_t wanted_ = 0;
  Status sync_fault_;
  std::atomic<std::uint64_t> synced_ = 0;
  std::atomic<bool> sync_failed_ = false;

  // Between the owner and the worker.
  std::mutex work_mutex_;
  std::condition_variable_any work_wake_;
  std::deque<Task> work_;
  std::deque<Then> worked_;
  std::atomic<int> worked_count_ = 0;
  std::atomic<bool> failed_ = false;  // There is a fault.

  std::jthread sync_thread_;  // Last: they end before the rest goes.
  std::jthread work_thread_;
};

}  // namespace aesweep
