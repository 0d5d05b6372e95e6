// RunLedger: what is told and taken away waits for the disk; ranges are folded when nothing in them
// is to run; a fault, or a lost lease, ends all writing.

#include "runner/sweep/run_ledger.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "core/base/sha256.hpp"
#include "runner/sweep/manager_desk.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/sweep/fake_disk.hpp"
#include "tests/sweep/fake_sweep.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct Books {
  explicit Books(std::int64_t trials) : run(state_of_new_run(trials)) {
    fs::create_directories(run_folder.trials());
  }
  RunLedger& open() {
    ledger.emplace(run_folder, run, 2, disk.files(), services, log, times);
    return *ledger;
  }
  // The trial's file is there, and so is its record.
  void finish(std::int64_t number) {
    const std::string bytes = text("trial ", number);
    FileRecord file{trial_file(number, 1), bytes.size(), sha256_hex(bytes)};
    std::ofstream(run_folder.file(file.name)) << bytes;
    ledger->append(finished_record(number, 1, {}, file), [this] { ++told; });
  }
  void settle() {
    tick_until(*ledger, [this] { return ledger->settled(); });
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(run_folder.trials()), fs::directory_iterator()));
  }

  TemporaryFolder folder;
  RunFolder run_folder{folder.path()};
  FakeLog fake_log;
  SweepServices services = fake_services(fake_log);
  RunState run;
  RunLog log;
  FakeDisk disk;
  LedgerTimes times;
  int told = 0;
  std::optional<RunLedger> ledger;
};

TEST(RunLedger, TellsInOrderAndOnlyWhatIsDurable) {
  Books books(3);
  books.disk.hold();
  RunLedger& ledger = books.open();
  for (const std::int64_t number : {0, 1, 2}) books.finish(number);
  tick_for_a_while(ledger);
  EXPECT_EQ(books.told, 0);
  EXPECT_FALSE(ledger.settled());
  EXPECT_TRUE(ledger.state().trials[2].done());  // It knows; nobody was told.
  books.disk.release();
  books.settle();
  EXPECT_EQ(books.told, 3);
}

TEST(RunLedger, AFullRangeIsFoldedOnceNothingInItIsToRun) {
  Books books(1003);
  RunLedger& ledger = books.open();
  for (std::int64_t number = 0; number < 1003; ++number) {
    if (number != 500) books.finish(number);
  }
  books.settle();
  EXPECT_EQ(books.files(), 1002U);
  EXPECT_TRUE(books.disk.all<TrialsFolded>().empty());
  books.disk.hold();
  books.finish(500);
  tick_for_a_while(ledger);
  EXPECT_TRUE(books.disk.all<TrialsFolded>().empty());
  books.disk.release();
  books.settle();
  const std::vector<TrialsFolded> folded = books.disk.all<TrialsFolded>();
  ASSERT_EQ(folded.size(), 1U);
  EXPECT_EQ(folded[0].segment.name, "trials/000000-000999.1.segment");
  EXPECT_EQ(folded[0].members.size(), 1000U);
  EXPECT_EQ(books.files(), 4U);  // The segment, and trials 1000 to 1002.
  EXPECT_EQ(ledger.state().trials[7].finished[0].segment, folded[0].segment.name);
}

TEST(RunLedger, SingleFilesStayUntilTheSegmentsRecordIsDurable) {
  Books books(300);
  RunLedger& ledger = books.open();
  for (std::int64_t number = 0; number < 300; ++number) books.finish(number);
  books.settle();
  books.disk.hold();
  ledger.fold_leftovers();
  tick_until(ledger, [&] { return !books.disk.all<TrialsFolded>().empty(); });
  tick_for_a_while(ledger);
  EXPECT_EQ(books.files(), 301U);
  books.disk.release();
  books.settle();
  EXPECT_EQ(books.files(), 1U);
}

TEST(RunLedger, FewLeftoversStayAndALaterPartHasANameOfItsOwn) {
  Books books(256);
  RunLedger& ledger = books.open();
  for (std::int64_t number = 0; number < 256; ++number) books.finish(number);
  ledger.fold_leftovers();
  books.settle();
  EXPECT_EQ(books.files(), 256U);

  Books more(600);
  TrialsFolded first;
  first.segment = {"trials/000000-000999.1.segment", 1, "a"};
  ASSERT_TRUE(more.run.apply(first).ok());
  more.open();
  for (std::int64_t number = 0; number < 600; ++number) more.finish(number);
  more.ledger->fold_leftovers();
  more.settle();
  EXPECT_EQ(more.disk.all<TrialsFolded>().at(0).segment.name, "trials/000000-000999.2.segment");
}

TEST(RunLedger, LostAttemptsAreNotFolded) {
  Books books(300);
  RunLedger& ledger = books.open();
  for (std::int64_t number = 0; number < 300; ++number) books.finish(number);
  books.settle();
  ledger.append(TrialRerun{7, 2, true});
  ledger.fold_leftovers();
  books.settle();
  const std::vector<TrialsFolded> folded = books.disk.all<TrialsFolded>();
  ASSERT_EQ(folded.size(), 1U);
  EXPECT_EQ(folded[0].members.size(), 299U);
  EXPECT_EQ(books.files(), 2U);  // What is left of it stays.
}

TEST(RunLedger, LeftoversAreFewInTheWholeRun) {
  Books books(3500);
  RunLedger& ledger = books.open();
  const auto finish = [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t number = first; number < first + count; ++number) books.finish(number);
  };
  finish(0, 100);
  finish(1000, 200);
  finish(2000, 200);
  finish(3000, 50);
  ledger.fold_leftovers();
  books.settle();
  const std::vector<TrialsFolded> folded = books.disk.all<TrialsFolded>();
  ASSERT_EQ(folded.size(), 2U);
  EXPECT_EQ(folded[0].segment.name, "trials/001000-001999.1.segment");
  EXPECT_EQ(folded[1].segment.name, "trials/002000-002999.1.segment");
  EXPECT_EQ(books.files(), 152U);
}

