// Stopwatch: how long a component's own calls take. For figures only, never for a result.
#pragma once

#include <chrono>

#include "core/conformance/live.hpp"

namespace aesweep::conformance {

// Passes calls on to another watch, which may be null. One thread.
class Stopwatch : public CallWatch {
 public:
  explicit Stopwatch(CallWatch* next) : next_(next) {}
  void before(const char* component, const char* function, const char* scalar) override {
    if (next_ != nullptr) next_->before(component, function, scalar);
    begin_ = Clock::now();
  }
  void after() override {
    seconds_ += std::chrono::duration<double>(Clock::now() - begin_).count();
    if (next_ != nullptr) next_->after();
  }
  void restart() { seconds_ = 0.0; }
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  CallWatch* next_;
  Clock::time_point begin_;
  double seconds_ = 0.0;
};

}  // namespace aesweep::conformance
