#include "runner/hdf5_reader/confine.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLimitMemory = false;  // Its shadow alone is terabytes of address space.
#elif defined(__has_feature)
constexpr bool kLimitMemory = !__has_feature(address_sanitizer);
#else
constexpr bool kLimitMemory = true;
#endif

constexpr rlim_t kDescriptorsMax = 16;

// Never above what the process was given.
Status limit(int resource, rlim_t value, const char* what) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &now) != 0) {
    return Status::world(text("cannot ask for the limit of ", what, ": ", std::strerror(errno)));
  }
  now.rlim_cur = std::min(value, now.rlim_max);
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &now) != 0) {
    return Status::world(text("cannot limit ", what, ": ", std::strerror(errno)));
  }
  return {};
}

// Address space that the program and its libraries have taken by now.
std::uint64_t bytes_mapped() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t pages = 0;
  in >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void close_descriptors_above(unsigned last) {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, last + 1, ~0U, 0U) == 0) return;
#endif
  const long count = std::min(::sysconf(_SC_OPEN_MAX), 65536L);
  for (long number = last + 1; number < count; ++number)
    static_cast<void>(::close(static_cast<int>(number)));
}

}  // namespace

Status confine_process() {
  close_descriptors_above(STDERR_FILENO);
  AESWEEP_RETURN_IF_ERROR(limit(RLIMIT_CORE, 0, "cores"));
  AESWEEP_RETURN_IF_ERROR(limit(RLIMIT_FSIZE, 0, "sizes of files"));
  AESWEEP_RETURN_IF_ERROR(limit(RLIMIT_NOFILE, kDescriptorsMax, "open files"));
  if (kLimitMemory) {
    AESWEEP_RETURN_IF_ERROR(limit(RLIMIT_AS, bytes_mapped() + kReaderMemoryMax, "memory"));
  }
  return allow_processor_time();
}

Status allow_processor_time() {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) != 0) {
    return Status::world(text("cannot ask for the time used: ", std::strerror(errno)));
  }
  const auto seconds = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  return limit(RLIMIT_CPU, seconds + kReaderSecondsMax, "processor time");
}

}  // namespace aesweep
