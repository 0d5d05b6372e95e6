// AESWEEP_MPI: calls MPI and checks its return code. Included by the sources of this folder only.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <string>

#include "runner/comm/patience.hpp"

namespace aesweep {

// Bytes per MPI call at most: counts are int, so longer messages travel in several pieces.
inline constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

// Prints rank, host, call and MPI's text and ends the job with status 3.
[[noreturn]] void mpi_failed(int code, const char* call);

// MPI's text for an error code.
[[nodiscard]] const char* mpi_text(int code, std::span<char> buffer);

// The bytes of rank `root` of `comm`, on every rank of it. The argument counts on the root only.
[[nodiscard]] std::string broadcast_bytes(std::string bytes, int rank, MPI_Comm comm, int root = 0);

// Waits for `request` and gives the core away meanwhile.
void wait_for(MPI_Request& request, Patience::Kind kind = Patience::Kind::kSaving);

}  // namespace aesweep

#define AESWEEP_MPI(call)                                          \
  do {                                                             \
    const int code_ = (call);                                      \
    if (code_ != MPI_SUCCESS) ::aesweep::mpi_failed(code_, #call); \
  } while (false)
