// What a rank waits for is on record while it waits, and after. A rank that is waited for holds its
// message back until the other one has looked at its own record, which its poll does.
#include "runner/comm/last_communication.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "runner/comm/mailbox.hpp"
#include "runner/comm/mpi_exchange.hpp"
#include "tests/comm/mpi_main.hpp"

namespace aesweep {
namespace {

std::string record() {
  Line line;
  add_last_communication(line);
  return line.c_str();
}

void expect_starts(const std::string& whole, const std::string& start) {
  EXPECT_TRUE(whole.starts_with(start)) << whole << "\ndoes not start with " << start;
}

TEST(LastCommunication, IsTheWaitUntilItEndsAndThenTheOneThatEnded) {
  {
    const BlockedWait wait("messages", 3, 4096);
    expect_starts(record(), "; last communication: waits for messages, rank 3, 4096 bytes, for ");
  }
  expect_starts(record(), "; last communication: waited for messages, rank 3, 4096 bytes, until ");
  {
    const BlockedWait wait("a call of all ranks");
    expect_starts(record(), "; last communication: waits for a call of all ranks, for ");
  }
}

// Rank 0 waits within `work(exchange)`; the others do their part when it has looked.
class Waiting : public testing::Test {
 protected:
  template <class Work>
  std::string record_of_rank_0(Work&& work) {
    Mailbox mailbox(test_world());
    std::string found;
    std::vector<int> ranks(static_cast<std::size_t>(test_world().ranks()));
    std::iota(ranks.begin(), ranks.end(), 0);
    const bool looks = test_world().rank() == 0;
    MpiExchange exchange(test_world(), ranks, [&] {
      if (!looks || !found.empty()) return;
      found = record();
      for (int other = 1; other < test_world().ranks(); ++other) mailbox.post(other, "go");
    });
    while (!looks && !mailbox.try_take()) {
    }
    work(exchange);
    exchange.finish();
    return found;
  }
  const int ranks_ = test_world().ranks();
  const bool alone_ = ranks_ == 1;
};

TEST_F(Waiting, ForAShareNamesTheFirstRankThatIsLate) {
  if (alone_) return;
  const auto size = static_cast<std::size_t>(ranks_);
  const std::string found = record_of_rank_0([size](MpiExchange& exchange) {
    const std::vector<std::size_t> counts(size, 37);
    const std::vector<std::byte> mine(37);
    std::vector<std::byte> all(37 * size);
    exchange.share(mine, counts, all);
  });
  if (test_world().rank() != 0) return;
  expect_starts(found, "; last communication: waits for share, rank 1, 37 bytes, for ");
}

TEST_F(Waiting, ForAMessageNamesItsSender) {
  if (alone_) return;
  const int last = ranks_ - 1;
  std::vector<std::byte> bytes(77);
  const std::string found = record_of_rank_0([&](MpiExchange& exchange) {
    if (exchange.rank() == last) exchange.send(0, 5, bytes);
    if (exchange.rank() != 0) return;
    const Exchange::Ticket ticket = exchange.receive(last, 5, bytes);
    exchange.wait(ticket);
  });
  if (test_world().rank() != 0) return;
  expect_starts(found, text("; last communication: waits for a message within the step, rank ",
                            last, ", 77 bytes, for "));
}

}  // namespace
}  // namespace aesweep
