#include "core/model/call_trace.hpp"

#include <mutex>
#include <set>
#include <string>

namespace aesweep {

CallTrace& call_trace() {
  static constinit thread_local CallTrace trace;
  return trace;
}

const char* lasting_name(std::string_view name) {
  static std::mutex mutex;
  // Not destroyed at exit either: other threads may still read.
  static auto& names = *new std::set<std::string, std::less<>>;
  const std::lock_guard lock(mutex);
  const auto found = names.find(name);
  return (found != names.end() ? found : names.emplace(name).first)->c_str();
}

}  // namespace aesweep
