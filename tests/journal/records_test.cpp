// Records as JSON: every kind comes back with the same bits, and damaged or foreign text is refused
// with the name of the field. Equality is that of the encoded text, and for doubles of their bits.
#include "runner/journal/records.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "runner/journal/live_file.hpp"
#include "tests/journal/sample_records.hpp"

namespace aesweep {
namespace {

TEST(Records, EveryKindComesBack) {
  std::set<std::size_t> kinds;
  for (const Record& record : awkward_records()) {
    const std::string line = encode(record);
    EXPECT_EQ(line.find_first_of("\n\r"), std::string::npos);
    Result<Record> back = decode_record(line);
    ASSERT_TRUE(back.ok()) << line << ": " << back.status().message();
    EXPECT_EQ(back->index(), record.index());
    EXPECT_EQ(encode(*back), line);
    kinds.insert(record.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Record>);
}

// The text says no more than the fields: compared one by one where they are hard to carry.
TEST(Records, FieldsKeepTheirBits) {
  const std::vector<Record> records = awkward_records();
  for (const Record& record : records) {
    Result<Record> back = decode_record(encode(record));
    ASSERT_TRUE(back.ok());
    if (const auto* job = std::get_if<JobStarted>(&record)) {
      const auto& read = std::get<JobStarted>(*back);
      EXPECT_EQ(read.overrides, job->overrides);
      EXPECT_EQ(read.experiment, job->experiment);
      EXPECT_EQ(read.plugins, job->plugins);
      EXPECT_EQ(read.slurm_restarts, std::numeric_limits<std::int64_t>::max());
      EXPECT_EQ(read.runtime, job->runtime);
      EXPECT_FALSE(read.minimize);
    }
    if (const auto* finished = std::get_if<TrialFinished>(&record)) {
      const auto& read = std::get<TrialFinished>(*back);
      EXPECT_EQ(read.outcome, finished->outcome);
      EXPECT_EQ(read.reason, finished->reason);
      EXPECT_EQ(read.seconds, finished->seconds);
      ASSERT_EQ(read.last.size(), finished->last.size());
      for (std::size_t i = 0; i < read.last.size(); ++i) {
        EXPECT_EQ(read.last[i].first, finished->last[i].first);
        EXPECT_EQ(std::bit_cast<std::uint64_t>(read.last[i].second),
                  std::bit_cast<std::uint64_t>(finished->last[i].second))
            << read.last[i].first;
      }
    }
  }
}

TEST(Records, AnyDoubleKeepsItsBits) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random();
    Result<Record> back = decode_record(encode(JobEnded{"", 0, std::bit_cast<double>(bits), ""}));
    ASSERT_TRUE(back.ok());
    ASSERT_EQ(std::bit_cast<std::uint64_t>(std::get<JobEnded>(*back).seconds), bits);
  }
}

TEST(Records, UnknownFieldsAreIgnored) {
  Result<Record> back =
      decode_record(R"({"kind":"trial_rerun","later":{"a":[1]},"number":5,"attempt":2})");
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(std::get<TrialRerun>(*back).number, 5);
  EXPECT_FALSE(std::get<TrialRerun>(*back).damaged);
  const Result<Record> lost = decode_record(encode(TrialRerun{5, 2, true}));
  ASSERT_TRUE(lost.ok()) << lost.status().message();
  EXPECT_TRUE(std::get<TrialRerun>(lost.value()).damaged);
}

TEST(Records, MisshapenOnesAreRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"{} {}", "not a JSON object"},
      {R"({"number":1})", "kind"},
      {R"({"kind":7})", "kind"},
      {R"({"kind":"trial_eaten"})", "trial_eaten"},
      {R"({"kind":"trial_rerun","number":1})", "attempt is missing"},
      {R"({"kind":"trial_rerun","number":1.0,"attempt":2})", "number is not a whole"},
      {R"({"kind":"trial_rerun","number":"1","attempt":2})", "number is not a whole"},
      {R"({"kind":"trial_rerun","number":9223372036854775808,"attempt":2})", "number is not a"},
      {R"({"kind":"trial_rerun","number":1,"attempt":2147483648})", "attempt is not a whole"},
      {R"({"kind":"trials_planned","first":0,"keys":[1]})", "keys[0] is not a text"},
      {R"({"kind":"trials_asked","ranges":[[1,2,3]]})", "ranges[0] is not a pair"},
      {R"({"kind":"results_written","file":{"name":"a","bytes":-1,"sha256":""}})", "file.bytes"},
      {R"({"kind":"results_written","file":{"name":"a","bytes":1}})", "file.sha256 is missing"},
      {R"({"kind":"results_written","file":[]})", "file is not an object"},
      {R"({"kind":"job_ended","utc":"","status":0,"seconds":"bits:12","why":""})", "seconds"},
      {R"({"kind":"job_ended","utc":"","status":0,"seconds":"bits:000000000000000g","why":""})",
       "seconds"},
      {R"({"kind":"job_ended","utc":"","status":0,"seconds":null,"why":""})", "seconds"},
  };
  for (const auto& [line, expected] : cases) {
    Result<Record> record = decode_record(line);
    ASSERT_FALSE(record.ok()) << line;
    EXPECT_EQ(record.status().fault(), Fault::kWorld);
    EXPECT_NE(record.status().message().find(expected), std::string::npos)
        << line << ": " << record.status().message();
  }
  std::string odd = encode(sample_finished(1));
  odd.replace(odd.find("completed"), 9, "exhausted");
  Result<Record> record = decode_record(odd);
  ASSERT_FALSE(record.ok());
  EXPECT_NE(record.status().message().find("outcome"), std::string::npos);
}

