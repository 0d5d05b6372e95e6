// Message: what is encoded comes back, every field and every kind, with empty and odd texts.

#include "runner/sweep/message.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace aesweep {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

CheckpointWritten checkpoint(std::int64_t step) {
  CheckpointWritten one;
  one.number = 12;
  one.attempt = 4;
  one.step = step;
  one.epochs = 6;
  one.seconds = 0.3;
  one.numeric_fingerprint = "fedcba";
  one.reproducible = step % 2 == 0;
  one.file = {"checkpoints/000012.4.h5", 77, "abc"};
  return one;
}

void expect_same(const CheckpointWritten& got, const CheckpointWritten& sent) {
  EXPECT_EQ(got.number, sent.number);
  EXPECT_EQ(got.attempt, sent.attempt);
  EXPECT_EQ(got.step, sent.step);
  EXPECT_EQ(got.epochs, sent.epochs);
  EXPECT_EQ(got.seconds, sent.seconds);
  EXPECT_EQ(got.numeric_fingerprint, sent.numeric_fingerprint);
  EXPECT_EQ(got.reproducible, sent.reproducible);
  EXPECT_EQ(got.file, sent.file);
}

TEST(Message, ComesBackAsSent) {
  Message sent;
  sent.kind = Message::Kind::kFinished;
  sent.group = 37;
  sent.trial = std::numeric_limits<std::int64_t>::max();
  sent.attempt = 3;
  sent.number = 15;
  sent.epoch = 7;
  sent.step = 8;
  sent.samples = -1;
  sent.metrics = {{"test/fvu", 0.1}};
  sent.file = {"trials/000001.1.h5", std::numeric_limits<std::uint64_t>::max(), "012"};
  sent.checkpoint = checkpoint(1);
  sent.checkpoints = {checkpoint(2), checkpoint(3)};
  sent.stored = Status::world("trials/000001.1.h5: no space left");
  sent.text = "a line";
  const Message got = decode(encode(sent));
  EXPECT_EQ(got.kind, sent.kind);
  EXPECT_EQ(got.group, sent.group);
  EXPECT_EQ(got.trial, sent.trial);
  EXPECT_EQ(got.attempt, sent.attempt);
  EXPECT_EQ(got.number, sent.number);
  EXPECT_EQ(got.epoch, sent.epoch);
  EXPECT_EQ(got.step, sent.step);
  EXPECT_EQ(got.samples, sent.samples);
  EXPECT_EQ(got.metrics, sent.metrics);
  EXPECT_EQ(got.file, sent.file);
  expect_same(got.checkpoint, sent.checkpoint);
  ASSERT_EQ(got.checkpoints.size(), 2U);
  expect_same(got.checkpoints[0], sent.checkpoints[0]);
  expect_same(got.checkpoints[1], sent.checkpoints[1]);
  EXPECT_EQ(got.stored.fault(), Fault::kWorld);
  EXPECT_EQ(got.stored.message(), sent.stored.message());
  EXPECT_EQ(got.text, sent.text);
}

TEST(Message, ASummaryComesBackAsSent) {
  for (const bool reproducible : {false, true}) {
    Message sent;
    TrialSummary& summary = sent.summary;
    summary.outcome = Outcome::kPruned;
    summary.failed_rank = 5;
    summary.reason = std::string("step 3\0layer", 12);
    summary.epochs = 5;
    summary.steps = 6;
    summary.seconds = 0.1;
    summary.reproducible = reproducible;
    summary.ranks = 3;
    summary.host = "node7";
    summary.last = {{"test/mse", -0.0}, {"", kInfinity}};
    const TrialSummary got = decode(encode(sent)).summary;
    EXPECT_EQ(got.outcome, summary.outcome);
    EXPECT_EQ(got.reason, summary.reason);
    EXPECT_EQ(got.failed_rank, 5);
    EXPECT_EQ(got.epochs, summary.epochs);
    EXPECT_EQ(got.steps, summary.steps);
    EXPECT_EQ(got.seconds, summary.seconds);
    EXPECT_EQ(got.reproducible, reproducible);
    EXPECT_EQ(got.ranks, summary.ranks);
    EXPECT_EQ(got.host, summary.host);
    EXPECT_EQ(got.last, summary.last);
    EXPECT_TRUE(std::signbit(got.last[0].second));
  }
}

TEST(Message, KindsKnowTheirAddressee) {
  for (int kind = 0; kind <= static_cast<int>(Message::Kind::kOver); ++kind) {
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
