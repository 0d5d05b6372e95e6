// CallTrace: what a thread is doing: for a crash handler to name the component call that ran, and
// for a watchdog to see whether anything moves.
//
// One per thread, so that a handler, which runs on the thread that crashed, finds its own. Only its
// thread writes it; any may read it at any time, each field by itself (two fields read one after
// another may belong to different calls). What the pointers lead to is never freed. Component sets
// the first four and counts calls, core/train sets layer, step and epoch, and whoever runs trials
// the trial.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace aesweep {

// A value of one writing thread that others may read: a relaxed atomic that is used like a T.
template <class T>
class Traced {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): used like a T.
  constexpr Traced(T value) : value_(value) {}
  Traced(const Traced& other) : Traced(static_cast<T>(other)) {}
  Traced& operator=(const Traced& other) { return *this = static_cast<T>(other); }
  Traced& operator=(T value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  // NOLINTNEXTLINE(google-explicit-constructor): used like a T.
  operator T() const { return value_.load(std::memory_order_relaxed); }

 private:
  static_assert(std::atomic<T>::is_always_lock_free, "signal handlers read it");
  std::atomic<T> value_;
};

struct CallTrace {
  Traced<const char*> library = nullptr;    // Path of the plugin library.
  Traced<const char*> component = nullptr;  // Null: no component is at work.
  Traced<std::uint32_t> kind = 0;           // aesweep_kind of the component.
  Traced<const char*> function = nullptr;
  Traced<const char*> layer = nullptr;  // Or "loss", "optimizer"; null: none yet.
  Traced<std::int64_t> trial = -1;      // -1: none.
  Traced<std::uint64_t> step = 0;       // Training steps finished.
  Traced<std::uint64_t> epoch = 0;      // Finished ones.
  // Component calls begun and other pieces of work done, each of seconds at most. Where it does not
  // change, nothing moves. Any assignment of a whole CallTrace starts it anew.
  Traced<std::uint64_t> calls = 0;

  void moved() { calls = calls + 1; }
};

[[nodiscard]] CallTrace& call_trace();

// A copy of a name that is never freed; equal names share one. Thread-safe.
[[nodiscard]] const char* lasting_name(std::string_view name);

// Names the layer of a scope's calls, and none afterwards.
class TracedLayer {
 public:
  explicit TracedLayer(std::string_view layer) { call_trace().layer = lasting_name(layer); }
  ~TracedLayer() { call_trace().layer = nullptr; }
  TracedLayer(const TracedLayer&) = delete;
  TracedLayer& operator=(const TracedLayer&) = delete;
};

}  // namespace aesweep
