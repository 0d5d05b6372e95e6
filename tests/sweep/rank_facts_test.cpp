// RankFacts: the first difference is found and named with both ranks' hosts; texts come back.

#include "runner/sweep/rank_facts.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/base/sha256.hpp"

namespace aesweep {
namespace {

RankFacts facts(const std::string& host) {
  return {host, {{"the executable", "aaaa"}, {"plugin layers", "bbbb"}}};
}

TEST(RankFacts, EqualRanksPass) {
  EXPECT_TRUE(compare_ranks(std::vector<RankFacts>{facts("node1")}).ok());
  EXPECT_TRUE(compare_ranks(std::vector<RankFacts>{facts("node1"), facts("node2")}).ok());
}

TEST(RankFacts, ADifferenceNamesBothSides) {
  std::vector<RankFacts> ranks = {facts("node1"), facts("node1"), facts("node2")};
  ranks[2].hashes[1].second = "cccc";
  const Status status = compare_ranks(ranks);
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_EQ(status.message().find("plugin layers differs: bbbb on rank 0 (node1), "
                                  "cccc on rank 2 (node2)"),
            0U)
      << status.message();
}

TEST(RankFacts, AMissingOrAddedPluginIsADifference) {
  std::vector<RankFacts> ranks = {facts("node1"), facts("node2")};
  ranks[1].hashes.pop_back();
  EXPECT_NE(compare_ranks(ranks).message().find("none on rank 1 (node2)"), std::string::npos);
  std::swap(ranks[0], ranks[1]);
  EXPECT_NE(compare_ranks(ranks).message().find("none on rank 0 (node2)"), std::string::npos);
}

TEST(RankFacts, ImpurityIsNoDifferenceAndCountsOnAnyRank) {
  std::vector<RankFacts> ranks = {facts("node1"), facts("node2"), facts("node3")};
  ranks[1].impure = {{"layers", "seen on rank 1"}};
  ranks[2].impure = {{"layers", "seen on rank 2"}, {"moody", "y differs"}};
  EXPECT_TRUE(compare_ranks(ranks).ok());
  const std::map<std::string, std::string> expected = {{"layers", "seen on rank 1"},
                                                       {"moody", "y differs"}};
  EXPECT_EQ(impure_libraries(ranks), expected);
}

TEST(RankFacts, OfThisProcessComeBackFromText) {
  Result<RankFacts> mine = facts_of_this_rank("node7", "0123456789abcdef", Catalogue());
  ASSERT_TRUE(mine.ok());
  mine.value().impure = {{"moody", "activation moody: y differs"}};
  const RankFacts back = decode_facts(encode(mine.value()));
  EXPECT_EQ(back.host, "node7");
  EXPECT_EQ(back.hashes, mine->hashes);
  EXPECT_EQ(back.impure, mine->impure);
  EXPECT_EQ(back.hashes[0].second, sha256_file("/proc/self/exe").value());
}

}  // namespace
}  // namespace aesweep
