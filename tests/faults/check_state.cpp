// Looks at run folders as a crash may have left them, many a second: a server that answers each
// line of stdin (words between tabs) by one line of stdout, "ok ..." or "bad: what is wrong".
//
//   state FOLDER ACKS   replays the journal; every file that it vouches for, every trial of ACKS
//                       (numbers between commas: the user was told that they are finished) and the
//                       newest checkpoint of every running trial have to be there, byte for byte
//   cuts JOURNAL WORK   cuts the journal at every byte, then appends to it: all lines before the
//                       cut, and no others, have to be there, in order
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/base/status.hpp"
#include "core/base/text.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/lease.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/store/segment_file.hpp"

namespace aesweep {
namespace {

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Empty where the file is as recorded.
std::string file_fault(const RunFolder& folder, const FileRecord& file) {
  const std::string path = folder.file(file.name);
  if (!std::filesystem::exists(path)) return text(file.name, " is not there");
  const std::string bytes = contents(path);
  if (bytes.size() != file.bytes) {
    return text(file.name, " has ", bytes.size(), " bytes instead of ", file.bytes);
  }
  return sha256_hex(std::as_bytes(std::span(bytes))) == file.sha256
             ? ""
             : text(file.name, " has other bytes than recorded");
}

std::string attempt_fault(const RunFolder& folder, const StoredAttempt& stored) {
  if (stored.segment.empty()) return file_fault(folder, stored.finished.file);
  Result<std::vector<SegmentMember>> members = read_segment(folder.file(stored.segment));
  if (!members.ok()) return members.status().message();
  for (const SegmentMember& member : *members) {
    if (member.number != stored.finished.number || member.attempt != stored.finished.attempt) {
      continue;
    }
    if (member.facts.sha256 != stored.in_segment.sha256) return "a segment's member differs";
    const auto bytes = read_member(folder.file(stored.segment), member);
    return bytes.ok() ? "" : bytes.status().message();
  }
  return text(stored.segment, " lacks trial ", stored.finished.number);
}

std::string trials_fault(const RunFolder& folder, const RunState& state) {
  for (const TrialRecordState& trial : state.trials) {
    for (const StoredAttempt& stored : trial.finished) {
      if (std::string fault = attempt_fault(folder, stored); !fault.empty()) return fault;
    }
    if (trial.done() || trial.checkpoints.empty()) continue;
    if (std::string fault = file_fault(folder, trial.checkpoints.back().file); !fault.empty()) {
      return fault;
    }
  }
  for (const FileRecord& experiment : state.experiments) {
    if (std::string fault = file_fault(folder, experiment); !fault.empty()) return fault;
  }
  return "";
}

std::string check_state(const std::string& path, const std::string& acks) {
  const RunFolder folder{path};
  if (std::filesystem::exists(folder.lease())) {
    const auto lease = read_lease(folder.lease());
    if (!lease.ok()) return "bad: " + lease.status().message();
  }
  RunState state;
  if (std::filesystem::exists(folder.journal())) {
    Result<JournalLines> lines = read_journal(folder.journal());
    if (!lines.ok()) return "bad: " + lines.status().message();
    Result<RunState> replayed = replay(lines->payloads);
    if (!replayed.ok()) return "bad: " + replayed.status().message();
    state = std::move(replayed).value();
  }
  if (std::string fault = trials_fault(folder, state); !fault.empty()) return "bad: " + fault;
  std::istringstream numbers(acks);
  for (std::string number; std::getline(numbers, number, ',');) {
    const std::size_t trial = std::stoul(number);
    if (trial >= state.trials.size() || !state.trials[trial].done()) {
      return text("bad: trial ", trial, " was said to be completed; the journal has lost it");
    }
  }
  return text("ok ", state.trials.size());
}

// Empty, or what is wrong with the journal cut there.
std::string cut_fault(const std::string& whole, const JournalLines& all, std::size_t cut,
                      const std::string& path) {
  {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(whole.data(), static_cast<std::streamsize>(cut));
  }
  // What is right, found without the code under test: line breaks before the cut.
  const auto breaks = static_cast<std::size_t>(
      std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
  Result<JournalLines> lines = read_journal(path);
  // Its first line is made whole or not at all: without it the file is none of ours.
  if (breaks == 0) return lines.ok() && !lines->payloads.empty() ? "made lines of nothing" : "";
  if (!lines.ok()) return lines.status().message();
  std::vector<std::string> expected(
      all.payloads.begin(), all.payloads.begin() + static_cast<std::ptrdiff_t>(breaks - 1));
  if (lines->payloads != expected) return text(lines->payloads.size(), " lines were read");
  Result<JournalFile> file = JournalFile::open(path, *lines);
  if (!file.ok()) return file.status().message();
  const Status appended = file->append("{\"kind\":\"appended\"}");
  if (!appended.ok()) return appended.message();
  const Status synced = file->sync();
  if (!synced.ok()) return synced.message();
  expected.emplace_back("{\"kind\":\"appended\"}");
  Result<JournalLines> again = read_journal(path);
  if (!again.ok()) return "after an append: " + again.status().message();
  if (again->payloads != expected || again->torn_bytes != 0) return "an append spoiled it";
  return "";
}

std::string check_cuts(const std::string& journal, const std::string& work) {
  const std::string whole = contents(journal);
  Result<JournalLines> all = read_journal(journal);
  if (!all.ok()) return "bad: " + all.status().message();
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    if (std::string fault = cut_fault(whole, *all, cut, work); !fault.empty()) {
      return text("bad: cut at byte ", cut, ": ", fault);
    }
  }
  return text("ok ", whole.size() + 1);
}

std::string answer(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "state") return check_state(words[1], words[2]);
  if (words.size() == 2 && words[0] == "state") return check_state(words[1], "");
  if (words.size() == 3 && words[0] == "cuts") return check_cuts(words[1], words[2]);
  return "bad: not a question";
}

}  // namespace
}  // namespace aesweep

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; std::getline(in, word, '\t');) words.push_back(word);
    std::string said = aesweep::answer(words);
    std::replace(said.begin(), said.end(), '\n', ' ');
    std::cout << said << std::endl;
  }
  return 0;
}
