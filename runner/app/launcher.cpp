#include "runner/app/launcher.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace aesweep {
namespace {

std::optional<int> number_in(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  int number = 0;
  const char* end = value + std::strlen(value);
  const auto read = std::from_chars(value, end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

LaunchPlace launch_place() {
  constexpr const char* kVariables[][2] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                           {"PMI_RANK", "PMI_SIZE"},
                                           {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}};
  for (const auto& [rank_variable, size_variable] : kVariables) {
    const std::optional<int> rank = number_in(rank_variable);
    const std::optional<int> ranks = number_in(size_variable);
    if (rank && ranks && *rank >= 0 && *rank < *ranks) return {*rank, *ranks, true};
  }
  return {};
}

}  // namespace aesweep
