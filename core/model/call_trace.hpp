// CallTrace: which component call is running now, for a crash handler to name.
//
// One per thread, so that the handler, which runs on the thread that crashed, finds its own. The
// strings outlive the calls they are set for. Component sets the first four, core/train the layer
// and the step, and whoever runs trials the trial.
#pragma once

#include <cstdint>

namespace aesweep {

struct CallTrace {
  const char* library = nullptr;    // Path of the plugin library.
  const char* component = nullptr;  // Null: no component is at work.
  std::uint32_t kind = 0;           // aesweep_kind of the component.
  const char* function = nullptr;
  const char* layer = nullptr;  // Or "loss", "optimizer"; null: none yet.
  std::int64_t trial = -1;      // -1: none.
  std::uint64_t step = 0;       // Training steps finished.
};

[[nodiscard]] CallTrace& call_trace();

// Names the layer of a scope's calls, and none afterwards.
class TracedLayer {
 public:
  explicit TracedLayer(const char* layer) { call_trace().layer = layer; }
  ~TracedLayer() { call_trace().layer = nullptr; }
  TracedLayer(const TracedLayer&) = delete;
  TracedLayer& operator=(const TracedLayer&) = delete;
};

}  // namespace aesweep
