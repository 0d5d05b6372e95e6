#include "runner/comm/mailbox.hpp"

#include <mpi.h>

#include <deque>
#include <list>
#include <utility>

#include "core/base/check.hpp"
#include "runner/comm/last_communication.hpp"
#include "runner/comm/mpi_call.hpp"
#include "runner/comm/world_impl.hpp"

namespace aesweep {
namespace {

constexpr int kMailTag = 1;

}  // namespace

struct Mailbox::Impl {
  struct Outgoing {
    std::string bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  std::list<Outgoing> outgoing;     // A list: MPI holds addresses of the texts.
  std::deque<std::string> to_self;  // Never goes through MPI.

  void drop_sent() {
    for (auto it = outgoing.begin(); it != outgoing.end();) {
      int complete = 0;
      AESWEEP_MPI(MPI_Test(&it->request, &complete, MPI_STATUS_IGNORE));
      it = complete != 0 ? outgoing.erase(it) : std::next(it);
    }
  }
};

Mailbox::Mailbox(World& world) : impl_(std::make_unique<Impl>()) {
  impl_->comm = world.impl().mail;
  impl_->rank = world.rank();
}

// Sends are synchronous: complete only once received. A rank joins the barrier when all of its own
// are, so when the barrier is complete no message is on its way.
Mailbox::~Mailbox() {
  const BlockedWait wait("the end of all ranks");
  Patience patience(Patience::Kind::kSaving);
  MPI_Request barrier = MPI_REQUEST_NULL;
  for (int complete = 0; complete == 0;) {
    while (try_take()) patience.reset();
    if (barrier == MPI_REQUEST_NULL && impl_->outgoing.empty()) {
      AESWEEP_MPI(MPI_Ibarrier(impl_->comm, &barrier));
    }
    if (barrier != MPI_REQUEST_NULL) {
      AESWEEP_MPI(MPI_Test(&barrier, &complete, MPI_STATUS_IGNORE));
    }
    if (complete == 0) patience.pause();
  }
}

void Mailbox::post(int to, std::string bytes) {
  AESWEEP_CHECK(bytes.size() <= kPieceBytes, "a message exceeds 1 GiB");
  if (to == impl_->rank) {
    impl_->to_self.push_back(std::move(bytes));
    return;
  }
  Impl::Outgoing& out = impl_->outgoing.emplace_back();
  out.bytes = std::move(bytes);
  AESWEEP_MPI(MPI_Issend(out.bytes.data(), static_cast<int>(out.bytes.size()), MPI_BYTE, to,
                         kMailTag, impl_->comm, &out.request));
}

std::optional<Mail> Mailbox::try_take() {
  if (!impl_->to_self.empty()) {
    Mail mail{impl_->rank, std::move(impl_->to_self.front())};
    impl_->to_self.pop_front();
    return mail;
  }
  if (!impl_->outgoing.empty()) impl_->drop_sent();

  int found = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status{};
  AESWEEP_MPI(MPI_Improbe(MPI_ANY_SOURCE, kMailTag, impl_->comm, &found, &message, &status));
  if (found == 0) return std::nullopt;
  int size = 0;
  AESWEEP_MPI(MPI_Get_count(&status, MPI_BYTE, &size));
  Mail mail{status.MPI_SOURCE, std::string(static_cast<std::size_t>(size), '\0')};
  AESWEEP_MPI(MPI_Mrecv(mail.bytes.data(), size, MPI_BYTE, &message, MPI_STATUS_IGNORE));
  return mail;
}

}  // namespace aesweep
