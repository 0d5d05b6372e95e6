// Proves what `status`, `validate` and `rebuild` do on a real run's folder: as it was written,
// damaged in each of its files, and held by a job.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/journal/lease.hpp"
#include "tests/app/program.hpp"
#include "tests/support/h5_compare.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_has(const std::string& whole, const std::string& words) {
  EXPECT_NE(whole.find(words), std::string::npos) << "expected: " << words << "\nfound:\n" << whole;
}

// Every test has a copy of one run of three trials.
class RunFolderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    first_ = new TemporaryFolder;
    const Answer run = aesweep({"run", AESWEEP_SOURCE_DIRECTORY "/experiments/quickstart.yaml",
                                "--set", "train.epochs=2", "-o", first_->path("run")});
    ASSERT_EQ(run.status, 0) << run.err;
  }
  static void TearDownTestSuite() { delete first_; }

  void SetUp() override { fs::copy(first_->path("run"), run_, fs::copy_options::recursive); }
  [[nodiscard]] std::string file(const std::string& name) const { return run_ + "/" + name; }
  void flip(const std::string& name, std::size_t at) const {
    std::string bytes = contents(file(name));
    bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
    std::ofstream(file(name), std::ios::binary) << bytes;
  }

  TemporaryFolder folder_;
  std::string run_ = folder_.path("run");
  static TemporaryFolder* first_;
};

TemporaryFolder* RunFolderTest::first_ = nullptr;

TEST_F(RunFolderTest, AsItWasWritten) {
  const Answer status = aesweep({"status", run_});
  EXPECT_EQ(status.status, 0) << status.err;
  expect_has(status.out, "run       quickstart, " + run_ + "\n");
  expect_has(status.out, "trials    3: 3 completed\n");
  expect_has(status.out, "job       no job; the last one ended ");
  const nlohmann::json json = nlohmann::json::parse(aesweep({"status", run_, "--json"}).out);
  EXPECT_EQ(json["trials"]["completed"], 3);
  EXPECT_EQ(json["job"]["ended"]["status"], 0);
  EXPECT_EQ(aesweep({"status", run_, "--watch"}).out, status.out);  // Nothing to wait for.
  const Answer validated = aesweep({"validate", run_});
  EXPECT_EQ(validated.status, 0) << validated.out;
  expect_has(validated.out, " files compared by checksum, format and contents; no problems\n");
}

TEST_F(RunFolderTest, RebuildGivesTheSameResults) {
  fs::remove(file("results.h5"));
  const Answer missing = aesweep({"validate", run_});
  EXPECT_EQ(missing.status, 3);
  expect_has(missing.out, "results.h5");
  const Answer rebuilt = aesweep({"rebuild", run_});
  EXPECT_EQ(rebuilt.status, 0) << rebuilt.err;
  expect_has(rebuilt.out, file("results.h5"));
  const Comparison compared = compare_h5(first_->path("run/results.h5"), file("results.h5"));
  EXPECT_TRUE(compared.equal) << compared.difference;
  EXPECT_EQ(aesweep({"validate", run_}).status, 0);
  EXPECT_FALSE(fs::exists(file("lease")));
}

TEST_F(RunFolderTest, DamageIsNamedAndNeverMerged) {
  const std::string results = contents(file("results.h5"));
  for (const char* name : {"trials/000001.1.h5", "experiment.yaml", "results.h5"}) {
    SCOPED_TRACE(name);
    flip(name, 100);
    const Answer validated = aesweep({"validate", run_});
    EXPECT_EQ(validated.status, 3);
    expect_has(validated.out, file(name));
    expect_has(validated.out, " problem");
    flip(name, 100);
    EXPECT_EQ(aesweep({"validate", run_}).status, 0);
  }
  flip("trials/000001.1.h5", 100);
  const Answer rebuilt = aesweep({"rebuild", run_});
  EXPECT_EQ(rebuilt.status, 3);
  expect_has(rebuilt.err, file("trials/000001.1.h5"));
  EXPECT_EQ(contents(file("results.h5")), results);
}

TEST_F(RunFolderTest, ADamagedJournalIsSaidByEveryCommand) {
  flip("journal", 200);
  for (const char* command : {"status", "validate", "rebuild"}) {
    const Answer answer = aesweep({command, run_});
    EXPECT_EQ(answer.status, 3) << command;
    expect_has(answer.out + answer.err, file("journal"));
  }
}

TEST_F(RunFolderTest, AJobAtWorkKeepsARebuildOut) {
  const Result<Lease> lease = Lease::acquire(file("lease"), LeaseWait::kNo);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  const std::string holder = "pid " + std::to_string(::getpid());
  const std::string journal = contents(file("journal"));
  const Answer rebuilt = aesweep({"rebuild", run_});
  EXPECT_EQ(rebuilt.status, 3);
  expect_has(rebuilt.err, holder);
  EXPECT_EQ(contents(file("journal")), journal);
  expect_has(aesweep({"status", run_}).out, "job       " + holder);
}

}  // namespace
}  // namespace aesweep
