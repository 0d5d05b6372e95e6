#include "runner/sweep/trial_writer.hpp"

#include <exception>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {

TrialWriter::TrialWriter(Write write) : write_(std::move(write)) {
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

void TrialWriter::add(Job job) {
  ++open_;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

std::optional<TrialWriter::Written> TrialWriter::try_take() {
  if (written_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  Written written = std::move(written_.front());
  written_.pop_front();
  written_count_.fetch_sub(1, std::memory_order_relaxed);
  --open_;
  return written;
}

void TrialWriter::work(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait(lock, stop, [this] { return !jobs_.empty(); })) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();

    Written written{job.trial, write(job), std::move(job.summary), job.samples};

    lock.lock();
    written_.push_back(std::move(written));
    written_count_.fetch_add(1, std::memory_order_release);
  }
}

// No exception leaves the thread: it would end the process without a word.
Status TrialWriter::write(Job& job) const {
  job.record.result = &job.result;
  try {
    return write_(job.path, job.record);
  } catch (const std::exception& error) {
    return Status::world(text(job.path, ": cannot write: ", error.what()));
  }
}

}  // namespace aesweep
