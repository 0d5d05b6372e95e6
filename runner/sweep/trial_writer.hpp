// TrialWriter: writes finished trials and checkpoints on threads of its own, so that disks never
// keep a rank from training. These threads make no MPI call; they spend their time waiting for
// fsync.
//
// One owner thread adds jobs and takes what has become of them, in any order. The destructor writes
// what was added before it returns. A failed write, memory that is not there included, comes back
// as its status; those added after it are still tried.
#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "core/train/result.hpp"
#include "runner/store/checkpoint_file.hpp"
#include "runner/store/trial_file.hpp"
#include "runner/sweep/message.hpp"
#include "runner/sweep/services.hpp"

namespace aesweep {

class TrialWriter {
 public:
  struct FinishedTrial {
    TrialRecord record;  // Its result is set by the writer to the one below.
    TrialResult result;
  };
  struct Job {
    std::string path;
    std::variant<FinishedTrial, CheckpointRecord> content;
    // What the manager is told: kFinished or kCheckpointed. The writer adds the status and the
    // file's size and hash.
    Message report;
  };

  // Several, because a file system commits syncs that wait together at once: four took 3.4 ms a
  // file where one took 13.6 (ext4 on a virtual disk).
  static constexpr int kThreads = 4;

  // write_trial and write_checkpoint are called by several threads at once, for different files.
  explicit TrialWriter(const SweepServices& services);

  void add(Job job);
  // The report of a job that has ended.
  [[nodiscard]] std::optional<Message> try_take();
  // Jobs added whose end has not been taken; those of them that are checkpoints.
  [[nodiscard]] int open() const { return open_; }
  [[nodiscard]] int open_checkpoints() const { return open_checkpoints_; }

 private:
  void work(const std::stop_token& stop);
  void write(Job& job) const;

  const SweepServices& services_;
  int open_ = 0;              // Owner thread only,
  int open_checkpoints_ = 0;  // both.
  std::mutex mutex_;
  std::condition_variable_any wake_;
  // Lists, between which jobs move without memory: a thread that gets none could only end the
  // process.
  std::list<Job> jobs_;
  std::list<Job> written_;
  std::atomic<int> report_count_ = 0;  // So that a look costs no lock.
  std::vector<std::jthread> threads_;  // Last: they stop and end before the rest goes.
};

}  // namespace aesweep
