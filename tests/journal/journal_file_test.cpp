// The journal's file against the ways in which a crash, a disk or a person can change it. What must
// come back is known from what was appended; CRC-32C is checked against RFC 3720.
#include "runner/journal/journal_file.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/base/text.hpp"
#include "runner/journal/crc32c.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A journal of `count` lines of many lengths, synced after every third.
struct Written {
  std::string bytes;
  std::vector<std::string> payloads;
  std::vector<std::size_t> ends;  // Offsets behind each line, the format's first.
  std::uint64_t promised = 0;     // The largest synced_to in any line.
};

Written write_journal(const std::string& path, int count) {
  Written written;
  Result<JournalFile> journal = JournalFile::create(path);
  EXPECT_TRUE(journal.ok()) << journal.status().message();
  written.ends.push_back(journal->size());
  for (int i = 0; i < count; ++i) {
    written.payloads.push_back(text("{\"kind\":\"sample\",\"number\":", i, ",\"text\":\"",
                                    std::string(static_cast<std::size_t>(i * 7 % 41), 'x'), "\"}"));
    written.promised = journal->synced_to();
    EXPECT_TRUE(journal->append(written.payloads.back()).ok());
    written.ends.push_back(journal->size());
    if (i % 3 == 2) {
      EXPECT_TRUE(journal->sync().ok());
    }
  }
  written.bytes = bytes_of(path);
  EXPECT_EQ(written.bytes.size(), written.ends.back());
  return written;
}

// How many payloads lie whole in the first `bytes` bytes.
std::size_t whole_lines(const Written& written, std::size_t bytes) {
  std::size_t lines = 0;
  while (lines < written.ends.size() && written.ends[lines] <= bytes) ++lines;
  return lines == 0 ? 0 : lines - 1;
}

std::vector<std::string> first(const std::vector<std::string>& all, std::size_t count) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST(Crc32c, HasThePublishedValues) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c_hex("123456789"), "e3069283");
}

TEST(JournalFile, ReadsBackWhatWasAppended) {
  const TemporaryFolder folder;
  const Written written = write_journal(folder.path("journal"), 40);
  Result<JournalLines> lines = read_journal(folder.path("journal"));
  ASSERT_TRUE(lines.ok()) << lines.status().message();
  EXPECT_EQ(lines->payloads, written.payloads);
  EXPECT_EQ(lines->bytes, written.bytes.size());
  EXPECT_EQ(lines->torn_bytes, 0U);
  EXPECT_EQ(lines->next_sequence, 41U);
  EXPECT_GT(written.promised, written.ends[30]);
}

TEST(JournalFile, ALongOneCutAtEveryByteKeepsAllWholeLines) {
  const TemporaryFolder folder;
  const Written written = write_journal(folder.path("journal"), 60);
  for (std::size_t cut = 0; cut <= written.bytes.size(); ++cut) {
    Result<JournalLines> lines = parse_journal(std::string_view(written.bytes).substr(0, cut), "J");
    ASSERT_TRUE(lines.ok()) << cut << ": " << lines.status().message();
    ASSERT_EQ(lines->payloads, first(written.payloads, whole_lines(written, cut))) << cut;
    ASSERT_EQ(lines->bytes + lines->torn_bytes, cut);
  }
}

// Cut anywhere, as by a kill in the middle of a write; then gone on with, as by the next job.
TEST(JournalFile, CutAtEveryByteKeepsAllWholeLines) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  const Written written = write_journal(path, 5);
  for (std::size_t cut = 0; cut <= written.bytes.size(); ++cut) {
    folder.write("journal", std::string_view(written.bytes).substr(0, cut));
    Result<JournalLines> lines = read_journal(path);
    ASSERT_TRUE(lines.ok()) << cut << ": " << lines.status().message();
    const std::size_t whole = whole_lines(written, cut);
    ASSERT_EQ(lines->payloads, first(written.payloads, whole)) << cut;
    ASSERT_EQ(lines->bytes + lines->torn_bytes, cut);
    ASSERT_EQ(lines->torn_bytes == 0, cut == 0 || cut == lines->bytes) << cut;
    {
      Result<JournalFile> journal = JournalFile::open(path, *lines);
      ASSERT_TRUE(journal.ok()) << cut << ": " << journal.status().message();
      ASSERT_TRUE(journal->append("after the cut").ok());
      ASSERT_TRUE(journal->append("and once more").ok());
    }
    lines = read_journal(path);
    ASSERT_TRUE(lines.ok()) << cut << ": " << lines.status().message();
    std::vector<std::string> expected = first(written.payloads, whole);
    expected.insert(expected.end(), {"after the cut", "and once more"});
    ASSERT_EQ(lines->payloads, expected) << cut;
    ASSERT_EQ(lines->torn_bytes, 0U);
  }
}

