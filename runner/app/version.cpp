#include "runner/app/version.hpp"

#include <iomanip>
#include <ios>
#include <string_view>

#include "core/abi/plugin.h"
#include "core/base/text.hpp"
#include "core/math/fingerprint.hpp"
#include "core/math/gemm.hpp"
#include "generated/revision.hpp"
#include "runner/comm/world.hpp"
#include "runner/plugin_host/cpu_level.hpp"

namespace aesweep {

std::string software_version() { return AESWEEP_VERSION; }

std::string software_revision() { return AESWEEP_REVISION; }

std::vector<std::pair<std::string, std::string>> platform_facts() {
  const std::string_view built = built_cpu_level();
  return {
      {"BLAS", blas_description()},
      {"MPI", World::library_version()},
      {"HDF5", AESWEEP_HDF5_VERSION},
      {"CPU level", text("built for ", built.empty() ? "the compiler's default" : built,
                         ", this machine has ", cpu_level_name(node_cpu_level()))},
      {"compiler", AESWEEP_COMPILER},
      {"plugin ABI", text(AESWEEP_ABI_MAJOR, ".", AESWEEP_ABI_MINOR)},
      {"numerics", text("version ", kNumericsVersion, ", fingerprint ", numeric_fingerprint())},
  };
}

std::string version_text() {
  std::string out = text("aesweep ", AESWEEP_VERSION, " (revision ", AESWEEP_REVISION, ")");
  for (const auto& [name, value] : platform_facts()) {
    out += text("\n", std::left, std::setw(12), name + ":", value);
  }
  return out;
}

}  // namespace aesweep
