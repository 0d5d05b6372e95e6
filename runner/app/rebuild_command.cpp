#include "runner/app/rebuild_command.hpp"

#include <cstdio>

#include "core/base/text.hpp"
#include "runner/app/asked_folder.hpp"
#include "runner/app/bytes_text.hpp"
#include "runner/app/launcher.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/lease.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_results.hpp"
#include "runner/journal/run_state.hpp"

namespace aesweep {
namespace {

// For the holder of the lease. The record comes after the file: a journal that names a file which
// is not there yet would be wrong.
Status write_and_record(const RunFolder& folder, const Lease& lease) {
  const Result<JournalLines> lines = read_journal(folder.journal());
  if (!lines.ok()) return lines.status();
  const Result<RunState> state = replay(lines->payloads);
  if (!state.ok()) return state.status().in(folder.journal());
  if (!state->job) {
    return Status::input(
        text(folder.path, ": no job has begun the run; there is nothing to write"));
  }
  Result<JournalFile> journal = JournalFile::open(folder.journal(), lines.value());
  if (!journal.ok()) return journal.status();
  const Result<FileFacts> facts = write_run_results(folder, state.value(), ResultsExtent::kWhole);
  if (!facts.ok()) return facts.status();
  if (!lease.valid()) return lease.lost();
  const ResultsWritten record{{"results.h5", facts->bytes, facts->sha256}};
  AESWEEP_RETURN_IF_ERROR(journal->append(encode(Record(record))));
  AESWEEP_RETURN_IF_ERROR(journal->sync());
  const std::string line = text(folder.results(), ", ", bytes_text(facts->bytes), "\n");
  std::fputs(line.c_str(), stdout);
  return {};
}

}  // namespace

Status rebuild_results(const RebuildOptions& options) {
  if (launch_place().rank != 0) return {};  // One process of a launch works for all.
  const RunFolder folder{options.folder};
  AESWEEP_RETURN_IF_ERROR(check_asked_folder(folder));
  const Result<Lease> lease = Lease::acquire(folder.lease(), LeaseWait::kNo);
  if (!lease.ok()) return lease.status();
  return write_and_record(folder, lease.value());
}

}  // namespace aesweep
