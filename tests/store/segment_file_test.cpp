// Proves that a segment holds its members' bytes, in the layout that its header states (read here
// by hand), that it is refused whole where it is damaged, and that results.h5 made from segments
// equals the one made from single files.
#include "runner/store/segment_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "tests/store/limited_child.hpp"
#include "tests/store/raw_hdf5.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/h5_compare.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class SegmentFile : public ::testing::Test {
 protected:
  // Trials 1 .. count; the second as attempt 2, every third one without weights.
  void add(std::int64_t count) {
    for (std::int64_t number = 1; number <= count; ++number) {
      const TrialResult result = sample_result(number, number % 4);
      TrialRecord record = sample_record(number, result);
      record.attempt = number == 2 ? 2 : 1;
      files_.push_back(store_trial(folder_.path(), record));
      files_.back().weights = number % 3 != 0;
      const TrialSource& file = files_.back();
      sources_.push_back({file.path, number, file.attempt, file.expected, file.weights});
    }
  }
  // The segment written, and its members as sources.
  SegmentFacts write(const std::string& name = "segment") {
    Result<SegmentFacts> facts = write_segment(folder_.path(name), sources_);
    EXPECT_TRUE(facts.ok()) << facts.status().message();
    if (!facts.ok()) return {};
    members_.clear();
    for (const SegmentMember& member : facts->members) {
      TrialSource source;
      source.path = folder_.path(name);
      source.number = member.number;
      source.attempt = member.attempt;
      source.in_segment = true;
      source.expected = member.facts;
      members_.push_back(std::move(source));
    }
    return *facts;
  }
  std::string refusal(const std::string& bytes) {
    const Result<std::vector<SegmentMember>> members =
        read_segment(folder_.write("spoilt", std::string_view(bytes)));
    return members.ok() ? "accepted" : members.status().message();
  }

  TemporaryFolder folder_;
  std::vector<TrialSource> files_;
  std::vector<SegmentSource> sources_;
  std::vector<TrialSource> members_;
};

TEST_F(SegmentFile, LayoutIsAsStated) {
  add(7);
  const SegmentFacts facts = write();
  const std::string all = bytes_of(folder_.path("segment"));
  EXPECT_EQ(facts.file.bytes, all.size());
  EXPECT_EQ(facts.file.sha256, sha256_hex(all));
  EXPECT_EQ(all.substr(0, 18), "aesweep-segment 1\n");
  std::istringstream last(all.substr(all.size() - 64));
  std::string word, hash;
  std::size_t table_offset = 0;
  last >> word >> table_offset >> hash;
  EXPECT_EQ(word, "table");
  const std::string table = all.substr(table_offset, all.size() - 64 - table_offset);
  EXPECT_EQ(hash, sha256_hex(table).substr(0, 16));
  std::istringstream lines(table);
  std::size_t end = 18;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    std::int64_t number = 0;
    int attempt = 0;
    std::size_t offset = 0, bytes = 0;
    ASSERT_TRUE(lines >> number >> attempt >> offset >> bytes >> hash);
    EXPECT_EQ(number, files_[i].number);
    EXPECT_EQ(attempt, files_[i].attempt);
    EXPECT_EQ(offset, end);
    end += bytes;
    const std::string member = all.substr(offset, bytes);
    EXPECT_EQ(hash, sha256_hex(member));
    if (files_[i].weights) {
      EXPECT_EQ(member, bytes_of(files_[i].path));
    } else {
      const RawFile raw(std::as_bytes(std::span(member)));
      EXPECT_EQ(raw.members("/trial"), (std::vector<std::string>{"config", "samples"}));
    }
  }
  EXPECT_EQ(end, table_offset);
}

TEST_F(SegmentFile, ReadsBack) {
  add(5);
  const SegmentFacts facts = write();
  Result<std::vector<SegmentMember>> members = read_segment(folder_.path("segment"));
  ASSERT_TRUE(members.ok()) << members.status().message();
  ASSERT_EQ(members->size(), 5u);
  for (std::size_t i = 0; i < members->size(); ++i) {
    const SegmentMember& member = (*members)[i];
    EXPECT_EQ(member.number, facts.members[i].number);
    EXPECT_EQ(member.attempt, facts.members[i].attempt);
    EXPECT_EQ(member.offset, facts.members[i].offset);
    EXPECT_EQ(member.facts, facts.members[i].facts);
    Result<std::vector<std::byte>> bytes = read_member(folder_.path("segment"), member);
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    EXPECT_EQ(facts_of(*bytes), member.facts);
  }
  EXPECT_EQ(write("again").file, facts.file);
}

TEST_F(SegmentFile, Empty) {
  EXPECT_TRUE(write().members.empty());
  Result<std::vector<SegmentMember>> members = read_segment(folder_.path("segment"));
  ASSERT_TRUE(members.ok()) << members.status().message();
  EXPECT_TRUE(members->empty());
}

// Folding changes nothing: not even the bytes of results.h5.
TEST_F(SegmentFile, ResultsAreThoseOfTheFiles) {
  add(10);
  write();
  const std::string from_files = folder_.path("files.h5"), folded = folder_.path("folded.h5");
  ASSERT_TRUE(write_results(from_files, sample_run(), files_).ok());
  std::reverse(members_.begin(), members_.end());
  members_.back() = files_[0];  // Some of each.
  const Status status = write_results(folded, sample_run(), members_).status();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(compare_h5(from_files, folded, {}).difference, "");
  EXPECT_TRUE(bytes_of(from_files) == bytes_of(folded));
}

