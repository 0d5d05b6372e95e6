// Patience: how a rank waits for another one: a short spin, then it offers its core to others.
//
// Ranks may outnumber cores; a rank that spins then keeps the rank it waits for from running.
#pragma once

#include <sched.h>
#include <time.h>

#include <algorithm>

namespace aesweep {

class Patience {
 public:
  // kLow latency: at most yields, for waits inside a training step. kSaving: also sleeps, up to
  // 1 ms, for waits between trials.
  enum class Kind { kLatency, kSaving };
  explicit Patience(Kind kind = Kind::kLatency) : kind_(kind) {}

  // Call once per look that found nothing.
  void pause() {
    ++looks_;
    if (looks_ <= kSpins) return;
    if (kind_ == Kind::kLatency || looks_ <= kSpins + kYields) {
      sched_yield();
      return;
    }
    const timespec time{0, std::min(kSleepMaxNs, kSleepStepNs * (looks_ - kSpins - kYields))};
    nanosleep(&time, nullptr);
  }

  // Call when something was found.
  void reset() { looks_ = 0; }

 private:
  // A look costs about 0.2 us, so this spins for some 10 us and yields for some 0.2 ms.
  static constexpr long kSpins = 50;
  static constexpr long kYields = 500;
  static constexpr long kSleepStepNs = 20'000;
  static constexpr long kSleepMaxNs = 1'000'000;

  Kind kind_;
  long looks_ = 0;
};

}  // namespace aesweep
