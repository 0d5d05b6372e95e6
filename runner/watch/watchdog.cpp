#include "runner/watch/watchdog.hpp"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <thread>
#include <utility>

#include "core/model/call_trace.hpp"
#include "runner/watch/call_text.hpp"
#include "runner/watch/crash_slot.hpp"
#include "runner/watch/end_process.hpp"
#include "runner/watch/parent_death.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLookMax = 1s;
constexpr int kLooksPerStall = 10;

milliseconds look_interval(milliseconds stall) {
  return stall == 0ms ? kLookMax : std::clamp(stall / kLooksPerStall, 1ms, kLookMax);
}

void add_seconds(Line& line, milliseconds time) {
  line << static_cast<std::uint64_t>(time / 1s) << " s";
}

void sleep_uninterrupted(milliseconds time) {
  timespec left{time / 1s, static_cast<long>((time % 1s) / 1ns)};
  while (::nanosleep(&left, &left) != 0) {
  }
}

}  // namespace

struct Watchdog::Impl {
  explicit Impl(Options given) : options(std::move(given)) {}

  Options options;
  CallTrace& trace = call_trace();
  Line line;
  Line note;
  std::mutex mutex;
  std::condition_variable stopped;
  bool stop = false;
  std::thread thread{};

  void watch();
  [[noreturn]] void end();
};

void Watchdog::Impl::end() {
  line << "aesweep: rank " << static_cast<std::uint64_t>(options.rank) << " on "
       << options.host.c_str() << ": no progress for ";
  add_seconds(line, options.stall);
  const std::int64_t trial = trace.trial;
  const char* separator = ": ";
  if (trial >= 0) {
    line << ": trial " << static_cast<std::uint64_t>(trial) << ", epoch " << trace.epoch
         << ", step " << trace.step;
    separator = ", ";
  }
  note << "no return for ";
  add_seconds(note, options.stall);
  note << " from ";
  Line call;
  if (add_call(call, trace)) {
    line << separator << "in " << call.c_str();
    note << call.c_str() << ", step " << trace.step;
    note_crash(note.c_str());
  } else {
    const char* layer = trace.layer;
    if (layer != nullptr) line << separator << "layer " << layer;
  }
  if (options.communication) options.communication(line);
  line << "; the job ends\n";
  line.write();
  sleep_uninterrupted(options.grace);
  end_process(kEndedByFault);
}

void Watchdog::Impl::watch() {
  const milliseconds interval = look_interval(options.stall);
  std::uint64_t seen = trace.calls;
  Clock::duration still{0};  // How long the counter has stood still.
  std::unique_lock lock(mutex);
  Clock::time_point last = Clock::now();
  while (!stopped.wait_for(lock, interval, [this] { return stop; })) {
    if (parent_is_gone()) end_process(kEndedByFault);
    const Clock::time_point now = Clock::now();
    const std::uint64_t calls = trace.calls;
    // Where the sleep took much longer than asked for, this process was stopped or got no
    // processor, and so was the thread that is watched.
    still += std::min<Clock::duration>(now - last, 2 * interval);
    last = now;
    if (calls != seen) still = 0s;
    seen = calls;
    if (options.stall > 0ms && still >= options.stall) end();
  }
}

Watchdog::Watchdog(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // The thread inherits it: signals are for the threads that work.
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  impl_->thread = std::thread([impl = impl_.get()] { impl->watch(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->stopped.notify_one();
  impl_->thread.join();
}

void Watchdog::tick() { impl_->trace.moved(); }

}  // namespace aesweep