TEST(JournalFile, GarbageAfterTheEndIsCutOff) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  const Written written = write_journal(path, 8);
  const std::string zeros(4096, '\0');
  for (const std::string& garbage :
       {std::string("x"), std::string("\n"), std::string("\n\n\n"), zeros, zeros + "\n",
        std::string("00000000 9 0 {}\n"), std::string("half a line"),
        std::string("00000000 9 0 {}\nffffffff 10 0 {}\n"), std::string(100'000, '\xff')}) {
    folder.write("journal", written.bytes + garbage);
    Result<JournalLines> lines = read_journal(path);
    ASSERT_TRUE(lines.ok()) << lines.status().message();
    EXPECT_EQ(lines->payloads, written.payloads);
    EXPECT_EQ(lines->torn_bytes, garbage.size());
    Result<JournalFile> journal = JournalFile::open(path, *lines);
    ASSERT_TRUE(journal.ok());
    EXPECT_EQ(bytes_of(path), written.bytes);
  }
}

// A power cut may keep later pages and lose earlier ones: an intact line behind a hole is no proof
// of a lost promise, unless it says that the hole was durable.
TEST(JournalFile, AHoleIsTornUnlessALaterLineVouchesForIt) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  Result<JournalFile> journal = JournalFile::create(path);
  ASSERT_TRUE(journal.ok());
  const std::size_t start = journal->size();
  ASSERT_TRUE(journal->append("lost").ok());
  const std::size_t end = journal->size();
  ASSERT_TRUE(journal->append("not synced before").ok());
  std::string bytes = bytes_of(path);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(start),
            bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
  Result<JournalLines> lines = parse_journal(bytes, "J");
  ASSERT_TRUE(lines.ok()) << lines.status().message();
  EXPECT_TRUE(lines->payloads.empty());
  EXPECT_EQ(lines->bytes, start);

  ASSERT_TRUE(journal->sync().ok());
  ASSERT_TRUE(journal->append("synced before").ok());
  bytes = bytes_of(path);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(start),
            bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
  lines = parse_journal(bytes, "J");
  ASSERT_FALSE(lines.ok());
  EXPECT_EQ(lines.status().fault(), Fault::kWorld);
  EXPECT_NE(lines.status().message().find(text("J: damaged at byte ", start)), std::string::npos)
      << lines.status().message();
}

// Every flip is either in what was promised, and then a fault that names the line's offset, or in
// the tail, and then the lines before it are all that is left.
TEST(JournalFile, FlippedBitsAreNeverARecord) {
  const TemporaryFolder folder;
  const Written written = write_journal(folder.path("journal"), 40);
  std::mt19937_64 random(1);
  int faults = 0, tails = 0;
  for (int i = 0; i < 1000; ++i) {
    // Every fourth one is in the tail, which is short.
    const std::size_t from = i % 4 == 0 ? written.promised : 0;
    const std::size_t bit = from * 8 + random() % ((written.bytes.size() - from) * 8);
    std::string bytes = written.bytes;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const std::size_t whole = whole_lines(written, bit / 8);
    const std::size_t line_start = bit / 8 < written.ends[0] ? 0 : written.ends[whole];
    Result<JournalLines> lines = parse_journal(bytes, "J");
    if (line_start < written.promised) {
      ASSERT_FALSE(lines.ok()) << bit;
      EXPECT_NE(lines.status().message().find(text("J: damaged at byte ", line_start, ":")),
                std::string::npos)
          << bit << ": " << lines.status().message();
      ++faults;
    } else {
      ASSERT_TRUE(lines.ok()) << bit << ": " << lines.status().message();
      EXPECT_EQ(lines->payloads, first(written.payloads, whole)) << bit;
      EXPECT_GT(lines->torn_bytes, 0U);
      ++tails;
    }
  }
  EXPECT_GT(faults, 500);
  EXPECT_GT(tails, 200);
}

