// Ranks die with what started them, so that no rank is left spinning when a launcher was killed.
//
// The kernel's signal at the death of a parent comes when the parent's thread that forked this
// process ends, and launchers may fork from threads that end early. So the signal is one of our
// own, whose handler looks whether the process has another parent now, and only then ends it.
#pragma once

namespace aesweep {

// From now on this process ends, with status 3, as soon as its parent does; at once if the parent
// dies during the call. For ranks that a launcher started, once, before MPI starts.
void die_with_parent();

// Whether the process has another parent than at the call of die_with_parent; false before it.
[[nodiscard]] bool parent_is_gone();

}  // namespace aesweep
