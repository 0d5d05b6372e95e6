// MpiExchange: the exchange of one trial's group over MPI, point to point between world ranks.
//
// A group is a list of ranks, not a communicator, so groups of any shape come and go without a
// collective call; only start_sum makes a communicator, once, when first used. `poll` is called by
// progress() and, again and again, while a call waits: other work of the rank (the sweep's manager
// on rank 0) lives there. It must not call this exchange. Waiting gives the core away after a short
// spin. After the first steps nothing is allocated here. Must not outlive its World; two exchanges
// alive at once must not join the same two ranks.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/train/exchange.hpp"

namespace aesweep {

class World;

class MpiExchange final : public Exchange {
 public:
  // `ranks` are world ranks, each once, the calling rank among them, the same list on all of them.
  MpiExchange(World& world, std::vector<int> ranks, std::function<void()> poll = {});
  ~MpiExchange() override;

  [[nodiscard]] int rank() const override;
  [[nodiscard]] int ranks() const override;
  void share(std::span<const std::byte> mine, std::span<const std::size_t> counts,
             std::span<std::byte> all) override;
  void send(int to, int channel, std::span<const std::byte> bytes) override;
  [[nodiscard]] Ticket receive(int from, int channel, std::span<std::byte> bytes) override;
  [[nodiscard]] Ticket start_sum(std::span<float> values) override;
  [[nodiscard]] Ticket start_sum(std::span<double> values) override;
  void progress() override;
  [[nodiscard]] bool done(Ticket ticket) override;
  void wait(Ticket ticket) override;
  void finish() override;
  [[nodiscard]] std::uint64_t bytes_sent() const override;
  [[nodiscard]] double blocked_seconds() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
