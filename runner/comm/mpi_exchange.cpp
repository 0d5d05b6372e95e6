#include "runner/comm/mpi_exchange.hpp"

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "runner/comm/last_communication.hpp"
#include "runner/comm/mpi_call.hpp"
#include "runner/comm/world_impl.hpp"

namespace aesweep {
namespace {

using Clock = std::chrono::steady_clock;

// A tag per channel, after that of share. The standard promises tags up to 32,767.
constexpr int kShareTag = 0;
constexpr int kFirstChannelTag = 1;
constexpr int kChannelsMax = 32'000;

// Messages that a step may have under way before the tables below have to grow.
constexpr std::size_t kRequestsReserved = 1024;

// Adds the time from its construction to its destruction.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  Clock::time_point start_ = Clock::now();
};

// A set of requests that are under way; keeps its memory when cleared.
class Requests {
 public:
  void reserve(std::size_t count) {
    handles_.reserve(count);
    bytes_expected_.reserve(count);
    peers_.reserve(count);
    found_.reserve(count);
    statuses_.reserve(count);
  }
  // bytes_expected: of a receive, whose message must have exactly this size; -1 for others.
  // peer: world rank at the other end; -1: the whole group.
  MPI_Request* add(int peer, int bytes_expected) {
    bytes_expected_.push_back(bytes_expected);
    peers_.push_back(peer);
    found_.push_back(0);
    statuses_.emplace_back();
    ++open_;
    return &handles_.emplace_back(MPI_REQUEST_NULL);
  }
  // Lets messages move and notes those that are complete.
  void test() {
    if (open_ == 0) return;
    int count = 0;
    AESWEEP_MPI(MPI_Testsome(static_cast<int>(handles_.size()), handles_.data(), &count,
                             found_.data(), statuses_.data()));
    if (count == MPI_UNDEFINED) count = 0;
    for (int i = 0; i < count; ++i) check_size(found_[i], statuses_[i]);
    open_ -= static_cast<std::size_t>(count);
  }
  void clear() {
    handles_.clear();
    bytes_expected_.clear();
    peers_.clear();
    found_.clear();
    statuses_.clear();
  }
  [[nodiscard]] std::size_t open() const { return open_; }
  [[nodiscard]] std::size_t size() const { return handles_.size(); }
  [[nodiscard]] bool complete(std::size_t i) const { return handles_[i] == MPI_REQUEST_NULL; }
  // The first of [first, first + count) that is under way; first + count if there is none.
  [[nodiscard]] std::size_t find_open(std::size_t first, std::size_t count) const {
    std::size_t i = first;
    while (i < first + count && complete(i)) ++i;
    return i;
  }
  [[nodiscard]] int peer(std::size_t i) const { return peers_[i]; }
  // Of a receive; 0 for others.
  [[nodiscard]] std::size_t bytes(std::size_t i) const {
    return static_cast<std::size_t>(std::max(bytes_expected_[i], 0));
  }

 private:
  void check_size(int index, MPI_Status& status) const {
    const int expected = bytes_expected_[static_cast<std::size_t>(index)];
    if (expected < 0) return;
    int size = 0;
    AESWEEP_MPI(MPI_Get_count(&status, MPI_BYTE, &size));
    AESWEEP_CHECK(size == expected, text("a message of ", size, " bytes from rank ",
                                         status.MPI_SOURCE, " where ", expected, " are due"));
  }

  std::vector<MPI_Request> handles_;
  std::vector<int> bytes_expected_;
  std::vector<int> peers_;
  std::vector<int> found_;
  std::vector<MPI_Status> statuses_;
  std::size_t open_ = 0;
};

// Calls piece(offset, count) for pieces of at most kPieceBytes.
template <class Piece>
void in_pieces(std::size_t bytes, Piece&& piece) {
  for (std::size_t offset = 0; offset < bytes; offset += kPieceBytes) {
    piece(offset, static_cast<int>(std::min(kPieceBytes, bytes - offset)));
  }
}

}  // namespace

struct MpiExchange::Impl {
  struct Span {  // The requests of one ticket.
    std::size_t first;
    std::size_t count;
  };

