#include "runner/comm/last_communication.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRelaxed = std::memory_order_relaxed;

struct Record {
  std::atomic<const char*> what = nullptr;  // Null: there was none.
  std::atomic<int> peer = -1;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<bool> blocked = false;
  std::atomic<Clock::rep> since = 0;  // Begin of the wait, or its end.
};

constinit Record record;

Clock::rep now() { return Clock::now().time_since_epoch().count(); }

}  // namespace

BlockedWait::BlockedWait(const char* what, int peer, std::size_t bytes) {
  record.peer.store(peer, kRelaxed);
  record.bytes.store(bytes, kRelaxed);
  record.since.store(now(), kRelaxed);
  record.blocked.store(true, kRelaxed);
  record.what.store(what, kRelaxed);
}

BlockedWait::~BlockedWait() {
  record.since.store(now(), kRelaxed);
  record.blocked.store(false, kRelaxed);
}

void add_last_communication(Line& line) {
  const char* what = record.what.load(kRelaxed);
  if (what == nullptr) {
    line << "; no communication yet";
    return;
  }
  const bool blocked = record.blocked.load(kRelaxed);
  line << "; last communication: " << (blocked ? "waits for " : "waited for ") << what;
  const int peer = record.peer.load(kRelaxed);
  if (peer >= 0) line << ", rank " << static_cast<std::uint64_t>(peer);
  const std::uint64_t bytes = record.bytes.load(kRelaxed);
  if (bytes > 0) line << ", " << bytes << " bytes";
  const Clock::duration time(now() - record.since.load(kRelaxed));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  line << (blocked ? ", for " : ", until ") << static_cast<std::uint64_t>(seconds > 0 ? seconds : 0)
       << (blocked ? " s" : " s ago");
}

}  // namespace aesweep
