// TrialWriter: writes finished trials' files on threads of its own, so that disks never keep a rank
// from training. These threads make no MPI call; they spend their time waiting for fsync.
//
// One owner thread adds trials and takes what has become of them, in any order. The destructor
// writes what was added before it returns. A failed write comes back as its status; those added
// after it are still tried.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/status.hpp"
#include "core/train/result.hpp"
#include "runner/store/trial_file.hpp"
#include "runner/sweep/manager.hpp"

namespace aesweep {

class TrialWriter {
 public:
  using Write = std::function<Status(const std::string& path, const TrialRecord&)>;

  struct Job {
    std::int64_t trial = 0;  // Place in the sweep's list.
    std::string path;
    TrialRecord record;  // Its result is set by the writer to the one below.
    TrialResult result;
    TrialSummary summary;  // Handed through.
    std::int64_t samples = 0;
  };
  struct Written {
    std::int64_t trial = 0;
    Status status;
    TrialSummary summary;
    std::int64_t samples = 0;
  };

  // Several, because a file system commits syncs that wait together at once: four took 3.4 ms a
  // file where one took 13.6 (ext4 on a virtual disk).
  static constexpr int kThreads = 4;

  // `write` is called by several threads at once, for different trials.
  explicit TrialWriter(Write write);

  void add(Job job);
  [[nodiscard]] std::optional<Written> try_take();
  // Trials added whose end has not been taken.
  [[nodiscard]] int open() const { return open_; }

 private:
  void work(const std::stop_token& stop);
  [[nodiscard]] Status write(Job& job) const;

  Write write_;
  int open_ = 0;  // Owner thread only.
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Job> jobs_;
  std::deque<Written> written_;
  std::atomic<int> written_count_ = 0;  // So that a look costs no lock.
  std::vector<std::jthread> threads_;   // Last: they stop and end before the rest goes.
};

}  // namespace aesweep