  [[nodiscard]] int world_rank(int group_rank) const {
    AESWEEP_CHECK(group_rank >= 0 && group_rank < static_cast<int>(ranks.size()),
                  text("there is no rank ", group_rank, " in a group of ", ranks.size()));
    return ranks[static_cast<std::size_t>(group_rank)];
  }

  void start_send(Requests& set, int to, int tag, std::span<const std::byte> bytes) {
    in_pieces(bytes.size(), [&](std::size_t offset, int count) {
      AESWEEP_MPI(MPI_Isend(bytes.data() + offset, count, MPI_BYTE, world_rank(to), tag, comm,
                            set.add(world_rank(to), -1)));
    });
    bytes_sent += bytes.size();
  }

  void start_receive(Requests& set, int from, int tag, std::span<std::byte> bytes) {
    in_pieces(bytes.size(), [&](std::size_t offset, int count) {
      AESWEEP_MPI(MPI_Irecv(bytes.data() + offset, count, MPI_BYTE, world_rank(from), tag, comm,
                            set.add(world_rank(from), count)));
    });
  }

  Ticket ticket_from(std::size_t first) {
    tickets.push_back({first, pending.size() - first});
    return static_cast<Ticket>(tickets.size() - 1);
  }

  [[nodiscard]] bool complete(Ticket ticket) const {
    AESWEEP_CHECK(ticket >= 0 && static_cast<std::size_t>(ticket) < tickets.size(),
                  "a ticket is used after finish()");
    const auto [first, count] = tickets[static_cast<std::size_t>(ticket)];
    return pending.find_open(first, count) == first + count;
  }

  // Waits until ready() holds, which it does only after tests of `set`: of its requests from
  // `first` on, one at least is then still under way.
  template <class Ready>
  void wait_until(Requests& set, const char* what, std::size_t first, Ready&& ready) {
    set.test();
    if (ready()) return;
    const Stopwatch stopwatch(blocked_seconds);
    const std::size_t open = set.find_open(first, set.size() - first);
    AESWEEP_CHECK(open < set.size(), "a wait for nothing");
    const BlockedWait wait(what, set.peer(open), set.bytes(open));
    Patience patience;
    for (;;) {
      if (poll) poll();
      set.test();
      if (ready()) return;
      patience.pause();
    }
  }

  void make_sum_comm() {
    MPI_Group all = MPI_GROUP_NULL;
    MPI_Group group = MPI_GROUP_NULL;
    AESWEEP_MPI(MPI_Comm_group(comm, &all));
    AESWEEP_MPI(MPI_Group_incl(all, static_cast<int>(ranks.size()), ranks.data(), &group));
    AESWEEP_MPI(MPI_Comm_create_group(comm, group, kShareTag, &sum_comm));
    AESWEEP_MPI(MPI_Comm_set_errhandler(sum_comm, MPI_ERRORS_RETURN));
    AESWEEP_MPI(MPI_Group_free(&group));
    AESWEEP_MPI(MPI_Group_free(&all));
  }

  template <class T>
  Ticket start_sum(std::span<T> values, MPI_Datatype type) {
    const std::size_t first = pending.size();
    if (ranks.size() > 1) {
      if (sum_comm == MPI_COMM_NULL) make_sum_comm();
      in_pieces(values.size_bytes(), [&](std::size_t offset, int bytes) {
        AESWEEP_MPI(MPI_Iallreduce(MPI_IN_PLACE, values.data() + offset / sizeof(T),
                                   bytes / static_cast<int>(sizeof(T)), type, MPI_SUM, sum_comm,
                                   pending.add(-1, -1)));
      });
      bytes_sent += values.size_bytes();
    }
    return ticket_from(first);
  }

  std::vector<int> ranks;  // Of the world.
  int rank = 0;            // In the group.
  std::function<void()> poll;
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Comm sum_comm = MPI_COMM_NULL;
  Requests pending;  // Started since the last finish().
  Requests sharing;
  std::vector<Span> tickets;
  std::uint64_t bytes_sent = 0;
  double blocked_seconds = 0.0;
};

