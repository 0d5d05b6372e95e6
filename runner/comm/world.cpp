#include "runner/comm/world.hpp"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <span>

#include "core/base/check.hpp"
#include "runner/comm/mpi_call.hpp"
#include "runner/comm/world_impl.hpp"

namespace aesweep {
namespace {

MPI_Comm duplicate_of_world() {
  MPI_Comm copy = MPI_COMM_NULL;
  AESWEEP_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &copy));
  AESWEEP_MPI(MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN));
  return copy;
}

// Where the parts of a gathered text lie.
struct Parts {
  explicit Parts(std::span<const int> part_sizes)
      : sizes(part_sizes.begin(), part_sizes.end()), offsets(part_sizes.size()) {
    const std::int64_t total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
    AESWEEP_CHECK(total <= std::numeric_limits<int>::max(), "gathered texts exceed 2 GiB");
    std::exclusive_scan(sizes.begin(), sizes.end(), offsets.begin(), 0);
    bytes.resize(static_cast<std::size_t>(total));
  }
  [[nodiscard]] std::vector<std::string> split() const {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      parts.push_back(
          bytes.substr(static_cast<std::size_t>(offsets[i]), static_cast<std::size_t>(sizes[i])));
    }
    return parts;
  }

  std::vector<int> sizes;
  std::vector<int> offsets;
  std::string bytes;
};

int checked_size(std::string_view bytes) {
  AESWEEP_CHECK(bytes.size() <= kPieceBytes, "a text to gather exceeds 1 GiB");
  return static_cast<int>(bytes.size());
}

}  // namespace

World::World() : impl_(std::make_unique<Impl>()) {
  int initialized = 0;
  AESWEEP_MPI(MPI_Initialized(&initialized));
  AESWEEP_CHECK(initialized == 0, "there is at most one World in the life of a process");
  int provided = 0;
  AESWEEP_MPI(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided));
  AESWEEP_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  AESWEEP_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &impl_->rank));
  AESWEEP_MPI(MPI_Comm_size(MPI_COMM_WORLD, &impl_->ranks));
  std::array<char, MPI_MAX_PROCESSOR_NAME> host{};
  int length = 0;
  AESWEEP_MPI(MPI_Get_processor_name(host.data(), &length));
  impl_->host.assign(host.data(), static_cast<std::size_t>(length));
  if (provided < MPI_THREAD_FUNNELED) {
    abort(3, "this MPI library offers no MPI_THREAD_FUNNELED; use one that does");
  }
  impl_->collective = duplicate_of_world();
  impl_->exchange = duplicate_of_world();
  impl_->mail = duplicate_of_world();
}

World::~World() {
  for (MPI_Comm* comm : {&impl_->mail, &impl_->exchange, &impl_->collective}) {
    AESWEEP_MPI(MPI_Comm_free(comm));
  }
  AESWEEP_MPI(MPI_Finalize());
}

int World::rank() const { return impl_->rank; }

int World::ranks() const { return impl_->ranks; }

const std::string& World::host() const { return impl_->host; }

std::string World::broadcast(std::string bytes) {
  return broadcast_bytes(std::move(bytes), impl_->rank, impl_->collective);
}

Status World::agree(const Status& mine) {
  const int failed_rank = mine.ok() ? impl_->ranks : impl_->rank;
  int lowest = impl_->ranks;
  MPI_Request request = MPI_REQUEST_NULL;
  AESWEEP_MPI(
      MPI_Iallreduce(&failed_rank, &lowest, 1, MPI_INT, MPI_MIN, impl_->collective, &request));
  wait_for(request);
  if (lowest == impl_->ranks) return {};

  int fault = static_cast<int>(mine.fault());
  AESWEEP_MPI(MPI_Ibcast(&fault, 1, MPI_INT, lowest, impl_->collective, &request));
  wait_for(request);
  std::string message = broadcast_bytes(mine.message(), impl_->rank, impl_->collective, lowest);
  return Status::of(static_cast<Fault>(fault), std::move(message));
}

std::vector<std::string> World::gather(std::string_view mine) {
  const int size = checked_size(mine);
  const bool root = impl_->rank == 0;
  std::vector<int> sizes(root ? static_cast<std::size_t>(impl_->ranks) : 0);
  MPI_Request request = MPI_REQUEST_NULL;
  AESWEEP_MPI(
      MPI_Igather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, impl_->collective, &request));
  wait_for(request);
  Parts parts(sizes);
  AESWEEP_MPI(MPI_Igatherv(mine.data(), size, MPI_BYTE, parts.bytes.data(), parts.sizes.data(),
                           parts.offsets.data(), MPI_BYTE, 0, impl_->collective, &request));
  wait_for(request);
  return parts.split();
}

std::vector<std::string> World::all_gather(std::string_view mine) {
  const int size = checked_size(mine);
  std::vector<int> sizes(static_cast<std::size_t>(impl_->ranks));
  MPI_Request request = MPI_REQUEST_NULL;
  AESWEEP_MPI(
      MPI_Iallgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, impl_->collective, &request));
  wait_for(request);
  Parts parts(sizes);
  AESWEEP_MPI(MPI_Iallgatherv(mine.data(), size, MPI_BYTE, parts.bytes.data(), parts.sizes.data(),
                              parts.offsets.data(), MPI_BYTE, impl_->collective, &request));
  wait_for(request);
  return parts.split();
}

void World::barrier() {
  MPI_Request request = MPI_REQUEST_NULL;
  AESWEEP_MPI(MPI_Ibarrier(impl_->collective, &request));
  wait_for(request);
}

void World::abort(int status, const std::string& message) {
  std::fprintf(stderr, "aesweep: rank %d on %s: %s\n", impl_->rank, impl_->host.c_str(),
               message.c_str());
  std::fflush(nullptr);
  static_cast<void>(MPI_Abort(MPI_COMM_WORLD, status));
  std::_Exit(status);
}

std::string World::library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> buffer{};
  int length = 0;
  if (MPI_Get_library_version(buffer.data(), &length) != MPI_SUCCESS) return "unknown MPI";
  // MPICH goes on for several lines, Open MPI for several fields; the first one is the version.
  std::string version(buffer.data());
  version.resize(std::min(version.find_first_of("\n,"), version.size()));
  std::replace(version.begin(), version.end(), '\t', ' ');
  return version;
}

}  // namespace aesweep
