// World: all ranks of the job. Starts MPI when constructed and ends it when destroyed.
//
// One per process, made by main and destroyed last: everything else of runner/comm points to it.
// Only the thread that made it may call it (MPI_THREAD_FUNNELED). Its collective calls are made by
// every rank in the same order, outside of training; while a rank waits in one it gives its core
// away. A fault of MPI itself is not reported: no rank could go on, so it is printed with rank,
// call and MPI's text, and ends the job with status 3.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"

namespace aesweep {

class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const;
  [[nodiscard]] int ranks() const;
  [[nodiscard]] const std::string& host() const;  // As MPI names this node.

  // Rank 0's bytes, on every rank. The argument counts on rank 0 only.
  [[nodiscard]] std::string broadcast(std::string bytes);
  // The status of the lowest rank that failed, the same on all ranks; ok if none did.
  [[nodiscard]] Status agree(const Status& mine);
  // Every rank's bytes in rank order, on rank 0; empty elsewhere. For small texts.
  [[nodiscard]] std::vector<std::string> gather(std::string_view mine);
  // Every rank's bytes in rank order, on every rank. For small texts.
  [[nodiscard]] std::vector<std::string> all_gather(std::string_view mine);
  void barrier();

  // Prints "aesweep: rank R on HOST: message" and ends the job, all ranks of it, with `status`.
  [[noreturn]] void abort(int status, const std::string& message);

  // Name and version of the MPI library, one line. Allowed before a World exists.
  [[nodiscard]] static std::string library_version();

  struct Impl;  // MPI's handles, for the files of this folder.
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace aesweep
