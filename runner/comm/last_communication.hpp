// LastCommunication: what this process waits for, or last waited for, from other ranks. For the
// watchdog, which tells it of a rank that stands still.
//
// One record per process: one thread communicates. It is set only where a wait really begins to
// block, with relaxed stores; any thread may read it. The fields are read one after another, so
// that in the instant of a change they may belong to two waits.
#pragma once

#include <cstddef>

#include "core/base/line.hpp"

namespace aesweep {

// From construction to destruction the process waits. Those inside another one take its place.
class BlockedWait {
 public:
  // `what` is never freed: "share", "messages of the manager". peer: world rank, -1: no certain
  // one. bytes: of the message waited for; 0: of unknown size.
  explicit BlockedWait(const char* what, int peer = -1, std::size_t bytes = 0);
  ~BlockedWait();
  BlockedWait(const BlockedWait&) = delete;
  BlockedWait& operator=(const BlockedWait&) = delete;
};

// "; last communication: waits for share, rank 0, 4096 bytes, for 60 s", or "; last communication:
// waited for share, rank 0, 4096 bytes, until 3 s ago", or "; no communication yet". Allocates
// nothing.
void add_last_communication(Line& line);

}  // namespace aesweep
