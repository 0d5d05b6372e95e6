// RankFacts: what must be the same on all ranks for the same bits to come out, and what each rank
// found out about plugins.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.hpp"
#include "core/model/catalogue.hpp"

namespace aesweep {

struct RankFacts {
  std::string host;
  // What it is ("the executable"), and its hash.
  std::vector<std::pair<std::string, std::string>> hashes;
  // Libraries that are not pure: id, and what differed. Seen by chance, so ranks may disagree.
  std::vector<std::pair<std::string, std::string>> impure{};
};

// Of this process: its executable, its numeric fingerprint, every plugin library.
[[nodiscard]] Result<RankFacts> facts_of_this_rank(const std::string& host,
                                                   const std::string& numeric_fingerprint,
                                                   const Catalogue& catalogue);

// As text and back; no member holds tabs or newlines.
[[nodiscard]] std::string encode(const RankFacts& facts);
[[nodiscard]] RankFacts decode_facts(std::string_view bytes);

// Names the first rank, and the first fact, in which the ranks differ from rank 0.
[[nodiscard]] Status compare_ranks(std::span<const RankFacts> ranks);

// Every library that any rank found impure, by id, with what the lowest of them saw.
[[nodiscard]] std::map<std::string, std::string> impure_libraries(std::span<const RankFacts> ranks);

}  // namespace aesweep
