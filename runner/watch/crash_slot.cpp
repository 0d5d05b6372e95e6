#include "runner/watch/crash_slot.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "runner/store/descriptor.hpp"
#include "runner/store/file_calls.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "rank-";
constexpr std::array<char, 8> kMagic = {'a', 'e', 's', 'l', 'o', 't', '0', '1'};

// kNotedApart: the trial has nothing to do with it.
enum Ending : std::uint32_t { kNone = 0, kBeingNoted = 1, kNoted = 2, kNotedApart = 3 };

// What the file holds. Lock-free atomics have the bytes of their values.
struct Slot {
  std::array<char, 8> magic{};
  std::int32_t rank = 0;
  std::atomic<std::int32_t> attempt = 1;
  std::atomic<std::int64_t> trial = -1;
  std::atomic<std::uint32_t> ending = kNone;
  std::uint32_t what_bytes = 0;
  std::array<char, 4064> what{};
};
static_assert(sizeof(Slot) == 4096 && std::atomic<std::int64_t>::is_always_lock_free);

std::atomic<Slot*> armed = nullptr;
std::atomic<pid_t> armed_process = 0;  // A child that a plugin forks is not the rank.

Status cannot(const char* verb, const std::string& path) {
  return Status::world(
      text(path, ": cannot ", verb, ": ", std::strerror(errno), "; look at disk and rights"));
}

// The rank of a slot's name.
std::optional<int> rank_in(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int rank = 0;
  const char* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + kPrefix.size(), end, rank);
  if (read.ec != std::errc() || read.ptr != end || rank < 0) return std::nullopt;
  return rank;
}

std::optional<CrashReport> read_slot(const fs::path& path) {
  Slot slot;
  std::ifstream in(path, std::ios::binary);
  std::array<char, sizeof(Slot) + 1> bytes{};
  in.read(bytes.data(), bytes.size());
  if (in.gcount() != sizeof(Slot)) return std::nullopt;
  std::memcpy(static_cast<void*>(&slot), bytes.data(), sizeof(Slot));
  const std::optional<int> rank = rank_in(path.filename());
  if (slot.magic != kMagic || !rank || slot.rank != *rank || slot.trial < -1 || slot.attempt < 1 ||
      slot.what_bytes > slot.what.size()) {
    return std::nullopt;
  }
  CrashReport report{slot.rank, slot.trial, slot.attempt, {}};
  if (slot.ending == kNotedApart) report.trial = -1;
  if (slot.ending == kNoted || slot.ending == kNotedApart)
    report.what.assign(slot.what.data(), slot.what_bytes);
  // It goes into messages and the journal, and a crash may have spoilt it.
  for (char& c : report.what) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return report;
}

std::vector<fs::path> slots_in(const std::string& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (rank_in(at->path().filename())) paths.push_back(at->path());
  }
  return paths;
}

}  // namespace

struct CrashSlot::Impl {
  Slot* slot = nullptr;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (slot == nullptr) return;
    Slot* own = slot;
    armed.compare_exchange_strong(own, nullptr);
    static_cast<void>(::munmap(slot, sizeof(Slot)));
  }
};

CrashSlot::CrashSlot(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CrashSlot::CrashSlot(CrashSlot&&) noexcept = default;
CrashSlot::~CrashSlot() = default;

Result<CrashSlot> CrashSlot::create(const std::string& folder, int rank) {
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return cannot("make", folder);
  const std::string path = text(folder, "/", kPrefix, rank);
  // A new file: an old one may still be mapped by a rank that is just ending.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return cannot("remove", path);
  const int file = open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
  if (file < 0) return cannot("create", path);
  auto impl = std::make_unique<Impl>();
  // Written, not only made long: a full disk would else be a SIGBUS later.
  Slot empty;
  empty.magic = kMagic;
  empty.rank = rank;
  Status status;
  if (const int error = write_all(file, std::as_bytes(std::span(&empty, 1))); error != 0) {
    errno = error;
    status = cannot("write", path);
  } else {
    void* at = ::mmap(nullptr, sizeof(Slot), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) {
      status = cannot("map", path);
    } else {
      impl->slot = static_cast<Slot*>(at);
    }
  }
  static_cast<void>(::close(file));
  if (!status.ok()) return status;
  return CrashSlot(std::move(impl));
}

void CrashSlot::set_trial(std::int64_t trial, int attempt) {
  // At no instant a trial with another one's attempt.
  impl_->slot->trial = -1;
  impl_->slot->attempt = attempt;
  impl_->slot->trial = trial;
}

void CrashSlot::arm() {
  armed_process = ::getpid();
  armed = impl_->slot;
}

void note_crash(const char* what, bool of_trial) {
  Slot* slot = armed.load();
  if (slot == nullptr || armed_process.load() != ::getpid()) return;
  std::uint32_t none = kNone;
  if (!slot->ending.compare_exchange_strong(none, kBeingNoted)) return;
  const std::size_t count = std::min(std::strlen(what), slot->what.size());
  std::memcpy(slot->what.data(), what, count);
  slot->what_bytes = static_cast<std::uint32_t>(count);
  slot->ending = of_trial ? kNoted : kNotedApart;
}

std::vector<CrashReport> read_crash_slots(const std::string& folder) {
  std::vector<CrashReport> reports;
  for (const fs::path& path : slots_in(folder)) {
    if (const std::optional<CrashReport> report = read_slot(path)) reports.push_back(*report);
  }
  std::sort(reports.begin(), reports.end(),
            [](const CrashReport& a, const CrashReport& b) { return a.rank < b.rank; });
  return reports;
}

void remove_crash_slots(const std::string& folder) {
  std::error_code error;
  for (const fs::path& path : slots_in(folder)) fs::remove(path, error);
}

}  // namespace aesweep
