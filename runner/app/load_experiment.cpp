#include "runner/app/load_experiment.hpp"

#include <cstddef>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/file.hpp"
#include "runner/config/node.hpp"
#include "runner/plugin_host/plugin_host.hpp"
#include "runner/weights/read_weights.hpp"

namespace aesweep {

Result<std::string> read_experiment(const std::string& path) {
  const Result<std::vector<std::byte>> bytes = read_file(path, YamlLimits().bytes);
  if (!bytes.ok()) {
    std::error_code unknown;  // What cannot be looked at gets the system's reason alone.
    const bool missing = !std::filesystem::exists(path, unknown) && !unknown;
    if (!missing) return bytes.status();
    return Status::input(bytes.status().message() + "; give the path of an experiment file");
  }
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

Result<Experiment> load_experiment(std::string bytes, const ExperimentOptions& options,
                                   PluginProbe& probe, Catalogue& catalogue) {
  AESWEEP_RETURN_IF_ERROR(load_builtins(catalogue));
  const Result<Document> document =
      parse_experiment(std::move(bytes), options.path, options.overrides);
  if (!document.ok()) return document.status();
  for (const NamedPlugin& plugin : document->plugins()) {
    AESWEEP_RETURN_IF_ERROR(load_probed_plugins({plugin.path}, probe, catalogue).in(plugin.where));
  }
  return resolve_experiment(document.value(), catalogue, options.data_dir, read_weights);
}

}  // namespace aesweep
