// Message: what is encoded comes back, every kind, with empty and odd texts.

#include "runner/sweep/message.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace aesweep {
namespace {

TEST(Message, ComesBackAsSent) {
  Message sent;
  sent.kind = Message::Kind::kFinished;
  sent.group = 37;
  sent.trial = std::numeric_limits<std::int64_t>::max();
  sent.epoch = 7;
  sent.samples = -1;
  sent.summary.outcome = Outcome::kDiverged;
  sent.summary.failed_rank = 5;
  sent.summary.reason = std::string("step 3\0layer", 12);
  sent.summary.epochs = 5;
  sent.summary.seconds = 0.1;
  sent.summary.ranks = 3;
  sent.summary.host = "node7";
  sent.summary.last = {{"test/mse", -0.0}, {"", std::numeric_limits<double>::infinity()}};
  sent.stored = Status::world("trials/000001.1.h5: no space left");
  const Message got = decode(encode(sent));
  EXPECT_EQ(got.kind, sent.kind);
  EXPECT_EQ(got.group, sent.group);
  EXPECT_EQ(got.trial, sent.trial);
  EXPECT_EQ(got.epoch, sent.epoch);
  EXPECT_EQ(got.samples, sent.samples);
  EXPECT_EQ(got.summary.outcome, sent.summary.outcome);
  EXPECT_EQ(got.summary.reason, sent.summary.reason);
  EXPECT_EQ(got.summary.failed_rank, 5);
  EXPECT_EQ(got.summary.epochs, sent.summary.epochs);
  EXPECT_EQ(got.summary.seconds, sent.summary.seconds);
  EXPECT_EQ(got.summary.ranks, sent.summary.ranks);
  EXPECT_EQ(got.summary.host, sent.summary.host);
  EXPECT_EQ(got.summary.last, sent.summary.last);
  EXPECT_TRUE(std::signbit(got.summary.last[0].second));
  EXPECT_EQ(got.stored.fault(), Fault::kWorld);
  EXPECT_EQ(got.stored.message(), sent.stored.message());
}

TEST(Message, KindsKnowTheirAddressee) {
  for (int kind = 0; kind <= static_cast<int>(Message::Kind::kEnd); ++kind) {
    Message sent;
    sent.kind = static_cast<Message::Kind>(kind);
    sent.trial = kind;
    const Message got = decode(encode(sent));
    EXPECT_EQ(got.kind, sent.kind);
    EXPECT_EQ(got.trial, kind);
    EXPECT_TRUE(got.stored.ok());
    EXPECT_EQ(for_manager(got.kind), kind < static_cast<int>(Message::Kind::kOrder));
  }
}

TEST(MessageDeathTest, TornBytesAreABug) {
  const std::string whole = encode(Message{});
  EXPECT_DEATH(static_cast<void>(decode(whole.substr(0, whole.size() - 1))), "too short");
  EXPECT_DEATH(static_cast<void>(decode(whole + "x")), "too long");
}

}  // namespace
}  // namespace aesweep
