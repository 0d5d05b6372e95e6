// Mailbox: messages arrive whole, in order per sender, also to oneself, without either side
// waiting.

#include "runner/comm/mailbox.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "runner/comm/patience.hpp"
#include "tests/comm/mpi_main.hpp"

namespace aesweep {
namespace {

// Sizes from nothing to beyond what MPI sends eagerly.
std::string letter(int from, int number) {
  const std::size_t size = number % 5 == 0 ? 0 : number % 7 == 0 ? 100'000 : 37;
  return text(from, ' ', number, ' ') + std::string(size, static_cast<char>('a' + number % 26));
}

TEST(Mailbox, OrderPerSenderIsKept) {
  constexpr int kLetters = 200;
  World& world = test_world();
  Mailbox mailbox(world);
  for (int number = 0; number < kLetters; ++number) {
    for (int to = 0; to < world.ranks(); ++to) mailbox.post(to, letter(world.rank(), number));
  }
  std::map<int, int> next;
  Patience patience(Patience::Kind::kSaving);
  for (int taken = 0; taken < kLetters * world.ranks();) {
    const std::optional<Mail> mail = mailbox.try_take();
    if (!mail) {
      patience.pause();
      continue;
    }
    patience.reset();
    ASSERT_EQ(mail->bytes, letter(mail->from, next[mail->from]++));
    ++taken;
  }
  EXPECT_FALSE(mailbox.try_take().has_value());
}

TEST(Mailbox, NobodyNeedsToTakeWhatWasPosted) {
  World& world = test_world();
  {
    Mailbox mailbox(world);
    for (int to = 0; to < world.ranks(); ++to) mailbox.post(to, letter(world.rank(), 7));
  }
  // The next mailbox does not see them.
  Mailbox mailbox(world);
  for (int look = 0; look < 1000; ++look) EXPECT_FALSE(mailbox.try_take().has_value());
}

}  // namespace
}  // namespace aesweep
