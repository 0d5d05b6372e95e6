#include "tests/train/thread_group.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <tuple>
#include <vector>

#include "core/base/check.hpp"

namespace aesweep::test {
namespace {

// What the threads share: messages by (from, to, channel), in order.
struct Post {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::tuple<int, int, int>, std::deque<std::vector<std::byte>>> messages;
};

constexpr int kShareChannel = -1;
constexpr int kSumChannel = -2;

class ThreadExchange final : public Exchange {
 public:
  ThreadExchange(Post& post, int rank, int ranks, unsigned seed)
      : post_(post), rank_(rank), ranks_(ranks), random_(seed * 31 + static_cast<unsigned>(rank)) {}

  int rank() const override { return rank_; }
  int ranks() const override { return ranks_; }

  void share(std::span<const std::byte> mine, std::span<const std::size_t> counts,
             std::span<std::byte> all) override {
    AESWEEP_CHECK(counts.size() == static_cast<std::size_t>(ranks_), "one count per rank");
    AESWEEP_CHECK(counts[static_cast<std::size_t>(rank_)] == mine.size(), "own count is wrong");
    for (int r = 0; r < ranks_; ++r) {
      if (r != rank_) put(r, kShareChannel, mine);
    }
    std::size_t at = 0;
    for (int r = 0; r < ranks_; ++r) {
      const std::size_t count = counts[static_cast<std::size_t>(r)];
      if (r == rank_ && count > 0) std::memcpy(all.data() + at, mine.data(), count);
      if (r != rank_) take(r, kShareChannel, all.subspan(at, count));
      at += count;
    }
    AESWEEP_CHECK(at == all.size(), "counts do not fill the room");
  }

  void send(int to, int channel, std::span<const std::byte> bytes) override {
    AESWEEP_CHECK(to != rank_, "a rank sends nothing to itself");
    put(to, channel, bytes);
    sent_.push_back({bytes, {bytes.begin(), bytes.end()}});
  }

  Ticket receive(int from, int channel, std::span<std::byte> bytes) override {
    pending_.push_back({from, channel, bytes, false});
    return static_cast<Ticket>(pending_.size()) - 1;
  }

  Ticket start_sum(std::span<float> values) override { return sum(values); }
  Ticket start_sum(std::span<double> values) override { return sum(values); }

  void progress() override {
    if (random_() % 4 == 0) std::this_thread::yield();
  }

  // Says no at random even if the message is there: the caller may not lean on timing.
  bool done(Ticket ticket) override {
    Pending& wanted = pending_[static_cast<std::size_t>(ticket)];
    if (!wanted.complete && random_() % 2 == 0 && is_here(ticket)) wait(ticket);
    return wanted.complete;
  }

  // Receives of one sender and channel complete in the order in which they were posted.
  void wait(Ticket ticket) override {
    const Pending wanted = pending_[static_cast<std::size_t>(ticket)];
    for (Ticket t = 0; t <= ticket; ++t) {
      Pending& p = pending_[static_cast<std::size_t>(t)];
      if (p.complete || p.from != wanted.from || p.channel != wanted.channel) continue;
      take(p.from, p.channel, p.bytes);
      p.complete = true;
    }
  }

  void finish() override {
    for (std::size_t t = 0; t < pending_.size(); ++t) wait(static_cast<Ticket>(t));
    pending_.clear();
    for (const Sent& sent : sent_) {
      AESWEEP_CHECK(std::equal(sent.bytes.begin(), sent.bytes.end(), sent.as_sent.begin()),
                    "a buffer was changed while its message was on the way");
    }
    sent_.clear();
  }

  std::uint64_t bytes_sent() const override { return bytes_sent_; }
  double blocked_seconds() const override { return 0.0; }

 private:
  struct Pending {
    int from;
    int channel;
    std::span<std::byte> bytes;
    bool complete;
  };

  // What was given to send and what it held then: it may not change until finish().
  struct Sent {
    std::span<const std::byte> bytes;
    std::vector<std::byte> as_sent;
  };

  // Whether every message up to this one of its sender and channel has come.
  bool is_here(Ticket ticket) {
    const Pending& wanted = pending_[static_cast<std::size_t>(ticket)];
    std::size_t needed = 0;
    for (Ticket t = 0; t <= ticket; ++t) {
      const Pending& p = pending_[static_cast<std::size_t>(t)];
      if (!p.complete && p.from == wanted.from && p.channel == wanted.channel) ++needed;
    }
    const std::lock_guard lock(post_.mutex);
    return post_.messages[{wanted.from, rank_, wanted.channel}].size() >= needed;
  }

  void put(int to, int channel, std::span<const std::byte> bytes) {
    const std::lock_guard lock(post_.mutex);
    post_.messages[{rank_, to, channel}].emplace_back(bytes.begin(), bytes.end());
    bytes_sent_ += bytes.size();
    post_.changed.notify_all();
  }

  void take(int from, int channel, std::span<std::byte> bytes) {
    std::unique_lock lock(post_.mutex);
    auto& queue = post_.messages[{from, rank_, channel}];
    post_.changed.wait(lock, [&] { return !queue.empty(); });
    AESWEEP_CHECK(queue.front().size() == bytes.size(), "a message has another size than expected");
    if (!bytes.empty()) std::memcpy(bytes.data(), queue.front().data(), bytes.size());
    queue.pop_front();
  }

  template <class T>
  Ticket sum(std::span<T> values) {
    const std::vector<T> mine(values.begin(), values.end());
    for (int r = 0; r < ranks_; ++r) {
      if (r != rank_) put(r, kSumChannel, std::as_bytes(std::span(mine)));
    }
    std::vector<T> theirs(values.size());
    std::fill(values.begin(), values.end(), T(0));
    for (int r = 0; r < ranks_; ++r) {
      if (r != rank_) take(r, kSumChannel, std::as_writable_bytes(std::span(theirs)));
      const std::vector<T>& part = r == rank_ ? mine : theirs;
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += part[i];
    }
    pending_.push_back({0, kSumChannel, {}, true});
    return static_cast<Ticket>(pending_.size()) - 1;
  }

  Post& post_;
  int rank_;
  int ranks_;
  std::mt19937 random_;
  std::vector<Pending> pending_;
  std::vector<Sent> sent_;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace

void run_thread_group(int ranks, unsigned seed, const std::function<void(Exchange&)>& body) {
  Post post;
  std::vector<std::jthread> threads;
  for (int r = 0; r < ranks; ++r) {
    threads.emplace_back([&, r] {
      ThreadExchange exchange(post, r, ranks, seed);
      body(exchange);
    });
  }
}

}  // namespace aesweep::test
