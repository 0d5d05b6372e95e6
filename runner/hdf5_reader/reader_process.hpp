// ReaderProcess: the process that calls libhdf5 on a file that nobody vouches for.
//
// It is this program started anew (never forked: MPI may run), with the command kReaderCommand; it
// has one end of a socket as its stdin and stdout, no other descriptor, and none of a launcher's
// variables. It is believed nothing: how long it may be silent is limited here, and how it ended is
// said here. One thread at a time. The destructor ends it and waits for its end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "core/base/status.hpp"
#include "runner/hdf5_reader/reply.hpp"

namespace aesweep {

inline constexpr const char* kReaderCommand = "hdf5-read";

// What is started: PROGRAM hdf5-read PATH DATASET.
struct ReaderProgram {
  std::string path = "/proc/self/exe";
  // For a reply or a block of elements, from the first byte to the last.
  std::chrono::milliseconds patience = std::chrono::seconds(30);
};

class ReaderProcess final : public ByteSource {
 public:
  // A fault of the world: no process.
  [[nodiscard]] static Result<std::unique_ptr<ReaderProcess>> start(const ReaderProgram& program,
                                                                    const std::string& path,
                                                                    const std::string& dataset);
  ReaderProcess(const ReaderProcess&) = delete;
  ReaderProcess& operator=(const ReaderProcess&) = delete;
  ~ReaderProcess() override;

  // Writes it all. It is little: the socket takes it at once.
  [[nodiscard]] Status write(std::span<const std::byte> bytes);
  // After a fault the process is gone.
  [[nodiscard]] Status read(std::span<std::byte> out) override;

 private:
  ReaderProcess(pid_t process, int socket, std::chrono::milliseconds patience)
      : process_(process), socket_(socket), patience_(patience) {}

  // Waits a little for its end, ends it, and says what it died of.
  [[nodiscard]] Status explain_end();
  [[nodiscard]] Status end_late();
  void kill_and_reap();

  pid_t process_;  // -1: reaped.
  int socket_;
  std::chrono::milliseconds patience_;
};

}  // namespace aesweep
