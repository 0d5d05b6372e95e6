// RunHome: the run folder as rank 0 takes it over for a job: lease, journal, experiment texts.
//
// In order: look(), read(), then either close(), or open() and at the end close(). Nothing is made
// or changed before open(), but for the lease of a run that is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/base/status.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/journal/lease.hpp"
#include "runner/journal/records.hpp"
#include "runner/journal/run_folder.hpp"
#include "runner/journal/run_state.hpp"
#include "runner/sweep/run_ledger.hpp"
#include "runner/sweep/sweep.hpp"

namespace aesweep {

class RunHome {
 public:
  explicit RunHome(RunFolder folder) : folder_(std::move(folder)) {}

  // Whether a job that starts so may have the folder; an input fault says what else to do.
  [[nodiscard]] Status look(StartMode start);
  // Takes the lease of a run that is there and reads its journal.
  [[nodiscard]] Status read(LeaseWait wait);
  // Makes a new run, or cuts the torn tail of the journal that is there and makes the rest durable;
  // then cleans up. Keeps `text` unless it is that of the last job; `experiment` becomes the record
  // of its file.
  [[nodiscard]] Status open(const std::string& text, FileRecord& experiment);
  // Gives the lease back.
  void close();

  // What a ledger writes with. After open(); until close().
  [[nodiscard]] LedgerFiles files();

  [[nodiscard]] const RunState& state() const { return state_; }
  // The last attempt of a finished trial is lost: open() does not look for its file.
  void lose(std::int64_t number) {
    state_.trials.at(static_cast<std::size_t>(number)).finished.back().lost = true;
  }
  [[nodiscard]] std::uint64_t torn_bytes() const { return lines_.torn_bytes; }
  // The experiment as the last job was given it. Needs one.
  [[nodiscard]] Result<std::string> text_before() const;
  [[nodiscard]] bool is_text_before(const std::string& text) const;
  // results.h5 is, byte for byte, as the journal says.
  [[nodiscard]] bool has_results() const;

 private:
  [[nodiscard]] Status take_lease();

  RunFolder folder_;
  LeaseWait wait_ = LeaseWait::kNo;
  bool is_run_ = false;
  JournalLines lines_;
  RunState state_;
  std::optional<Lease> lease_;
  std::optional<JournalFile> journal_;
};

}  // namespace aesweep