TEST(RunLedger, ARecordThatContradictsTheJournalIsNotWritten) {
  Books books(2);
  RunLedger& ledger = books.open();
  ledger.append(finished_record(7, 1, {}, {trial_file(7, 1), 1, "a"}));
  EXPECT_TRUE(books.disk.lines.empty());
  EXPECT_NE(ledger.fault().message().find("trial 7 was never planned"), std::string::npos);
}

TEST(RunLedger, AfterAFaultWhatWaitsIsDropped) {
  Books books(2);
  std::atomic<bool> held = true;
  std::atomic<bool> begun = false;
  books.services.write_results = [&](const RunFolder& folder, const RunState&, ResultsExtent) {
    if (begun.exchange(true)) ADD_FAILURE() << folder.path << ": written after the fault";
    while (held) std::this_thread::sleep_for(1ms);
    return Result<FileFacts>(Status::world("no"));
  };
  RunLedger& ledger = books.open();
  int told = 0;
  for (int i = 0; i < 2; ++i) ledger.write_results([&](const Status&) { ++told; });
  tick_until(ledger, [&] { return begun.load(); });
  ledger.append(finished_record(7, 1, {}, {trial_file(7, 1), 1, "a"}));
  ASSERT_FALSE(ledger.fault().ok());
  held = false;
  books.settle();
  EXPECT_EQ(told, 1);
}

TEST(RunLedger, ASegmentKeepsTheWeightsOfTheBestOnly) {
  Books books(300);
  books.run.job->best_weights = 2;
  std::vector<std::int64_t> kept;
  books.services.write_segment = [&kept](const std::string& path,
                                         std::span<const SegmentSource> sources) {
    for (const SegmentSource& one : sources) {
      if (one.weights) kept.push_back(one.number);
    }
    return Result<SegmentFacts>(Status::world(path + ": no"));
  };
  RunLedger& ledger = books.open();
  for (std::int64_t number = 0; number < 300; ++number) {
    TrialSummary summary;
    summary.last = {{"test/mse", number == 123 ? 0.5 : number == 45 ? 0.25 : 1.0}};
    if (number == 7)
      summary = {Outcome::kPruned, "", -1, 1, 1, 1.0, true, 1, "", {{"test/mse", 0.0}}};
    ledger.append(finished_record(number, 1, summary, {trial_file(number, 1), 1, "a"}));
  }
  ledger.fold_leftovers();
  books.settle();
  EXPECT_EQ(kept, (std::vector<std::int64_t>{45, 123}));
  EXPECT_TRUE(ledger.fault().ok());  // Without a segment the sweep goes on.
}

TEST(RunLedger, TablesAreRefreshedWhenThereIsSomethingNewAndNotTooOften) {
  Books books(3);
  books.times.refresh = 30ms;
  books.times.refresh_share = 1;
  RunLedger& ledger = books.open();
  std::this_thread::sleep_for(40ms);
  tick_for_a_while(ledger);
  EXPECT_EQ(books.fake_log.refreshes, 0);
  books.finish(0);
  tick_until(ledger, [&] { return ledger.settled() && books.told == 1; });
  tick_until(ledger, [&] { return ledger.settled() && books.fake_log.refreshes == 1; });
  tick_for_a_while(ledger);
  EXPECT_EQ(books.fake_log.refreshes, 1);
  ledger.stop_refreshing();
  books.finish(1);
  tick_until(ledger, [&] { return ledger.settled() && books.told == 2; });
  std::this_thread::sleep_for(40ms);
  tick_for_a_while(ledger);
  EXPECT_EQ(books.fake_log.refreshes, 1);
}

TEST(RunLedger, ResultsAreRecordedBeforeTheyAreTold) {
  Books books(2);
  RunLedger& ledger = books.open();
  books.finish(0);
  std::size_t records = 0;
  ledger.write_results([&](const Status& status) {
    EXPECT_TRUE(status.ok());
    records = books.disk.all<ResultsWritten>().size();
  });
  books.settle();
  EXPECT_EQ(records, 1U);
  EXPECT_EQ(ledger.state().results->bytes, fs::file_size(books.run_folder.results()));
}

TEST(RunLedger, AFailedSyncEndsAllWriting) {
  Books books(3);
  books.disk.fail_syncs(Status::world("journal: no"));
  RunLedger& ledger = books.open();
  books.finish(0);
  tick_until(ledger, [&] { return !ledger.fault().ok(); });
  const std::size_t lines = books.disk.lines.size();
  books.finish(1);
  EXPECT_EQ(books.disk.lines.size(), lines);
  tick_for_a_while(ledger);
  EXPECT_EQ(books.told, 0);
  EXPECT_FALSE(ledger.lost());
  EXPECT_TRUE(ledger.settled());
  EXPECT_EQ(ledger.flush().message(), "journal: no");
}

TEST(RunLedger, ALostLeaseIsNoticedWithoutAWriteAndNothingIsWrittenAfterIt) {
  Books books(3);
  RunLedger& ledger = books.open();
  books.finish(0);
  books.settle();
  books.disk.lose_lease(Status::world("another has it"));
  EXPECT_EQ(ledger.tick().message(), "another has it");
  EXPECT_TRUE(ledger.lost());
  ledger.write_results([](const Status&) { FAIL() << "it was written"; });
  tick_for_a_while(ledger);
  EXPECT_FALSE(fs::exists(books.run_folder.results()));
}

}  // namespace
}  // namespace aesweep