TEST(JournalFile, LinesMovedDoubledOrLeftOutAreFaults) {
  const TemporaryFolder folder;
  const Written written = write_journal(folder.path("journal"), 12);
  const auto line = [&](std::size_t i) {
    const std::size_t start = i == 0 ? 0 : written.ends[i - 1];
    return written.bytes.substr(start, written.ends[i] - start);
  };
  const auto check = [&](const std::vector<std::size_t>& order) {
    std::string bytes;
    for (const std::size_t i : order) bytes += line(i);
    Result<JournalLines> lines = parse_journal(bytes, "J");
    EXPECT_FALSE(lines.ok());
    return lines.ok() ? "" : lines.status().message();
  };
  EXPECT_NE(check({0, 1, 2, 4, 3}).find("line 4 where line 3 belongs"), std::string::npos);
  EXPECT_NE(check({0, 1, 2, 2, 3}).find("line 2 where line 3 belongs"), std::string::npos);
  EXPECT_NE(check({0, 1, 3}).find("line 3 where line 2 belongs"), std::string::npos);
  EXPECT_NE(check({1, 2}).find("line 1 where line 0 belongs"), std::string::npos);
  EXPECT_NE(check({0, 0}).find("line 0 where line 1 belongs"), std::string::npos);
}

TEST(JournalFile, ALineThatPromisesMoreThanIsThereIsAFault) {
  const std::string first_line = crc32c_hex("0 0 aesweep-journal 1") + " 0 0 aesweep-journal 1\n";
  const std::string rest = text("1 ", first_line.size() + 1, " {}");
  Result<JournalLines> lines =
      parse_journal(first_line + crc32c_hex(rest) + " " + rest + "\n", "J");
  ASSERT_FALSE(lines.ok());
  EXPECT_NE(lines.status().message().find("bytes were durable before it"), std::string::npos);
}

TEST(JournalFile, OtherFormatsAndFilesAreRefused) {
  const std::string rest = "0 0 aesweep-journal 2";
  Result<JournalLines> lines = parse_journal(crc32c_hex(rest) + " " + rest + "\n", "J");
  ASSERT_FALSE(lines.ok());
  EXPECT_NE(lines.status().message().find("aesweep-journal 2"), std::string::npos);
  EXPECT_FALSE(parse_journal("Dear diary,\n", "J").ok());
  EXPECT_FALSE(parse_journal("Dear diary", "J").ok());
  EXPECT_FALSE(parse_journal(std::string(4096, '\0'), "J").ok());
  const TemporaryFolder folder;
  EXPECT_FALSE(read_journal(folder.path("missing")).ok());
  EXPECT_FALSE(read_journal(folder.path()).ok());
  ASSERT_EQ(::symlink("elsewhere", folder.path("link").c_str()), 0);
  EXPECT_FALSE(read_journal(folder.path("link")).ok());
}

TEST(JournalFile, CreatesNeverOverAJournalAndAlwaysOverOneNeverBegun) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  const Written written = write_journal(path, 3);
  Result<JournalFile> again = JournalFile::create(path);
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.status().message().find("--resume"), std::string::npos);
  EXPECT_EQ(bytes_of(path), written.bytes);
  for (const std::string& part :
       {std::string(), written.bytes.substr(0, 9), std::string(5, '\0')}) {
    folder.write("journal", part);
    ASSERT_TRUE(JournalFile::create(path).ok());
    Result<JournalLines> lines = read_journal(path);
    ASSERT_TRUE(lines.ok());
    EXPECT_EQ(lines->next_sequence, 1U);
  }
  folder.write("journal", "my own notes\n");
  EXPECT_FALSE(JournalFile::create(path).ok());
  EXPECT_EQ(bytes_of(path), "my own notes\n");
}

