#include "runner/plugin_host/cpu_level.hpp"

#include <array>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"x86-64", "x86-64-v2", "x86-64-v3",
                                                     "x86-64-v4"};

}  // namespace

int cpu_level_number(std::string_view level) {
  if (level.empty()) return 1;
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (level == kLevels[i]) return static_cast<int>(i) + 1;
  }
  return 0;
}

int node_cpu_level() {
  if (__builtin_cpu_supports("x86-64-v4")) return 4;
  if (__builtin_cpu_supports("x86-64-v3")) return 3;
  if (__builtin_cpu_supports("x86-64-v2")) return 2;
  return 1;
}

std::string cpu_level_name(int number) {
  return std::string(kLevels.at(static_cast<std::size_t>(number - 1)));
}

std::string_view built_cpu_level() { return AESWEEP_BUILT_CPU_LEVEL; }

Status check_cpu_level(std::string_view needed, int found) {
  const int number = cpu_level_number(needed);
  if (number > found) {
    return Status::world(text("needs CPU level ", needed, ", this machine has ",
                              cpu_level_name(found),
                              "; build with -DAESWEEP_CPU_LEVEL=", cpu_level_name(found)));
  }
  if (number == 0 && needed != built_cpu_level()) {
    return Status::world(text("was built for the CPU level ", needed,
                              ", expected x86-64, x86-64-v2, x86-64-v3, x86-64-v4 or this program's"
                              " own, ",
                              built_cpu_level(), "; build it for one of them"));
  }
  return {};
}

}  // namespace aesweep
