// Proves that a step sends what the design says and no more: gradients and parameters together
// twice N (P - 1) / P elements per rank where every rank's shards form a subtree, more parts
// otherwise, and a small agreement. Counted by the exchange, for P = 2, 3, 4.
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "core/train/trainer.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/thread_group.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 130;
constexpr std::int64_t kUnits = 100;

TrialSpec plain_spec(std::int64_t batch_rows, std::int64_t shard_rows) {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", kUnits, "tanh"), dense("output", 0, "sigmoid")};
  spec.optimizer = {"adam", {}};
  spec.train.batch_rows = batch_rows;
  spec.train.shard_rows = shard_rows;
  return spec;
}

// Bytes that each rank sends in one warm step.
std::vector<std::uint64_t> bytes_per_step(const TrialSpec& spec, int ranks) {
  const SmallData data(64, 8, kCols);
  std::vector<std::uint64_t> sent(static_cast<std::size_t>(ranks));
  run_thread_group(ranks, 3, [&](Exchange& exchange) {
    auto setup = set_up_trial<float>(spec, builtins(), {64, 8, kCols}, exchange.rank(), ranks);
    ASSERT_TRUE(setup.ok()) << setup.status().message();
    Trainer<float> trainer(spec, data.dataset(), exchange, std::move(setup).value());
    std::vector<std::int64_t> order(64);
    std::iota(order.begin(), order.end(), 0);
    SplitSums sums;
    trainer.begin_sums(sums);
    for (std::int64_t step = 0; step < 2; ++step) {
      const std::uint64_t before = exchange.bytes_sent();
      const auto outcome =
          trainer.train_batch(*trainer.setup().train().full, order, 0, step, 0, sums);
      EXPECT_EQ(outcome.outcome, Outcome::kCompleted);
      sent[static_cast<std::size_t>(exchange.rank())] = exchange.bytes_sent() - before;
    }
    trainer.settle();
  });
  return sent;
}

struct Tensors {
  std::array<std::uint64_t, 4> elements = {kCols * kUnits, kUnits, kUnits* kCols, kCols};
  [[nodiscard]] std::uint64_t total() const {
    return std::accumulate(elements.begin(), elements.end(), std::uint64_t{0});
  }
  [[nodiscard]] std::uint64_t blocks() const {
    std::uint64_t count = 0;
    for (const std::uint64_t n : elements) count += (n + 4095) / 4096;
    return count;
  }
};

// What all ranks together share at a step's end: per rank a status word and a wish, per part the
// three batch sums (loss, squared error, code sum), per block a norm; each to P - 1 others.
std::uint64_t agreement_bytes(int ranks, std::uint64_t parts) {
  const auto p = static_cast<std::uint64_t>(ranks);
  return 8 * (2 * p + 3 * parts + Tensors().blocks()) * (p - 1);
}

// What one rank sends: each part of the gradient elements that others own, its own parameters to
// all others, and its share of the agreement.
std::uint64_t bytes_of_rank(const TrialSpec& spec, int rank, int ranks, std::uint64_t parts) {
  auto setup = set_up_trial<float>(spec, builtins(), {64, 8, kCols}, rank, ranks);
  EXPECT_TRUE(setup.ok());
  std::uint64_t owned = 0;
  std::uint64_t blocks = 0;
  for (int t = 0; t < 4; ++t) {
    const std::uint64_t count = setup->partition.owned(t, rank).count;
    owned += count;
    blocks += (count + 4095) / 4096;
  }
  const auto others = static_cast<std::uint64_t>(ranks - 1);
  return (parts * (Tensors().total() - owned) + others * owned) * sizeof(float) +
         8 * (2 + 3 * parts + blocks) * others;
}

TEST(Traffic, SubtreeRangesHaveTheVolumeOfARing) {
  for (int ranks : {2, 4}) {
    const TrialSpec spec = plain_spec(32, 8);
    const auto sent = bytes_per_step(spec, ranks);
    const auto p = static_cast<std::uint64_t>(ranks);
    // Over all ranks: every gradient element reaches its owner from P - 1 ranks, and every
    // parameter goes from its owner to P - 1 ranks: 2 N (P - 1), which is 2 N (P - 1) / P per rank.
    const std::uint64_t expected = 2 * Tensors().total() * sizeof(float) * (p - 1);
    const std::uint64_t total = std::accumulate(sent.begin(), sent.end(), std::uint64_t{0});
    EXPECT_EQ(total, expected + agreement_bytes(ranks, p)) << ranks << " ranks";
    for (int r = 0; r < ranks; ++r) {
      EXPECT_EQ(sent[static_cast<std::size_t>(r)], bytes_of_rank(spec, r, ranks, 1)) << r;
    }
  }
}

TEST(Traffic, OtherRangesSendTheirSubtreesApart) {
  // Six shards: of the tree ((0 1)(2 3))(4 5), two ranks own {0 1}{2} and {3}{4 5}; three own {0
  // 1}, {2 3} and {4 5}.
  const std::uint64_t n = Tensors().total() * sizeof(float);
  const auto two = bytes_per_step(plain_spec(48, 8), 2);
  EXPECT_EQ(two[0] + two[1], 2 * n + n + agreement_bytes(2, 4));
  for (int r = 0; r < 2; ++r) {
    EXPECT_EQ(two[static_cast<std::size_t>(r)], bytes_of_rank(plain_spec(48, 8), r, 2, 2));
  }
  const auto three = bytes_per_step(plain_spec(48, 8), 3);
  EXPECT_EQ(three[0] + three[1] + three[2], 2 * n + 2 * n + agreement_bytes(3, 3));
}

TEST(Traffic, ARankWithoutShardsSendsOnlyParameters) {
  // Two shards on three ranks: rank 0 has none, the others one each.
  const TrialSpec spec = plain_spec(16, 8);
  auto setup = set_up_trial<float>(spec, builtins(), {64, 8, kCols}, 0, 3);
  ASSERT_TRUE(setup.ok());
  std::array<std::uint64_t, 3> owned{};
  for (int r = 0; r < 3; ++r) {
    for (int t = 0; t < 4; ++t) {
      owned[static_cast<std::size_t>(r)] += setup->partition.owned(t, r).count * sizeof(float);
    }
  }
  const std::uint64_t n = Tensors().total() * sizeof(float);
  ASSERT_EQ(owned[0] + owned[1] + owned[2], n);
  const auto sent = bytes_per_step(spec, 3);
  // Its agreement: a status word, a wish and the norms of its blocks, to two others.
  EXPECT_GE(sent[0], 2 * owned[0] + 2 * 8 * 2);
  EXPECT_LE(sent[0], 2 * owned[0] + 2 * 8 * (2 + Tensors().blocks()));
  const std::uint64_t gradients = (n - owned[1]) + (n - owned[2]);
  EXPECT_EQ(sent[0] + sent[1] + sent[2], gradients + 2 * n + agreement_bytes(3, 2));
}

}  // namespace
}  // namespace aesweep::test
