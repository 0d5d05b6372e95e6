#include "runner/sweep/terminal.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

// As the kernel shows them, cut to 15 characters.
constexpr std::array<std::string_view, 7> kLaunchers = {
    "mpirun", "mpiexec", "orterun", "prterun", "mpiexec.hydra", "mpiexec.mpich", "hydra_pmi_proxy"};

// Parents to look at: MPICH has a proxy between launcher and rank.
constexpr int kParentsMax = 3;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The fourth field of /proc/PID/stat; the second, a name in parentheses, may hold spaces.
int parent_of(int process) {
  const std::string stat = first_line(text("/proc/", process, "/stat"));
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(stat.substr(name_end + 1));
  std::string state;
  int parent = 0;
  rest >> state >> parent;
  return parent;
}

bool has_terminal(int process) {
  constexpr unsigned kConsoles = 4;    // Linux's device numbers: virtual consoles, then
  constexpr unsigned kPtyFirst = 136;  // the ends of pseudo-terminals that programs use.
  constexpr unsigned kPtyLast = 143;
  struct stat facts {};
  if (stat(text("/proc/", process, "/fd/2").c_str(), &facts) != 0) return false;
  const unsigned device = major(facts.st_rdev);
  return S_ISCHR(facts.st_mode) &&
         (device == kConsoles || (device >= kPtyFirst && device <= kPtyLast));
}

}  // namespace

bool stderr_is_terminal() {
  if (isatty(STDERR_FILENO) == 1) return true;
  int process = getppid();
  for (int i = 0; i < kParentsMax; ++i) {
    const std::string name = first_line(text("/proc/", process, "/comm"));
    if (std::find(kLaunchers.begin(), kLaunchers.end(), name) == kLaunchers.end()) return false;
    if (has_terminal(process)) return true;
    process = parent_of(process);
  }
  return false;
}

}  // namespace aesweep
