#include "core/model/call_trace.hpp"

namespace aesweep {

CallTrace& call_trace() {
  static constinit thread_local CallTrace trace;
  return trace;
}

}  // namespace aesweep