MpiExchange::MpiExchange(World& world, std::vector<int> ranks, std::function<void()> poll)
    : impl_(std::make_unique<Impl>()) {
  const auto self = std::find(ranks.begin(), ranks.end(), world.rank());
  AESWEEP_CHECK(self != ranks.end(), "an exchange is made by the ranks of its group");
  for (int rank : ranks) {
    AESWEEP_CHECK(rank >= 0 && rank < world.ranks(), text("the world has no rank ", rank));
  }
  impl_->rank = static_cast<int>(self - ranks.begin());
  impl_->sharing.reserve(2 * ranks.size());
  impl_->pending.reserve(kRequestsReserved);
  impl_->tickets.reserve(kRequestsReserved);
  impl_->ranks = std::move(ranks);
  impl_->poll = std::move(poll);
  impl_->comm = world.impl().exchange;
}

MpiExchange::~MpiExchange() {
  finish();
  if (impl_->sum_comm != MPI_COMM_NULL) AESWEEP_MPI(MPI_Comm_free(&impl_->sum_comm));
}

int MpiExchange::rank() const { return impl_->rank; }

int MpiExchange::ranks() const { return static_cast<int>(impl_->ranks.size()); }

void MpiExchange::share(std::span<const std::byte> mine, std::span<const std::size_t> counts,
                        std::span<std::byte> all) {
  Impl& impl = *impl_;
  AESWEEP_CHECK(counts.size() == impl.ranks.size(), "share needs one count per rank");
  Requests& set = impl.sharing;
  std::size_t offset = 0;
  for (int from = 0; from < ranks(); ++from) {
    const std::size_t count = counts[static_cast<std::size_t>(from)];
    AESWEEP_CHECK(offset + count <= all.size(), "share's result does not fit");
    const std::span<std::byte> part = all.subspan(offset, count);
    offset += count;
    if (from != impl.rank) {
      impl.start_receive(set, from, kShareTag, part);
      continue;
    }
    AESWEEP_CHECK(mine.size() == count, "share: this rank's part has another size than it said");
    if (count != 0 && part.data() != mine.data()) std::memcpy(part.data(), mine.data(), count);
  }
  for (int i = 1; i < ranks(); ++i) {
    impl.start_send(set, (impl.rank + i) % ranks(), kShareTag, mine);
  }
  impl.wait_until(set, "share", 0, [&set] { return set.open() == 0; });
  set.clear();
}

void MpiExchange::send(int to, int channel, std::span<const std::byte> bytes) {
  AESWEEP_CHECK(to != impl_->rank, "a rank sends to itself");
  AESWEEP_CHECK(channel >= 0 && channel < kChannelsMax, text("there is no channel ", channel));
  impl_->start_send(impl_->pending, to, kFirstChannelTag + channel, bytes);
}

Exchange::Ticket MpiExchange::receive(int from, int channel, std::span<std::byte> bytes) {
  AESWEEP_CHECK(from != impl_->rank, "a rank receives from itself");
  AESWEEP_CHECK(channel >= 0 && channel < kChannelsMax, text("there is no channel ", channel));
  const std::size_t first = impl_->pending.size();
  impl_->start_receive(impl_->pending, from, kFirstChannelTag + channel, bytes);
  return impl_->ticket_from(first);
}

Exchange::Ticket MpiExchange::start_sum(std::span<float> values) {
  return impl_->start_sum(values, MPI_FLOAT);
}

Exchange::Ticket MpiExchange::start_sum(std::span<double> values) {
  return impl_->start_sum(values, MPI_DOUBLE);
}

void MpiExchange::progress() {
  impl_->pending.test();
  if (impl_->poll) impl_->poll();
}

bool MpiExchange::done(Ticket ticket) {
  if (impl_->complete(ticket)) return true;
  impl_->pending.test();
  return impl_->complete(ticket);
}

void MpiExchange::wait(Ticket ticket) {
  if (impl_->complete(ticket)) return;
  impl_->wait_until(impl_->pending, "a message within the step",
                    impl_->tickets[static_cast<std::size_t>(ticket)].first,
                    [this, ticket] { return impl_->complete(ticket); });
}

void MpiExchange::finish() {
  impl_->wait_until(impl_->pending, "the end of the step's messages", 0,
                    [this] { return impl_->pending.open() == 0; });
  impl_->pending.clear();
  impl_->tickets.clear();
}

std::uint64_t MpiExchange::bytes_sent() const { return impl_->bytes_sent; }

double MpiExchange::blocked_seconds() const { return impl_->blocked_seconds; }

}  // namespace aesweep
