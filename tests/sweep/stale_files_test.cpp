// remove_stale_files: what the journal knows stays, whatever a dead job left goes, foreign files
// are left alone, and a committed file that is missing is a fault that names it.

#include "runner/sweep/stale_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

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

}  // namespace
}  // namespace aesweep
