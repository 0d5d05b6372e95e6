#include "runner/sweep/rank_facts.hpp"

#include <algorithm>
#include <sstream>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

// Enough to tell two hashes apart in a message.
constexpr std::size_t kShownDigits = 16;

// The hash of `name` in `facts`, or "none".
std::string hash_of(const RankFacts& facts, const std::string& name) {
  const auto found = std::find_if(facts.hashes.begin(), facts.hashes.end(),
                                  [&name](const auto& hash) { return hash.first == name; });
  return found == facts.hashes.end() ? "none" : found->second;
}

Status differ(const RankFacts& first, std::size_t rank, const RankFacts& other,
              const std::string& name) {
  return Status::world(text(
      name, " differs: ", hash_of(first, name).substr(0, kShownDigits), " on rank 0 (", first.host,
      "), ", hash_of(other, name).substr(0, kShownDigits), " on rank ", rank, " (", other.host,
      "); results would depend on the rank; install the same build on all nodes, or accept it "
      "with ",
      "--accept-mixed-nodes"));
}

}  // namespace

Result<RankFacts> facts_of_this_rank(const std::string& host,
                                     const std::string& numeric_fingerprint,
                                     const Catalogue& catalogue) {
  RankFacts facts;
  facts.host = host;
  Result<std::string> executable = sha256_file("/proc/self/exe");
  if (!executable.ok()) return Status::world(executable.status().message());
  facts.hashes.emplace_back("the executable", std::move(executable).value());
  facts.hashes.emplace_back("the numeric fingerprint", numeric_fingerprint);
  for (const auto& library : catalogue.libraries()) {
    const char* what = library->builtin ? "built-in plugin " : "plugin ";
    facts.hashes.emplace_back(what + library->id, library->sha256);
    if (!library->impure.empty()) facts.impure.emplace_back(library->id, library->impure);
  }
  return facts;
}

std::string encode(const RankFacts& facts) {
  std::string bytes = facts.host + "\n";
  for (const auto& [name, hash] : facts.hashes) bytes += text(name, '\t', hash, '\n');
  for (const auto& [library, what] : facts.impure) bytes += text('\t', library, '\t', what, '\n');
  return bytes;
}

RankFacts decode_facts(std::string_view bytes) {
  RankFacts facts;
  std::istringstream lines{std::string(bytes)};
  std::getline(lines, facts.host);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t', 1);
    if (line.starts_with('\t')) {
      facts.impure.emplace_back(line.substr(1, tab - 1), line.substr(tab + 1));
    } else {
      facts.hashes.emplace_back(line.substr(0, tab), line.substr(tab + 1));
    }
  }
  return facts;
}

Status compare_ranks(std::span<const RankFacts> ranks) {
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    for (const auto& [name, hash] : ranks[0].hashes) {
      if (hash_of(ranks[rank], name) != hash) return differ(ranks[0], rank, ranks[rank], name);
    }
    for (const auto& [name, hash] : ranks[rank].hashes) {  // What rank 0 lacks.
      if (hash_of(ranks[0], name) != hash) return differ(ranks[0], rank, ranks[rank], name);
    }
  }
  return {};
}

std::map<std::string, std::string> impure_libraries(std::span<const RankFacts> ranks) {
  std::map<std::string, std::string> all;
  for (const RankFacts& rank : ranks) all.insert(rank.impure.begin(), rank.impure.end());
  return all;
}

}  // namespace aesweep
