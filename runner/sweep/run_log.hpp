// RunLog: what a sweep tells people while it runs: run.log, stderr, and a progress line.
//
// Lines go to run.log with the time, and to stderr: on a terminal as they are, above a progress
// line that is rewritten in place; elsewhere with the time, and the progress line is dropped. On
// ranks other than 0 there is no log; every call does nothing. One thread. A disk that takes no
// more lines is said once on stderr and ends nothing.
#pragma once

#include <memory>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

class RunLog {
 public:
  RunLog();  // Says nothing, anywhere.
  ~RunLog();
  RunLog(RunLog&&) noexcept;
  RunLog& operator=(RunLog&&) noexcept;

  [[nodiscard]] static Result<RunLog> open(const std::string& path);

  void info(const std::string& line);
  void warn(const std::string& line);
  void error(const std::string& line);
  // To run.log only: for what is shown otherwise.
  void file_only(const std::string& line);

  // Whether progress() shows anything.
  [[nodiscard]] bool on_terminal() const;
  void progress(const std::string& line);
  // Takes the progress line away.
  void clear_progress();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