TEST_F(SegmentFile, RefusesWrongSources) {
  add(4);
  const auto message = [&] {
    return write_segment(folder_.path("s"), sources_).status().message();
  };
  sources_.push_back(sources_[1]);
  EXPECT_NE(message().find("attempt 2 of trial 2 is given twice"), std::string::npos) << message();
  sources_.pop_back();
  std::swap(sources_[0].path, sources_[3].path);
  EXPECT_NE(message().find(sources_[0].path + " is damaged or another file: expected"),
            std::string::npos)
      << message();
  std::swap(sources_[0].path, sources_[3].path);
  sources_[2].path = folder_.path("missing");  // The one without weights.
  EXPECT_NE(message().find("trial 3 attempt 1: cannot read"), std::string::npos) << message();
  EXPECT_FALSE(std::filesystem::exists(folder_.path("s")));
}

TEST_F(SegmentFile, RefusesEveryTruncationAndTail) {
  add(3);
  write();
  const std::string all = bytes_of(folder_.path("segment"));
  for (std::size_t size = 0; size < all.size(); size += size + 300 < all.size() ? 97 : 1) {
    ASSERT_NE(refusal(all.substr(0, size)).find("spoilt: damaged"), std::string::npos) << size;
  }
  EXPECT_NE(refusal(all + "\n"), "accepted");
  EXPECT_NE(refusal(all + all), "accepted");
}

// Tables that are whole but untrue: their checksum is right.
TEST_F(SegmentFile, RefusesTablesThatContradict) {
  add(3);
  const SegmentFacts facts = write();
  const std::string all = bytes_of(folder_.path("segment"));
  const std::uint64_t table_offset = facts.members[2].offset + facts.members[2].facts.bytes;
  const auto spoilt = [&](void (*spoil)(std::vector<SegmentMember>&)) {
    std::vector<SegmentMember> members = facts.members;
    spoil(members);
    std::string table;
    for (const SegmentMember& m : members) {
      table += text(m.number, " ", m.attempt, " ", m.offset, " ", m.facts.bytes, " ",
                    m.facts.sha256, "\n");
    }
    std::string last = text("table ", table_offset, " ", sha256_hex(table).substr(0, 16));
    last.resize(63, ' ');
    return all.substr(0, table_offset) + table + last + "\n";
  };
  using Members = std::vector<SegmentMember>;
  EXPECT_EQ(refusal(spoilt([](Members&) {})), "accepted");
  const auto contradicts = [&](void (*spoil)(Members&)) {
    const std::string message = refusal(spoilt(spoil));
    EXPECT_NE(message.find("spoilt: damaged"), std::string::npos) << message;
  };
  contradicts([](Members& m) { m.pop_back(); });
  contradicts([](Members& m) { m[2].number = m[0].number; });
  contradicts([](Members& m) { m[1].offset += 1; });
  contradicts([](Members& m) { m[2].facts.bytes += 1; });
  contradicts([](Members& m) { m[2].facts.bytes = ~std::uint64_t{0}; });
  contradicts([](Members& m) { std::swap(m[0], m[1]); });
  contradicts([](Members& m) { m[0].facts.sha256.pop_back(); });
  // Two members under each other's numbers: whoever knows what to expect sees it.
  const std::string swapped = folder_.write(
      "swapped", std::string_view(spoilt([](Members& m) { std::swap(m[0].number, m[2].number); })));
  ASSERT_TRUE(read_segment(swapped).ok());
  for (TrialSource& member : members_) member.path = swapped;
  const std::string results = folder_.path("results.h5");
  const std::string message = write_results(results, sample_run(), members_).status().message();
  EXPECT_NE(message.find("swapped, trial 1 attempt 1 is damaged or another file"),
            std::string::npos)
      << message;
  for (TrialSource& member : members_) member.expected = {};
  const std::string untold = write_results(results, sample_run(), members_).status().message();
  EXPECT_NE(untold.find("it holds trial 3 and not trial 1"), std::string::npos) << untold;
}

TEST_F(SegmentFile, FullDiskLeavesNothing) {
  add(12);
  const TemporaryFolder disk;
  for (const bool full : {false, true}) {
    const ChildEnd end = run_in_child(
        [&] { return full ? mount_small_disk(disk.path()) : limit_file_size(40000); },
        [&] {
          const Status status = write_segment(disk.path("segment"), sources_).status();
          return text(std::distance(std::filesystem::directory_iterator(disk.path()), {}),
                      " files; ", status.message());
        });
    if (full && end.exited && end.status == 77) GTEST_SKIP() << "may not mount a tmpfs";
    ASSERT_TRUE(end.exited && end.status == 0) << end.status;
    EXPECT_EQ(end.output.rfind("0 files; ", 0), 0u) << end.output;
    EXPECT_NE(end.output.find("cannot write " + disk.path("segment")), std::string::npos)
        << end.output;
  }
}

}  // namespace
}  // namespace aesweep
