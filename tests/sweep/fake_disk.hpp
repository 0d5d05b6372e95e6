// A journal in memory whose syncs wait for a test's permission, and the state of a small run.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/text.hpp"
#include "runner/journal/records.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/sweep/run_ledger.hpp"

namespace aesweep {

class FakeDisk {
 public:
  [[nodiscard]] LedgerFiles files() {
    LedgerFiles files;
    files.append = [this](std::string_view line) {
      lines.emplace_back(line);
      return Status();
    };
    files.sync = [this] {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !held_; });
      return sync_status_;
    };
    files.may_write = [this] {
      const std::lock_guard lock(mutex_);
      return lease_;
    };
    return files;
  }

  void hold() { set(held_, true); }
  void release() { set(held_, false); }
  void fail_syncs(Status status) { set(sync_status_, std::move(status)); }
  void lose_lease(Status status) { set(lease_, std::move(status)); }

  // Records of one kind, as they were appended.
  template <class Kind>
  [[nodiscard]] std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const std::string& line : lines) {
      const Result<Record> record = decode_record(line);
      if (!record.ok()) {
        ADD_FAILURE() << record.status().message();
        continue;
      }
      if (const auto* one = std::get_if<Kind>(&record.value())) found.push_back(*one);
    }
    return found;
  }

  std::vector<std::string> lines;  // Of the ledger's owner.

 private:
  template <class T>
  void set(T& member, T value) {
    {
      const std::lock_guard lock(mutex_);
      member = std::move(value);
    }
    wake_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool held_ = false;
  Status sync_status_;
  Status lease_;
};

// A job that asks for trials 0 ... count - 1, whose keys are "key0" and so on.
inline RunState state_of_new_run(std::int64_t count) {
  RunState state;
  JobStarted job;
  job.experiment = {"experiment.yaml", 4, "abcd"};
  job.metric = "test/mse";
  job.numeric_fingerprint = "0123456789abcdef";
  TrialsPlanned planned;
  for (std::int64_t i = 0; i < count; ++i) planned.keys.push_back(text("key", i));
  for (const Record& record :
       {Record(job), Record(planned), Record(TrialsAsked{{{0, count - 1}}})}) {
    const Status status = state.apply(record);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  return state;
}

// Serves `object` until ready() holds; threads are at work meanwhile.
template <class Object, class Ready>
void tick_until(Object& object, Ready&& ready) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!ready()) {
    static_cast<void>(object.tick());
    if (std::chrono::steady_clock::now() > give_up) {
      FAIL() << "nothing happens";
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

// Long enough for a thread to do what it must not do.
template <class Object>
void tick_for_a_while(Object& object) {
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(object.tick());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace aesweep