// Bytes that are not UTF-8, as a plugin may put them into a reason, must not stop the journal.
TEST(Records, BytesThatAreNoTextBecomeReplacements) {
  TrialFinished finished = sample_finished(1);
  finished.reason = "a\xff\xc3(\xed\xa0\x80z";
  Result<Record> back = decode_record(encode(finished));
  ASSERT_TRUE(back.ok()) << back.status().message();
  const std::string& reason = std::get<TrialFinished>(*back).reason;
  EXPECT_TRUE(reason.starts_with("a\xef\xbf\xbd")) << reason;
  EXPECT_TRUE(reason.ends_with("z"));
}

// Whatever is decoded is encoded again to what decodes to the same; nothing crashes or throws.
TEST(Records, MutatedLinesNeverCrash) {
  std::mt19937_64 random(11);
  const std::vector<Record> records = awkward_records();
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string line = encode(records[random() % records.size()]);
    for (std::uint64_t edits = 1 + random() % 3; edits > 0 && !line.empty(); --edits) {
      const std::size_t at = random() % line.size();
      switch (random() % 4) {
        case 0:
          line[at] = static_cast<char>(random());
          break;
        case 1:
          line.erase(at, random() % 9);
          break;
        case 2:
          line.insert(at, 1, "{}[]\",:0-e\\"[random() % 11]);
          break;
        default:
          line.insert(at, line.substr(random() % line.size(), 12));
      }
    }
    Result<Record> record = decode_record(line);
    if (!record.ok()) continue;
    ++accepted;
    const std::string once = encode(*record);
    Result<Record> again = decode_record(once);
    ASSERT_TRUE(again.ok()) << once;
    ASSERT_EQ(encode(*again), once);
  }
  EXPECT_GT(accepted, 100);
  std::string noise(300, '\0');
  for (int i = 0; i < 5'000; ++i) {
    for (char& byte : noise) byte = static_cast<char>(random());
    EXPECT_FALSE(decode_record(noise).ok());
  }
  EXPECT_FALSE(decode_record(std::string(200'000, '[')).ok());
  std::string deep = "{\"kind\":";
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  EXPECT_FALSE(decode_record(deep).ok());
}

TEST(LiveFile, ComesBackAndDamageIsRefused) {
  LiveState live;
  live.utc = "2026-01-02T03:04:05Z";
  live.seconds = 12.5;
  live.epochs_total = 40;
  live.trials = {{3, 2, "lr=1", 2, "node1", 1, 4, 37, 0.5, {{"train/loss", 0.1}}}, {}};
  live.trials[1].last = {{"x", std::numeric_limits<double>::quiet_NaN()}};
  const std::string bytes = encode(live);
  Result<LiveState> back = decode_live(bytes);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(encode(*back), bytes);
  EXPECT_EQ(back->trials[0].label, "lr=1");
  EXPECT_EQ(back->seconds_left, -1.0);
  for (std::size_t cut = 0; cut + 1 < bytes.size(); ++cut) {
    EXPECT_FALSE(decode_live(bytes.substr(0, cut)).ok()) << cut;
  }
}

}  // namespace
}  // namespace aesweep
