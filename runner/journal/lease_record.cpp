#include "runner/journal/lease_record.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/base/text.hpp"
#include "runner/journal/crc32c.hpp"
#include "runner/store/descriptor.hpp"
#include "runner/store/file_calls.hpp"

namespace aesweep {
namespace {

constexpr std::string_view kFormat = "aesweep-lease 1 ";

std::string plain(std::string_view value) {
  std::string cut(value.substr(0, 64));
  for (char& letter : cut) {
    if (letter <= ' ' || letter > '~') letter = '_';
  }
  return cut;
}

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// State and start time of a process, from /proc/PID/stat.
struct ProcessStat {
  char state = '\0';
  std::int64_t start = 0;
};

std::optional<ProcessStat> process_stat(const std::string& pid) {
  std::string line = first_line_of("/proc/" + pid + "/stat");
  // The program's name, in parentheses, may hold anything.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream words(line.substr(name_end + 1));
  ProcessStat stat;
  words >> stat.state;
  std::string skipped;
  constexpr int kStateField = 3, kStartField = 22;
  for (int field = kStateField + 1; field < kStartField; ++field) words >> skipped;
  words >> stat.start;
  if (words.fail()) return {};
  return stat;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

template <class T>
bool parse_number(std::string_view written, T& value) {
  const char* end = written.data() + written.size();
  const auto [stop, error] = std::from_chars(written.data(), end, value);
  return error == std::errc() && stop == end;
}

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t part = ::getrandom(bytes.data() + got, bytes.size() - got, 0);
    if (part > 0) got += static_cast<std::size_t>(part);
    if (part <= 0 && errno != EINTR) break;
  }
  AESWEEP_CHECK(got == bytes.size(), "getrandom failed");
  std::string digits;
  for (const unsigned char byte : bytes) {
    digits += "0123456789abcdef"[byte >> 4];
    digits += "0123456789abcdef"[byte & 15];
  }
  return digits;
}

bool take_field(LeaseHolder& holder, std::string_view name, std::string_view value) {
  if (name == "host") holder.host = value;
  if (name == "boot") holder.boot_id = value;
  if (name == "pid_namespace") holder.pid_namespace = value;
  if (name == "slurm_job") holder.slurm_job = value;
  if (name == "token") holder.token = value;
  if (name == "pid") return parse_number(value, holder.pid);
  if (name == "pid_start") return parse_number(value, holder.pid_start);
  if (name == "slurm_restarts") return parse_number(value, holder.slurm_restarts);
  if (name == "counter") return parse_number(value, holder.counter);
  return true;
}

}  // namespace

std::string encode_lease(const LeaseHolder& holder) {
  std::string fields =
      text("host ", plain(holder.host), "\nboot ", plain(holder.boot_id), "\npid ", holder.pid,
           "\npid_start ", holder.pid_start, "\npid_namespace ", plain(holder.pid_namespace),
           "\nslurm_job ", plain(holder.slurm_job), "\nslurm_restarts ", holder.slurm_restarts,
           "\ntoken ", plain(holder.token), "\ncounter ", holder.counter, "\n");
  const std::size_t head_bytes = kFormat.size() + 8 + 1;
  AESWEEP_CHECK(fields.size() <= kLeaseBytes - head_bytes, "a lease that is too long");
  fields.resize(kLeaseBytes - head_bytes, '\n');
  return text(kFormat, crc32c_hex(fields), "\n", fields);
}

std::optional<LeaseHolder> decode_lease(std::string_view bytes) {
  if (bytes.size() != kLeaseBytes || !bytes.starts_with(kFormat)) return {};
  bytes.remove_prefix(kFormat.size());
  const std::string_view crc = bytes.substr(0, 8);
  if (bytes[8] != '\n') return {};
  bytes.remove_prefix(9);
  if (crc32c_hex(bytes) != crc) return {};
  LeaseHolder holder;
  while (!bytes.empty() && bytes.front() != '\n') {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(line.size());
    if (!bytes.empty()) bytes.remove_prefix(1);
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    if (!take_field(holder, line.substr(0, space), line.substr(space + 1))) return {};
  }
  if (holder.pid <= 0 || holder.token.empty()) return {};
  return holder;
}

Result<std::optional<std::string>> read_lease_bytes(const std::string& path) {
  const Descriptor file(open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return std::optional<std::string>();
  struct stat info {};
  std::string bytes(kLeaseBytes + 1, '\0');
  ssize_t got = -1;
  if (file.get() >= 0 && ::fstat(file.get(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) return Status::world(path + ": is not a regular file");
    got = read_at(file.get(), 0, std::as_writable_bytes(std::span(bytes)));
  }
  if (got < 0) return Status::world(text("cannot read ", path, ": ", errno_text(errno)));
  bytes.resize(static_cast<std::size_t>(got));
  return std::optional(std::move(bytes));
}

LeaseHolder this_process() {
  LeaseHolder holder;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) holder.host = host.data();
  holder.boot_id = first_line_of("/proc/sys/kernel/random/boot_id");
  holder.pid = ::getpid();
  if (const auto stat = process_stat("self")) holder.pid_start = stat->start;
  std::array<char, 64> name_space{};
  if (::readlink("/proc/self/ns/pid", name_space.data(), name_space.size() - 1) > 0) {
    holder.pid_namespace = name_space.data();
  }
  holder.slurm_job = environment("SLURM_JOB_ID");
  static_cast<void>(parse_number(environment("SLURM_RESTART_COUNT"), holder.slurm_restarts));
  holder.token = random_token();
  return holder;
}

std::string holder_text(const LeaseHolder& holder) {
  const std::string job = holder.slurm_job.empty() ? "" : " (Slurm job " + holder.slurm_job + ")";
  return text("pid ", holder.pid, " on ", holder.host, job);
}

bool same_host(const LeaseHolder& holder, const LeaseHolder& self) {
  return !holder.boot_id.empty() && holder.boot_id == self.boot_id &&
         !holder.pid_namespace.empty() && holder.pid_namespace == self.pid_namespace;
}

bool certainly_dead(const LeaseHolder& holder) {
  const LeaseHolder self = this_process();
  if (!holder.slurm_job.empty() && holder.slurm_job == self.slurm_job &&
      holder.slurm_restarts < self.slurm_restarts) {
    return true;
  }
  if (!same_host(holder, self)) return false;
  // Where /proc hides other people's processes only the signal tells.
  if (::kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH) return true;
  const std::optional<ProcessStat> stat = process_stat(std::to_string(holder.pid));
  if (!stat) return false;
  return stat->start != holder.pid_start || stat->state == 'Z' || stat->state == 'X';
}

}  // namespace aesweep
