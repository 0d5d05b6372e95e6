// Exchange: everything that crosses the ranks of one trial's group, and nothing else. The training
// step knows no MPI; runner/comm implements this over it, SoloExchange is the group of one.
//
// Calls are made by one thread, in the same order on every rank of the group. A failure of the
// transport is not reported here: the implementation ends the job, since no rank could go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aesweep {

class Exchange {
 public:
  using Ticket = int;  // Names a pending receive or sum until the next finish().

  virtual ~Exchange() = default;

  [[nodiscard]] virtual int rank() const = 0;  // In the group: 0 is its leader.
  [[nodiscard]] virtual int ranks() const = 0;

  // Gives every rank's bytes to every rank. counts[r] is the size of rank r's part, known to all;
  // `all` receives the parts in rank order. Returns when `all` is complete.
  virtual void share(std::span<const std::byte> mine, std::span<const std::size_t> counts,
                     std::span<std::byte> all) = 0;

  // Starts a message. The bytes must stay valid and unchanged until finish(). Messages between two
  // ranks on one channel arrive in the order in which they were sent.
  virtual void send(int to, int channel, std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual Ticket receive(int from, int channel, std::span<std::byte> bytes) = 0;

  // Starts an in-place sum over the ranks, in an order that may change from run to run: only for
  // train.reproducible = false.
  [[nodiscard]] virtual Ticket start_sum(std::span<float> values) = 0;
  [[nodiscard]] virtual Ticket start_sum(std::span<double> values) = 0;

  // Lets pending messages move and other work of the rank (the sweep's manager) run; cheap, called
  // between shards.
  virtual void progress() = 0;

  [[nodiscard]] virtual bool done(Ticket ticket) = 0;
  virtual void wait(Ticket ticket) = 0;

  // Waits for everything started since the last finish(); tickets end.
  virtual void finish() = 0;

  // Payload bytes given to send, share and start_sum for other ranks since construction.
  [[nodiscard]] virtual std::uint64_t bytes_sent() const = 0;
  // Seconds spent blocked in share, wait and finish since construction. For /runtime only.
  [[nodiscard]] virtual double blocked_seconds() const = 0;
};

// Rank 0's bytes to every rank of the group; all know how many. `from` counts on rank 0 alone.
void share_from_leader(std::span<const std::byte> from, std::span<std::byte> to,
                       Exchange& exchange);

// Every rank's value to every rank, by rank.
template <class V>
[[nodiscard]] std::vector<V> share_each(const V& mine, Exchange& exchange) {
  const std::vector<std::size_t> counts(static_cast<std::size_t>(exchange.ranks()), sizeof mine);
  std::vector<V> all(counts.size());
  exchange.share(std::as_bytes(std::span(&mine, 1)), counts,
                 std::as_writable_bytes(std::span(all)));
  return all;
}

struct SharedText {
  std::string text;
  int rank = -1;  // Whose it is; -1: all were empty.
};

// Every rank gets the text of the lowest rank whose text is not empty; of each, 511 bytes.
[[nodiscard]] SharedText share_text(std::string_view mine, Exchange& exchange);

// A group of one rank: nothing to send, every sum is complete.
class SoloExchange final : public Exchange {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int ranks() const override { return 1; }
  void share(std::span<const std::byte> mine, std::span<const std::size_t> counts,
             std::span<std::byte> all) override;
  void send(int to, int channel, std::span<const std::byte> bytes) override;
  [[nodiscard]] Ticket receive(int from, int channel, std::span<std::byte> bytes) override;
  [[nodiscard]] Ticket start_sum(std::span<float> values) override;
  [[nodiscard]] Ticket start_sum(std::span<double> values) override;
  void progress() override {}
  [[nodiscard]] bool done(Ticket) override { return true; }
  void wait(Ticket) override {}
  void finish() override {}
  [[nodiscard]] std::uint64_t bytes_sent() const override { return 0; }
  [[nodiscard]] double blocked_seconds() const override { return 0.0; }
};

}  // namespace aesweep
