#include "runner/watch/call_text.hpp"

#include "core/model/catalogue.hpp"

namespace aesweep {

bool add_call(Line& line, const CallTrace& trace) {
  // Each field once: the trace's own thread may go on meanwhile.
  const char* component = trace.component;
  const char* library = trace.library;
  const char* function = trace.function;
  const char* layer = trace.layer;
  if (component == nullptr || library == nullptr || function == nullptr) return false;
  line << kind_name(static_cast<aesweep_kind>(std::uint32_t{trace.kind})).data() << " " << component
       << " (" << library << "), " << function;
  if (layer != nullptr) line << ", layer " << layer;
  return true;
}

}  // namespace aesweep
