// World and NodeMemory: every rank gets the same bytes and the same verdict, whichever rank failed.

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "runner/comm/node_memory.hpp"
#include "tests/comm/mpi_main.hpp"

namespace aesweep {
namespace {

TEST(World, BroadcastGivesRankZerosBytes) {
  World& world = test_world();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{37}, std::size_t{3'000'001}}) {
    std::string expected(size, '\0');
    for (std::size_t i = 0; i < size; ++i) expected[i] = static_cast<char>(i * 31 % 251);
    const std::string given = world.rank() == 0 ? expected : "not mine";
    EXPECT_EQ(world.broadcast(given), expected) << size << " bytes";
  }
}

TEST(World, AgreeReportsTheLowestRankThatFailed) {
  World& world = test_world();
  EXPECT_TRUE(world.agree({}).ok());
  for (int lowest = 0; lowest < world.ranks(); ++lowest) {
    const bool fails = world.rank() >= lowest;  // The others after it say something else.
    const Status mine = fails ? Status::of(world.rank() == lowest ? Fault::kInput : Fault::kWorld,
                                           text("fault of rank ", world.rank()))
                              : Status();
    const Status agreed = world.agree(mine);
    EXPECT_EQ(agreed.fault(), Fault::kInput);
    EXPECT_EQ(agreed.message(), text("fault of rank ", lowest));
  }
}

// Rank r's text: r characters, so that rank 0's is empty and the parts are uneven.
std::string part_of(int rank) {
  return std::string(static_cast<std::size_t>(rank), static_cast<char>('a' + rank));
}

TEST(World, GathersKeepRankOrder) {
  World& world = test_world();
  std::vector<std::string> expected;
  for (int rank = 0; rank < world.ranks(); ++rank) expected.push_back(part_of(rank));
  EXPECT_EQ(world.all_gather(part_of(world.rank())), expected);
  const std::vector<std::string> gathered = world.gather(part_of(world.rank()));
  if (world.rank() == 0) {
    EXPECT_EQ(gathered, expected);
  } else {
    EXPECT_TRUE(gathered.empty());
  }
  world.barrier();
}

TEST(World, KnowsItsLibrary) {
  const std::string version = World::library_version();
  EXPECT_TRUE(version.find("MPI") != std::string::npos) << version;
  EXPECT_EQ(version.find('\n'), std::string::npos);
  EXPECT_FALSE(test_world().host().empty());
}

TEST(NodeMemory, EveryRankReadsWhatTheLeaderWrote) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1'000'003}}) {
    NodeMemory memory(test_world());
    EXPECT_EQ(memory.broadcast(memory.leader() ? "from the leader" : ""), "from the leader");
    const Status status = memory.fill(size, [&](std::span<std::byte> block) {
      EXPECT_TRUE(memory.leader());
      EXPECT_EQ(block.size(), size);
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_EQ(block[i], std::byte{0});
        block[i] = static_cast<std::byte>(i * 7 % 253);
      }
      return Status();
    });
    ASSERT_TRUE(status.ok()) << status.message();
    const std::span<const std::byte> bytes = memory.bytes();
    ASSERT_EQ(bytes.size(), size);
    if (size != 0) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 64, 0U);
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < size; ++i) {
      wrong += bytes[i] != static_cast<std::byte>(i * 7 % 253) ? 1 : 0;
    }
    EXPECT_EQ(wrong, 0U);
  }
}

TEST(NodeMemory, AFailedFillIsAgreedAndLeavesNoBlock) {
  NodeMemory memory(test_world());
  const Status status = memory.fill(
      100, [](std::span<std::byte>) { return Status::input("train-images: not found"); });
  EXPECT_EQ(status.fault(), Fault::kInput);
  EXPECT_EQ(status.message(), "train-images: not found");
  EXPECT_TRUE(memory.bytes().empty());
}

TEST(NodeMemory, MoreThanTheNodeHasIsAFaultOfTheWorld) {
#ifdef __SANITIZE_ADDRESS__
  if (test_world().ranks() == 1) GTEST_SKIP() << "AddressSanitizer ends where new would throw";
#endif
  NodeMemory memory(test_world());
  const Status status = memory.fill(std::size_t{1} << 50, [](std::span<std::byte>) {
    ADD_FAILURE() << "there is no such memory to fill";
    return Status();
  });
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_NE(status.message().find("data.limit"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace aesweep
