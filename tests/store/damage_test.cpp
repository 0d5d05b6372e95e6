// Proves that one flipped bit anywhere in a trial's file, a checkpoint, a segment or a member, and
// any truncation, is found and named, and that nothing is merged from it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "runner/store/checkpoint_file.hpp"
#include "runner/store/segment_file.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

constexpr int kFlips = 1000;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::int64_t number = 1; number <= 2; ++number) {
      const TrialResult result = sample_result(number, 2);
      trials_.push_back(store_trial(folder_.path(), sample_record(number, result)));
    }
  }

  // `read` is to refuse the file at `path` with a message that has all of `names`, whichever bit of
  // its bytes [begin, end) is flipped, and wherever it is cut.
  void expect_found(const std::string& path, std::size_t begin, std::size_t end,
                    const std::vector<std::string>& names, const std::function<Status()>& read) {
    ASSERT_TRUE(read().ok()) << read().message();
    const std::string results = bytes_of(results_);
    const std::string whole = bytes_of(path);
    end = std::min(end, whole.size());
    std::mt19937_64 random(20);
    const auto check = [&](const std::string& what) {
      const Status status = read();
      ASSERT_EQ(status.fault(), Fault::kWorld) << what;
      for (const std::string& name : names) {
        ASSERT_NE(status.message().find(name), std::string::npos) << what << status.message();
      }
    };
    for (int flip = 0; flip < kFlips && !HasFatalFailure(); ++flip) {
      const std::size_t at = begin + random() % (end - begin);
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(whole[at] ^ (1 << random() % 8)));
      file.close();
      check(text("bit flipped in byte ", at, ": "));
      file.open(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(at));
      file.put(whole[at]);
    }
    EXPECT_TRUE(bytes_of(results_) == results);
    ASSERT_TRUE(read().ok());
    for (std::size_t size = end; size > begin && !HasFatalFailure(); size -= 1 + size / 17) {
      std::filesystem::resize_file(path, size - 1);
      check(text("cut to ", size - 1, " bytes: "));
    }
  }

  // Merges both trials every tenth time, which takes longer, and the one alone otherwise.
  Status merge(const TrialSource& source) {
    const std::vector<TrialSource> one = {source};
    return write_results(results_, sample_run(), ++calls_ % 10 == 1 ? trials_ : one,
                         ResultsExtent::kTables)
        .status();
  }

  TemporaryFolder folder_;
  int calls_ = 0;
  std::vector<TrialSource> trials_;
  std::string results_ = folder_.path("results.h5");
};

TEST_F(Damage, OfATrial) {
  const std::string& path = trials_[1].path;
  expect_found(path, 0, ~std::size_t{0}, {path, trials_[1].expected.sha256, "aesweep validate"},
               [&] { return merge(trials_[1]); });
}

TEST_F(Damage, OfACheckpoint) {
  CheckpointRecord record;
  record.key = "key";
  record.state.tensors = {counting_tensor("code/weights", {70, 30}, Scalar::kF32, 0)};
  const std::string path = folder_.path("checkpoint");
  Result<FileFacts> facts = write_checkpoint(path, record);
  ASSERT_TRUE(facts.ok());
  const std::string whole = bytes_of(path);
  for (const std::uint64_t image_bytes_max : {kImageBytesMax, std::uint64_t{0}}) {
    folder_.write("checkpoint", std::string_view(whole));
    expect_found(path, 0, ~std::size_t{0}, {path, facts->sha256, "aesweep validate"},
                 [&] { return read_checkpoint(path, *facts, image_bytes_max).status(); });
  }
}

TEST_F(Damage, OfASegmentOrMember) {
  std::vector<SegmentSource> sources;
  for (const TrialSource& trial : trials_) {
    sources.push_back({trial.path, trial.number, trial.attempt, trial.expected});
  }
  const std::string path = folder_.path("segment");
  Result<SegmentFacts> facts = write_segment(path, sources);
  ASSERT_TRUE(facts.ok());
  const std::vector<SegmentMember>& members = facts->members;
  for (TrialSource& trial : trials_) {
    trial.path = path;
    trial.in_segment = true;
  }
  const auto merge_second = [&] { return merge(trials_[1]); };
  const std::string whole = bytes_of(path);
  const std::size_t table = members[1].offset + members[1].facts.bytes;
  // A flip in the first line, the table or the last line.
  expect_found(path, 0, 18, {path}, [&] { return read_segment(path).status(); });
  folder_.write("segment", std::string_view(whole));
  expect_found(path, table, whole.size(), {path}, merge_second);
  folder_.write("segment", std::string_view(whole));
  expect_found(path, members[1].offset, table, {path}, merge_second);
  folder_.write("segment", std::string_view(whole));
  expect_found(path, members[1].offset, table, {path, "trial 2 attempt 1"},
               [&] { return read_member(path, members[1]).status(); });
}

// As a source of a segment: nothing is folded from it either.
TEST_F(Damage, OfASourceOfASegment) {
  for (const bool weights : {true, false}) {
    const std::size_t i = weights ? 0 : 1;
    const SegmentSource source{trials_[i].path, trials_[i].number, 1, trials_[i].expected, weights};
    expect_found(source.path, 0, ~std::size_t{0}, {source.path, source.expected.sha256}, [&] {
      std::filesystem::remove(folder_.path("segment"));
      return write_segment(folder_.path("segment"), {{source}}).status();
    });
    EXPECT_FALSE(std::filesystem::exists(folder_.path("segment")));
  }
}

}  // namespace
}  // namespace aesweep