TEST(JournalFile, AFileThatChangedSinceItWasReadIsNotOpened) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  const Written written = write_journal(path, 3);
  Result<JournalLines> lines = read_journal(path);
  ASSERT_TRUE(lines.ok());
  folder.write("journal", written.bytes + "more");
  EXPECT_FALSE(JournalFile::open(path, *lines).ok());
  EXPECT_EQ(bytes_of(path), written.bytes + "more");
}

// A write that the system cuts short and then refuses leaves half a line. Nothing may follow it.
TEST(JournalFile, AfterAFailedWriteNothingIsWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    Result<JournalFile> journal = JournalFile::create(path);
    if (!journal.ok() || !journal->append("kept").ok()) ::_exit(1);
    const rlimit old_limit{journal->size() + 20, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &old_limit) != 0) ::_exit(2);
    const Status failed = journal->append(std::string(100, 'x'));
    if (failed.ok() || failed.message().find("ulimit") == std::string::npos) ::_exit(3);
    const rlimit lifted{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &lifted) != 0) ::_exit(4);
    if (journal->append("y").message() != failed.message()) ::_exit(5);
    if (journal->sync().message() != failed.message()) ::_exit(6);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "exit status " << WEXITSTATUS(status);
  Result<JournalLines> lines = read_journal(path);
  ASSERT_TRUE(lines.ok()) << lines.status().message();
  EXPECT_EQ(lines->payloads, std::vector<std::string>{"kept"});
  EXPECT_EQ(lines->torn_bytes, 20U);
}

TEST(JournalFile, APayloadThatIsTooLongIsRefusedAndHarmsNothing) {
  const TemporaryFolder folder;
  Result<JournalFile> journal = JournalFile::create(folder.path("journal"));
  ASSERT_TRUE(journal.ok());
  const Status refused = journal->append(std::string(kJournalPayloadBytesMax + 1, 'x'));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.message().find("at most"), std::string::npos);
  EXPECT_TRUE(journal->append("short").ok());
  EXPECT_EQ(read_journal(folder.path("journal"))->payloads, std::vector<std::string>{"short"});
}

// One thread appends, one syncs, one reads the file as another process would.
TEST(JournalFile, ThreadsAppendSyncAndRead) {
  const TemporaryFolder folder;
  const std::string path = folder.path("journal");
  Result<JournalFile> journal = JournalFile::create(path);
  ASSERT_TRUE(journal.ok());
  std::atomic<bool> done{false};
  std::thread syncer([&] {
    while (!done) {
      const std::uint64_t before = journal->size();
      EXPECT_TRUE(journal->sync().ok());
      EXPECT_GE(journal->synced_to(), before);
    }
  });
  std::thread reader([&] {
    std::size_t seen = 0;
    while (!done) {
      Result<JournalLines> lines = read_journal(path);
      ASSERT_TRUE(lines.ok()) << lines.status().message();
      EXPECT_GE(lines->payloads.size(), seen);
      seen = lines->payloads.size();
    }
  });
  for (int i = 0; i < 3000; ++i) EXPECT_TRUE(journal->append(text("line ", i)).ok());
  done = true;
  syncer.join();
  reader.join();
  Result<JournalLines> lines = read_journal(path);
  ASSERT_TRUE(lines.ok()) << lines.status().message();
  EXPECT_EQ(lines->payloads.size(), 3000U);
}

// Not quadratic: a million lines, and a long tail of damaged ones behind them, are read at once.
TEST(JournalFile, AMillionLines) {
  std::string bytes;
  const auto add = [&](std::uint64_t sequence, const std::string& payload) {
    const std::string rest = text(sequence, " 0 ", payload);
    bytes += crc32c_hex(rest) + " " + rest + "\n";
  };
  add(0, std::string(kJournalFormat));
  for (std::uint64_t i = 1; i <= 1'000'000; ++i) add(i, "{\"kind\":\"trial_begun\"}");
  for (int i = 0; i < 300'000; ++i) bytes += "not a line\n";
  Result<JournalLines> lines = parse_journal(bytes, "J");
  ASSERT_TRUE(lines.ok()) << lines.status().message();
  EXPECT_EQ(lines->payloads.size(), 1'000'000U);
  EXPECT_EQ(lines->torn_bytes, 300'000U * 11);
}

}  // namespace
}  // namespace aesweep
