#include "runner/comm/node_memory.hpp"

#include <mpi.h>
#include <sys/statvfs.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <new>

#include "core/base/buffer.hpp"
#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "runner/comm/mpi_call.hpp"
#include "runner/comm/world_impl.hpp"

namespace aesweep {
namespace {

// Where both Open MPI and MPICH put shared windows on Linux.
constexpr const char* kSharedFolder = "/dev/shm";

// What MPI itself needs there beside the block, generously.
constexpr std::uint64_t kSharedSpare = 1 << 20;

// Whether shared memory has `bytes` left. Asked before MPI is: where there is too little, Open MPI
// 4.1 fails on one rank only and leaves the others waiting, and MPICH lets the first write fail.
Status check_shared_space(std::size_t bytes, const std::string& host) {
  struct statvfs facts {};
  if (statvfs(kSharedFolder, &facts) != 0) return {};  // Not there: MPI uses something else.
  const std::uint64_t free = std::uint64_t{facts.f_bavail} * facts.f_frsize;
  if (free >= kSharedSpare && bytes <= free - kSharedSpare) return {};
  return Status::world(text("the data set needs ", bytes, " bytes of shared memory, ",
                            kSharedFolder, " on ", host, " has ", free,
                            " free; enlarge it, set data.limit or run one rank per node"));
}

}  // namespace

struct NodeMemory::Impl {
  World* world = nullptr;
  MPI_Comm node = MPI_COMM_NULL;
  int rank = 0;
  int ranks = 1;
  MPI_Win window = MPI_WIN_NULL;  // Shared memory, if the node has more than one rank.
  Buffer<std::byte> own;          // Else the block.
  std::span<std::byte> block;
};

NodeMemory::NodeMemory(World& world) : impl_(std::make_unique<Impl>()) {
  impl_->world = &world;
  AESWEEP_MPI(MPI_Comm_split_type(world.impl().collective, MPI_COMM_TYPE_SHARED, world.rank(),
                                  MPI_INFO_NULL, &impl_->node));
  AESWEEP_MPI(MPI_Comm_set_errhandler(impl_->node, MPI_ERRORS_RETURN));
  AESWEEP_MPI(MPI_Comm_rank(impl_->node, &impl_->rank));
  AESWEEP_MPI(MPI_Comm_size(impl_->node, &impl_->ranks));
}

NodeMemory::~NodeMemory() {
  if (impl_->window != MPI_WIN_NULL) {
    AESWEEP_MPI(MPI_Win_unlock_all(impl_->window));
    AESWEEP_MPI(MPI_Win_free(&impl_->window));
  }
  AESWEEP_MPI(MPI_Comm_free(&impl_->node));
}

int NodeMemory::ranks() const { return impl_->ranks; }

bool NodeMemory::leader() const { return impl_->rank == 0; }

std::string NodeMemory::broadcast(std::string bytes) {
  return broadcast_bytes(std::move(bytes), impl_->rank, impl_->node);
}

// The leader takes the whole block, the others none of it and ask where it lies. Mappings start on
// pages, so the first 64-byte line is at the same place of the block in every process.
Status NodeMemory::allocate(std::size_t bytes) {
  if (impl_->ranks == 1) {
    try {
      impl_->own = Buffer<std::byte>(bytes);  // Zeroed.
    } catch (const std::bad_alloc&) {
      return Status::world(text("the data set needs ", bytes, " bytes of memory, more than ",
                                impl_->world->host(), " has free; set data.limit"));
    }
    impl_->block = impl_->own.span();
    return {};
  }
  const MPI_Aint mine = leader() ? static_cast<MPI_Aint>(bytes + kLineBytes) : 0;
  void* base = nullptr;
  int code = MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, impl_->node, &base, &impl_->window);
  if (code != MPI_SUCCESS) {
    std::array<char, MPI_MAX_ERROR_STRING> buffer{};
    impl_->window = MPI_WIN_NULL;
    return Status::world(text("the data set needs ", bytes, " bytes of shared memory, which ",
                              impl_->world->host(), " does not have (", mpi_text(code, buffer),
                              "); enlarge /dev/shm or set data.limit"));
  }
  AESWEEP_MPI(MPI_Win_set_errhandler(impl_->window, MPI_ERRORS_RETURN));
  AESWEEP_MPI(MPI_Win_lock_all(MPI_MODE_NOCHECK, impl_->window));
  MPI_Aint size = 0;
  int unit = 0;
  AESWEEP_MPI(MPI_Win_shared_query(impl_->window, 0, &size, &unit, &base));
  const auto address = reinterpret_cast<std::uintptr_t>(base);
  const std::size_t skip = (kLineBytes - address % kLineBytes) % kLineBytes;
  AESWEEP_CHECK(bytes + skip <= static_cast<std::size_t>(size), "shared memory is too small");
  impl_->block = {static_cast<std::byte*>(base) + skip, bytes};
  return {};
}

Status NodeMemory::fill(std::size_t bytes, const Fill& fill) {
  AESWEEP_CHECK(impl_->block.data() == nullptr, "NodeMemory::fill is called once");
  Status status;
  if (leader() && impl_->ranks > 1) status = check_shared_space(bytes, impl_->world->host());
  status = impl_->world->agree(status);
  if (!status.ok()) return status;
  status = impl_->world->agree(allocate(bytes));
  if (!status.ok()) return status;

  if (leader()) {
    if (impl_->window != MPI_WIN_NULL) std::memset(impl_->block.data(), 0, bytes);
    status = fill(impl_->block);
  }
  // MPI's way to order the leader's writes before everyone's reads.
  if (impl_->window != MPI_WIN_NULL) AESWEEP_MPI(MPI_Win_sync(impl_->window));
  status = impl_->world->agree(status);
  if (impl_->window != MPI_WIN_NULL) AESWEEP_MPI(MPI_Win_sync(impl_->window));
  if (!status.ok()) impl_->block = {};
  return status;
}

std::span<const std::byte> NodeMemory::bytes() const { return impl_->block; }

}  // namespace aesweep
