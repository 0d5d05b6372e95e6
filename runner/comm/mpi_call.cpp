#include "runner/comm/mpi_call.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runner/comm/last_communication.hpp"

namespace aesweep {

const char* mpi_text(int code, std::span<char> buffer) {
  int length = 0;
  if (MPI_Error_string(code, buffer.data(), &length) != MPI_SUCCESS) return "unknown MPI error";
  return buffer.data();
}

void mpi_failed(int code, const char* call) {
  int rank = -1;
  std::array<char, MPI_MAX_PROCESSOR_NAME> host{};
  int host_length = 0;
  std::array<char, MPI_MAX_ERROR_STRING> buffer{};
  // Nothing better can be done if these fail too; the message then says rank -1.
  static_cast<void>(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
  static_cast<void>(MPI_Get_processor_name(host.data(), &host_length));
  const std::string name = std::string(call).substr(0, std::string(call).find('('));
  std::fprintf(stderr, "aesweep: rank %d on %s: %s failed: %s\n", rank, host.data(), name.c_str(),
               mpi_text(code, buffer));
  std::fflush(stderr);
  static_cast<void>(MPI_Abort(MPI_COMM_WORLD, 3));
  std::_Exit(3);
}

void wait_for(MPI_Request& request, Patience::Kind kind) {
  const auto complete = [&request] {
    int flag = 0;
    AESWEEP_MPI(MPI_Test(&request, &flag, MPI_STATUS_IGNORE));
    return flag != 0;
  };
  if (complete()) return;
  const BlockedWait wait("a call of all ranks");
  Patience patience(kind);
  while (!complete()) patience.pause();
}

std::string broadcast_bytes(std::string bytes, int rank, MPI_Comm comm, int root) {
  std::uint64_t size = bytes.size();
  MPI_Request request = MPI_REQUEST_NULL;
  AESWEEP_MPI(MPI_Ibcast(&size, 1, MPI_UINT64_T, root, comm, &request));
  wait_for(request);
  if (rank != root) bytes.assign(size, '\0');
  for (std::size_t offset = 0; offset < bytes.size(); offset += kPieceBytes) {
    const int count = static_cast<int>(std::min(kPieceBytes, bytes.size() - offset));
    AESWEEP_MPI(MPI_Ibcast(bytes.data() + offset, count, MPI_BYTE, root, comm, &request));
    wait_for(request);
  }
  return bytes;
}

}  // namespace aesweep
