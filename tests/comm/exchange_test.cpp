// MpiExchange: every byte arrives where its formula says, in groups of any shape and size; the poll
// runs while a call waits; byte counters are exact; steps allocate nothing.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

#include "runner/comm/mpi_exchange.hpp"
#include "tests/comm/mpi_main.hpp"
#include "tests/support/allocation_count.hpp"

namespace aesweep {
namespace {

std::vector<int> everyone() {
  std::vector<int> ranks(static_cast<std::size_t>(test_world().ranks()));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

// The i-th byte that `from` sends in a round: differs between ranks, rounds and places.
std::byte expected_byte(int from, int round, std::size_t i) {
  return static_cast<std::byte>((i * 131 + static_cast<std::size_t>(from) * 17 +
                                 static_cast<std::size_t>(round) * 59 + i / 256) %
                                251);
}

void write_expected(int from, int round, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = expected_byte(from, round, i);
}

bool is_expected(int from, int round, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != expected_byte(from, round, i)) return false;
  }
  return true;
}

void share_and_check(Exchange& exchange, int round, const std::vector<std::size_t>& counts) {
  std::vector<std::byte> mine(counts[static_cast<std::size_t>(exchange.rank())]);
  write_expected(exchange.rank(), round, mine);
  std::vector<std::byte> all(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  exchange.share(mine, counts, all);
  std::size_t offset = 0;
  for (int from = 0; from < exchange.ranks(); ++from) {
    const std::size_t count = counts[static_cast<std::size_t>(from)];
    EXPECT_TRUE(is_expected(from, round, std::span(all).subspan(offset, count)))
        << "part of rank " << from << " in round " << round;
    offset += count;
  }
}

TEST(MpiExchange, ShareGivesEveryPartToEveryRank) {
  MpiExchange exchange(test_world(), everyone());
  const auto ranks = static_cast<std::size_t>(exchange.ranks());
  for (int round = 0; round < 50; ++round) {
    std::vector<std::size_t> counts(ranks);
    for (std::size_t r = 0; r < ranks; ++r) {  // Uneven, with ranks and rounds that give nothing.
      counts[r] = (r + static_cast<std::size_t>(round)) % 3 == 0 ? 0 : r * 37 + 1;
    }
    share_and_check(exchange, round, counts);
  }
  share_and_check(exchange, 0, std::vector<std::size_t>(ranks, 0));
  share_and_check(exchange, 1, std::vector<std::size_t>(ranks, 1'000'003));
}

TEST(MpiExchange, ShareInPlaceKeepsTheOwnPart) {
  MpiExchange exchange(test_world(), everyone());
  const std::vector<std::size_t> counts(static_cast<std::size_t>(exchange.ranks()), 5);
  std::vector<std::byte> all(5 * counts.size());
  const auto mine = std::span(all).subspan(5 * static_cast<std::size_t>(exchange.rank()), 5);
  write_expected(exchange.rank(), 3, mine);
  exchange.share(mine, counts, all);
  for (int from = 0; from < exchange.ranks(); ++from) {
    EXPECT_TRUE(
        is_expected(from, 3, std::span(all).subspan(5 * static_cast<std::size_t>(from), 5)));
  }
}

TEST(MpiExchange, MessagesKeepTheirOrderPerChannel) {
  MpiExchange exchange(test_world(), everyone());
  constexpr int kMessages = 60;
  constexpr int kChannels = 3;
  const auto size_of = [](int number) { return static_cast<std::size_t>(number * number * 7); };
  std::vector<std::vector<std::byte>> sent(kMessages);
  for (int number = 0; number < kMessages; ++number) {
    sent[number].resize(size_of(number));
    write_expected(exchange.rank(), number, sent[number]);
  }
  struct Due {
    int from;
    int number;
    Exchange::Ticket ticket;
    std::vector<std::byte> bytes;
  };
  std::vector<Due> due;
  for (int peer = 0; peer < exchange.ranks(); ++peer) {
    if (peer == exchange.rank()) continue;
    for (int number = 0; number < kMessages; ++number) {
      Due& one = due.emplace_back(Due{peer, number, 0, std::vector<std::byte>(size_of(number))});
      one.ticket = exchange.receive(peer, number % kChannels, one.bytes);
      exchange.send(peer, number % kChannels, sent[number]);
    }
    exchange.progress();
  }
  std::reverse(due.begin(), due.end());  // Waiting in another order than that of arrival.
  for (const Due& one : due) {
    exchange.wait(one.ticket);
    EXPECT_TRUE(exchange.done(one.ticket));
    EXPECT_TRUE(is_expected(one.from, one.number, one.bytes)) << one.from << ' ' << one.number;
  }
  exchange.finish();
}

TEST(MpiExchange, BigMessagesArriveWhole) {
  MpiExchange exchange(test_world(), everyone());
  constexpr std::size_t kBytes = 40'000'037;
  const int next = (exchange.rank() + 1) % exchange.ranks();
  const int previous = (exchange.rank() + exchange.ranks() - 1) % exchange.ranks();
  if (exchange.ranks() == 1) return;  // Nobody to send to.
  std::vector<std::byte> out(kBytes);
  std::vector<std::byte> in(kBytes);
  write_expected(exchange.rank(), 1, out);
  const Exchange::Ticket ticket = exchange.receive(previous, 0, in);
  exchange.send(next, 0, out);
  while (!exchange.done(ticket)) exchange.progress();
  EXPECT_TRUE(is_expected(previous, 1, in));
  exchange.finish();
}

TEST(MpiExchange, PollRunsWhileACallWaits) {
  std::int64_t polls = 0;
  MpiExchange exchange(test_world(), everyone(), [&polls] { ++polls; });
  exchange.progress();
  EXPECT_EQ(polls, 1);
  const std::vector<std::size_t> counts(static_cast<std::size_t>(exchange.ranks()), 1);
  const bool late = exchange.rank() == exchange.ranks() - 1;
  test_world().barrier();
  if (late) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  share_and_check(exchange, 0, counts);
  if (exchange.ranks() > 1 && !late) {
    EXPECT_GT(polls, 10);
    EXPECT_GT(exchange.blocked_seconds(), 0.02);
  }
}

TEST(MpiExchange, SumsOverTheRanks) {
  MpiExchange exchange(test_world(), everyone());
  const int ranks = exchange.ranks();
  std::vector<float> floats(10'007);
  std::vector<double> doubles(37);
  for (int round = 0; round < 3; ++round) {
    // Small whole numbers, so that every order of summing gives the same value.
    for (std::size_t i = 0; i < floats.size(); ++i) {
      floats[i] = static_cast<float>(i % 100) * static_cast<float>(exchange.rank() + 1);
    }
    std::fill(doubles.begin(), doubles.end(), exchange.rank() + round);
    const Exchange::Ticket first = exchange.start_sum(std::span(floats));
    const Exchange::Ticket second = exchange.start_sum(std::span(doubles));
    exchange.wait(second);
    exchange.wait(first);
    exchange.finish();
    EXPECT_EQ(doubles[36], ranks * (ranks - 1) / 2 + ranks * round);
    for (std::size_t i = 0; i < floats.size(); ++i) {
      ASSERT_EQ(floats[i],
                static_cast<float>(i % 100) * static_cast<float>(ranks * (ranks + 1) / 2));
    }
  }
  const std::uint64_t bytes = 3 * (floats.size() * sizeof(float) + doubles.size() * sizeof(double));
  EXPECT_EQ(exchange.bytes_sent(), ranks > 1 ? bytes : 0);
}

TEST(MpiExchange, GroupsTalkAtTheSameTimeInTheirOwnOrder) {
  World& world = test_world();
  // Even and odd ranks, each group listed from the highest rank down.
  std::vector<int> members;
  for (int rank = world.ranks() - 1; rank >= 0; --rank) {
    if (rank % 2 == world.rank() % 2) members.push_back(rank);
  }
  const auto place = std::find(members.begin(), members.end(), world.rank()) - members.begin();
  MpiExchange exchange(world, members);
  EXPECT_EQ(exchange.rank(), place);
  EXPECT_EQ(exchange.ranks(), static_cast<int>(members.size()));
  const int rounds = world.rank() % 2 == 0 ? 100 : 33;
  for (int round = 0; round < rounds; ++round) {
    share_and_check(exchange, round, std::vector<std::size_t>(members.size(), 11));
  }
  std::vector<float> values(5, 1.0F);
  exchange.wait(exchange.start_sum(std::span(values)));
  exchange.finish();
  EXPECT_EQ(values[4], static_cast<float>(members.size()));
}

// One step as the trainer does it: parts to every other rank, a share while they travel.
class Step {
 public:
  explicit Step(MpiExchange& exchange)
      : exchange_(exchange),
        ranks_(static_cast<std::size_t>(exchange.ranks())),
        out_(ranks_ * kBytes),
        in_(ranks_ * kBytes),
        counts_(ranks_, kShared),
        all_(ranks_ * kShared),
        tickets_(ranks_) {
    write_expected(exchange.rank(), 0, out_);
  }
  void run() {
    for (int peer = 0; peer < exchange_.ranks(); ++peer) {
      if (peer == exchange_.rank()) continue;
      const auto p = static_cast<std::size_t>(peer);
      tickets_[p] = exchange_.receive(peer, 2, std::span(in_).subspan(p * kBytes, kBytes));
      exchange_.send(peer, 2, std::span<const std::byte>(out_).subspan(p * kBytes, kBytes));
      exchange_.progress();
    }
    exchange_.share(std::span<const std::byte>(out_).first(kShared), counts_, all_);
    for (int peer = 0; peer < exchange_.ranks(); ++peer) {
      if (peer != exchange_.rank()) exchange_.wait(tickets_[static_cast<std::size_t>(peer)]);
    }
    exchange_.finish();
  }
  [[nodiscard]] std::uint64_t bytes() const { return (ranks_ - 1) * (kBytes + kShared); }

 private:
  static constexpr std::size_t kBytes = 30'000;
  static constexpr std::size_t kShared = 100;

  MpiExchange& exchange_;
  std::size_t ranks_;
  std::vector<std::byte> out_;
  std::vector<std::byte> in_;
  std::vector<std::size_t> counts_;
  std::vector<std::byte> all_;
  std::vector<Exchange::Ticket> tickets_;
};

TEST(MpiExchange, CountsEveryByteAndAllocatesNothing) {
  std::int64_t polls = 0;
  MpiExchange exchange(test_world(), everyone(), [&polls] { ++polls; });
  Step step(exchange);
  constexpr int kWarm = 50;
  constexpr int kSteps = 200;
  for (int i = 0; i < kWarm; ++i) step.run();
  EXPECT_EQ(exchange.bytes_sent(), kWarm * step.bytes());
  const AllocationCount before = allocation_count();
  for (int i = 0; i < kSteps; ++i) step.run();
  const AllocationCount after = allocation_count();
  EXPECT_EQ(exchange.bytes_sent(), (kWarm + kSteps) * step.bytes());
  EXPECT_EQ(after.by_new - before.by_new, 0U);
  RecordProperty("mallocs_of_mpi", static_cast<int>(after.by_malloc - before.by_malloc));
  if (exchange.rank() == 0) {
    std::printf("  malloc calls inside MPI in %d steps: %d\n", kSteps,
                static_cast<int>(after.by_malloc - before.by_malloc));
  }
}

}  // namespace
}  // namespace aesweep
