#include "runner/sweep/trial_writer.hpp"

#include <exception>
#include <new>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

void add_facts(FileRecord& file, const FileFacts& facts) {
  file.bytes = facts.bytes;
  file.sha256 = facts.sha256;
}

}  // namespace

TrialWriter::TrialWriter(const SweepServices& services) : services_(services) {
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

void TrialWriter::add(Job job) {
  ++open_;
  if (std::holds_alternative<CheckpointRecord>(job.content)) ++open_checkpoints_;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

std::optional<Message> TrialWriter::try_take() {
  if (report_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  Message report = std::move(written_.front().report);
  written_.pop_front();
  report_count_.fetch_sub(1, std::memory_order_relaxed);
  --open_;
  if (report.kind == Message::Kind::kCheckpointed) --open_checkpoints_;
  return report;
}

void TrialWriter::work(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait(lock, stop, [this] { return !jobs_.empty(); })) return;
    std::list<Job> job;
    job.splice(job.end(), jobs_, jobs_.begin());
    lock.unlock();

    write(job.front());
    job.front().content = CheckpointRecord();  // It is large.

    lock.lock();
    written_.splice(written_.end(), job);
    report_count_.fetch_add(1, std::memory_order_release);
  }
}

// No exception leaves the thread: it would end the process without a word.
void TrialWriter::write(Job& job) const {
  try {
    const auto written = [&]() -> Result<FileFacts> {
      if (const auto* state = std::get_if<CheckpointRecord>(&job.content)) {
        return services_.write_checkpoint(job.path, *state);
      }
      auto& trial = std::get<FinishedTrial>(job.content);
      trial.record.result = &trial.result;
      return services_.write_trial(job.path, trial.record);
    }();
    job.report.stored = written.status();
    if (!written.ok()) return;
    const bool finished = job.report.kind == Message::Kind::kFinished;
    add_facts(finished ? job.report.file : job.report.checkpoint.file, written.value());
  } catch (const std::bad_alloc&) {
    job.report.stored = Status::world("out of memory");  // Short enough to need none itself.
  } catch (const std::exception& error) {
    job.report.stored = Status::world(text(job.path, ": cannot write: ", error.what()));
  }
}

}  // namespace aesweep
