// The component call that a CallTrace tells of, in words.
#pragma once

#include "core/base/line.hpp"
#include "core/model/call_trace.hpp"

namespace aesweep {

// "activation swish (/path/swish.so), forward, layer code". Nothing, and false, if none runs. For
// signal handlers and for other threads than the trace's.
bool add_call(Line& line, const CallTrace& trace);

}  // namespace aesweep
