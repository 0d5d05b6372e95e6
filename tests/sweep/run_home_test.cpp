// RunHome: what an earlier job left behind goes only once the journal that says so is durable.

#include "runner/sweep/run_home.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_disk.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

TEST(RunHome, NothingIsRemovedBeforeTheJournalIsOpenAndSynced) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary.path("run")};
  const std::string text = "name: x\n";
  FileRecord experiment;
  {
    RunHome home(folder);
    ASSERT_TRUE(home.look(StartMode::kNew).ok());
    ASSERT_TRUE(home.read(LeaseWait::kNo).ok());
    ASSERT_TRUE(home.open(text, experiment).ok());
    LedgerFiles files = home.files();
    JobStarted job;
    job.experiment = experiment;
    ASSERT_TRUE(files.append(encode(job)).ok());
    home.close();
  }
  const std::string stale = folder.file(checkpoint_file(0, 1, 10));
  std::ofstream(stale) << "of no record";
  RunHome home(folder);
  ASSERT_TRUE(home.look(StartMode::kResume).ok());
  ASSERT_TRUE(home.read(LeaseWait::kNo).ok());
  std::ofstream(folder.journal(), std::ios::app) << "by another job";
  EXPECT_FALSE(home.open(text, experiment).ok());
  EXPECT_TRUE(fs::exists(stale));
  home.close();
  RunHome again(folder);
  ASSERT_TRUE(again.look(StartMode::kResume).ok());
  ASSERT_TRUE(again.read(LeaseWait::kNo).ok());
  EXPECT_TRUE(again.open(text, experiment).ok());
  EXPECT_FALSE(fs::exists(stale));
  again.close();
}

}  // namespace
}  // namespace aesweep
