#include "runner/sweep/run_log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdio>
#include <exception>
#include <utility>

#include "core/base/text.hpp"
#include "runner/sweep/terminal.hpp"

namespace aesweep {
namespace {

constexpr const char* kPattern = "%Y-%m-%d %H:%M:%S %^%l%$ %v";
constexpr const char* kClearLine = "\r\033[K";

void to_stderr(const std::string& characters) {
  // Nothing is left to complain to if this fails.
  static_cast<void>(std::fputs(characters.c_str(), stderr));
  static_cast<void>(std::fflush(stderr));
}

}  // namespace

struct RunLog::Impl {
  std::unique_ptr<spdlog::logger> file;
  std::unique_ptr<spdlog::logger> console;  // Null on a terminal.
  bool file_failed = false;
  std::string progress;  // What the terminal shows now.

  void line(spdlog::level::level_enum level, const std::string& words) {
    file->log(level, spdlog::string_view_t(words.data(), words.size()));
    if (console) {
      console->log(level, spdlog::string_view_t(words.data(), words.size()));
      return;
    }
    const std::string shown = progress.empty() ? "" : kClearLine;
    to_stderr(shown + words + "\n" + progress);
  }
};

RunLog::RunLog() = default;
RunLog::~RunLog() { clear_progress(); }
RunLog::RunLog(RunLog&&) noexcept = default;
RunLog& RunLog::operator=(RunLog&&) noexcept = default;

Result<RunLog> RunLog::open(const std::string& path) {
  RunLog log;
  log.impl_ = std::make_unique<Impl>();
  Impl& impl = *log.impl_;
  try {
    impl.file = std::make_unique<spdlog::logger>(
        "run", std::make_shared<spdlog::sinks::basic_file_sink_st>(path));
    if (!stderr_is_terminal()) {
      impl.console = std::make_unique<spdlog::logger>(
          "console", std::make_shared<spdlog::sinks::stderr_sink_st>());
      impl.console->set_pattern(kPattern);
    }
  } catch (const std::exception& error) {
    return Status::world(text(path, ": cannot open: ", error.what()));
  }
  impl.file->set_pattern(kPattern);
  impl.file->flush_on(spdlog::level::info);
  impl.file->set_error_handler([&impl, path](const std::string& message) {
    if (std::exchange(impl.file_failed, true)) return;
    to_stderr(text("aesweep: ", path, ": ", message, "; it will lack lines\n"));
  });
  return log;
}

void RunLog::info(const std::string& line) {
  if (impl_) impl_->line(spdlog::level::info, line);
}

void RunLog::warn(const std::string& line) {
  if (impl_) impl_->line(spdlog::level::warn, line);
}

void RunLog::error(const std::string& line) {
  if (impl_) impl_->line(spdlog::level::err, line);
}

void RunLog::file_only(const std::string& line) {
  if (impl_) impl_->file->info(spdlog::string_view_t(line.data(), line.size()));
}

bool RunLog::on_terminal() const { return impl_ != nullptr && impl_->console == nullptr; }

void RunLog::progress(const std::string& line) {
  if (!on_terminal() || line == impl_->progress) return;
  impl_->progress = line;
  to_stderr(kClearLine + line);
}

void RunLog::clear_progress() {
  if (!on_terminal() || impl_->progress.empty()) return;
  impl_->progress.clear();
  to_stderr(kClearLine);
}

}  // namespace aesweep
