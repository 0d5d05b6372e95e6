// remove_stale_files: what the journal knows stays, whatever a dead job left goes, foreign files
// are left alone, and a committed file that is missing is a fault that names it.

#include "runner/sweep/stale_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include "core/base/sha256.hpp"
#include "runner/store/segment_file.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_disk.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

struct Leftovers {
  Leftovers() {
    EXPECT_TRUE(make_run_folder(folder).ok());
    TrialFinished finished;
    finished.number = 1;
    finished.file = {"trials/000001.1.h5", 3, "x"};
    CheckpointWritten old;
    old.number = 2;
    old.step = 5;
    old.file = {checkpoint_file(2, 1, 5), 3, "x"};
    CheckpointWritten gone = old;
    gone.step = 6;
    gone.file.name = checkpoint_file(2, 1, 6);
    for (const Record& record : {Record(finished), Record(old), Record(gone)}) {
      EXPECT_TRUE(run.apply(record).ok());
    }
    for (const char* name : {"trials/000001.1.h5", "trials/000002.1.h5",
                             "trials/000000-000999.1.segment", "trials/.000003.1.h5.77.0.tmp",
                             "trials/notes.txt", "trials/1.2.3", "trials/000007.1.txt"}) {
      put(name);
    }
    put(old.file.name);
    put(checkpoint_file(2, 1, 7));
    put(checkpoint_file(1, 1, 4));
  }
  void put(const std::string& name) const { std::ofstream(folder.file(name)) << "abc"; }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> all;
    for (const std::string& part : {folder.trials(), folder.checkpoints()}) {
      for (const auto& entry : fs::directory_iterator(part)) {
        all.insert(entry.path().filename().string());
      }
    }
    return all;
  }

  TemporaryFolder temporary;
  RunFolder folder{temporary.path("run")};
  RunState run = state_of_new_run(4);
};

TEST(StaleFiles, OnlyWhatTheJournalKnowsStays) {
  Leftovers left;
  const Status status = remove_stale_files(left.folder, left.run);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(left.names(), (std::set<std::string>{"000001.1.h5", "000007.1.txt", "notes.txt",
                                                 "1.2.3", "000002.1.000000000005.h5"}));
  ASSERT_EQ(left.run.trials[2].checkpoints.size(), 1U);
  EXPECT_EQ(left.run.trials[2].checkpoints[0].step, 5);
}

TEST(StaleFiles, AFinishedTrialThatIsMissingOrCutIsAFault) {
  Leftovers left;
  std::ofstream(left.folder.file("trials/000001.1.h5")) << "ab";
  Status status = remove_stale_files(left.folder, left.run);
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_NE(status.message().find("trials/000001.1.h5 has 2 bytes, not the 3"), std::string::npos)
      << status.message();
  fs::remove(left.folder.file("trials/000001.1.h5"));
  status = remove_stale_files(left.folder, left.run);
  EXPECT_NE(status.message().find("trials/000001.1.h5 is missing"), std::string::npos);
  EXPECT_TRUE(left.names().contains("000002.1.h5"))
      << "nothing is removed where something is wrong";
}

// Trials 0 to 3 have files, 0 and 1 in a segment; trial 3 was run again.
struct Stored {
  Stored() {
    EXPECT_TRUE(make_run_folder(folder).ok());
    for (std::int64_t number = 0; number < 4; ++number) finish(number, 1);
    const Result<SegmentFacts> written =
        write_segment(folder.file(segment), std::vector{source(0), source(1)});
    EXPECT_TRUE(written.ok()) << written.status().message();
    TrialsFolded folded;
    folded.segment = {segment, written->file.bytes, written->file.sha256};
    for (const SegmentMember& one : written->members) {
      folded.members.push_back({one.number, one.attempt, one.facts.bytes, one.facts.sha256});
    }
    EXPECT_TRUE(run.apply(folded).ok());
    EXPECT_TRUE(run.apply(TrialRerun{3, 2}).ok());
    finish(3, 2);
  }
  void finish(std::int64_t number, int attempt) {
    TrialFinished record;
    record.number = number;
    record.attempt = attempt;
    const std::string bytes = text("bytes of trial ", number, " attempt ", attempt);
    record.file = {trial_file(number, attempt), bytes.size(), sha256_hex(bytes)};
    std::ofstream(folder.file(record.file.name)) << bytes;
    EXPECT_TRUE(run.apply(record).ok());
  }
  [[nodiscard]] SegmentSource source(std::int64_t number) const {
    const FileRecord& file = run.trials[static_cast<std::size_t>(number)].finished[0].finished.file;
    return {folder.file(file.name), number, 1, {file.bytes, file.sha256}};
  }
  void damage(const std::string& name, const std::string& what) const {
    std::ifstream in(folder.file(name));
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const std::size_t at = bytes.find(what);
    ASSERT_NE(at, std::string::npos);
    bytes[at] = '!';
    std::ofstream(folder.file(name)) << bytes;
  }
  [[nodiscard]] std::set<std::int64_t> damaged() const {
    const Result<std::set<std::int64_t>> found = damaged_trials(folder, run);
    EXPECT_TRUE(found.ok()) << found.status().message();
    return found.value();
  }

  TemporaryFolder temporary;
  RunFolder folder{temporary.path("run")};
  const std::string segment = segment_file(0, 999, 1);
  RunState run = state_of_new_run(4);
};

TEST(StaleFiles, OnlyTheMembersThatAreDamagedAreNamed) {
  Stored stored;
  EXPECT_EQ(stored.damaged(), (std::set<std::int64_t>{}));
  stored.damage(stored.segment, "bytes of trial 1");
  EXPECT_EQ(stored.damaged(), (std::set<std::int64_t>{1}));
  stored.damage(trial_file(2, 1), "bytes");
  EXPECT_EQ(stored.damaged(), (std::set<std::int64_t>{1, 2}));
  fs::remove(stored.folder.file(stored.segment));
  EXPECT_EQ(stored.damaged(), (std::set<std::int64_t>{0, 1, 2}));
}

TEST(StaleFiles, FilesOfAttemptsThatDoNotCountMayBeMissing) {
  Stored stored;
  stored.damage(trial_file(3, 1), "bytes");
  EXPECT_EQ(stored.damaged(), (std::set<std::int64_t>{}));
  fs::remove(stored.folder.file(trial_file(3, 1)));
  fs::remove(stored.folder.file(stored.segment));
  EXPECT_FALSE(remove_stale_files(stored.folder, stored.run).ok());
  for (const std::int64_t number : {0, 1}) {
    ASSERT_TRUE(stored.run.apply(TrialRerun{number, 2, true}).ok());
  }
  Status status = remove_stale_files(stored.folder, stored.run);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(fs::exists(stored.folder.file(trial_file(2, 1))));
  fs::remove(stored.folder.file(trial_file(2, 1)));
  ASSERT_TRUE(stored.run.apply(TrialRerun{2, 2}).ok());  // To run again as a failed one.
  status = remove_stale_files(stored.folder, stored.run);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(stored.run.trials[2].finished[0].lost);
}

}  // namespace
}  // namespace aesweep
