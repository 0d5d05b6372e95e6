#include "runner/app/trial_origin.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "core/base/text.hpp"
#include "core/data/source.hpp"
#include "core/math/fingerprint.hpp"
#include "runner/config/canonical.hpp"
#include "runner/plugin_host/plugin_host.hpp"
#include "runner/sweep/services.hpp"
#include "runner/sweep/start_plan.hpp"
#include "runner/sweep/trial_keys.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

// Of relative paths where the run's experiment is no longer known to have been.
constexpr const char* kPresentFolder = "experiment of the results";

Result<Document> experiment_at(const ResultsReader& results, const std::string& path) {
  auto texts = results.experiment();
  if (!texts.ok()) return texts.status();
  return parse_experiment(std::move(texts->first), path, overrides_of(texts->second));
}

Result<DataSpec> find_trial_data(const ResultsReader& results, const std::string& data_dir) {
  Result<Document> document = stored_experiment(results);
  if (!document.ok()) return document.status();
  Result<DataSpec> found = data_of(*document, data_dir);
  if (found.ok()) return found;
  Result<std::string> recorded = results.fact("data_path");
  if (!recorded.ok()) return recorded.status();
  const std::string folder = data_folder_of(*document, *recorded);
  if (!folder.empty()) {
    if (Result<DataSpec> there = data_of(*document, folder); there.ok()) return there;
  }
  Result<Document> here = experiment_at(results, kPresentFolder);
  if (!here.ok()) return here.status();
  if (Result<DataSpec> there = data_of(*here, data_dir); there.ok()) return there;
  return found;
}

std::string kind_of(const CatalogueEntry& entry) {
  return std::string(kind_name(static_cast<aesweep_kind>(entry.component.kind)));
}

// Libraries from which jobs of the run took the component.
std::vector<const StoredPlugin*> recorded_libraries(const ResultsReader& results,
                                                    const CatalogueEntry& entry) {
  std::vector<const StoredPlugin*> recorded;
  for (const StoredPlugin& plugin : results.plugins()) {
    if (plugin.kind == kind_of(entry) && plugin.name == entry.component.name) {
      recorded.push_back(&plugin);
    }
  }
  return recorded;
}

// Whether the key is that of these data, with each component from the library that is here or from
// one that a job of the run used, and under any version of the numerics.
bool is_key_of(const StoredOrigin& origin, const std::string& fingerprint, const TrialSpec& spec,
               const Catalogue& catalogue) {
  constexpr int kTriedMax = 4096;
  KeyParts parts{origin.config, fingerprint, kNumericsVersion, {}};
  std::vector<std::vector<std::string>> libraries;
  for (const CatalogueEntry* entry : used_components(spec, catalogue)) {
    parts.components.emplace_back(text(kind_of(*entry), ' ', entry->component.name), "");
    std::vector<std::string>& hashes = libraries.emplace_back();
    hashes.push_back(entry->library->sha256);
    for (const StoredPlugin* plugin : recorded_libraries(origin.results, *entry)) {
      const bool known = std::find(hashes.begin(), hashes.end(), plugin->sha256) != hashes.end();
      if (!known) hashes.push_back(plugin->sha256);
    }
  }
  std::vector<std::size_t> choice(libraries.size(), 0);
  for (int tried = 0; tried < kTriedMax; ++tried) {
    for (std::size_t i = 0; i < choice.size(); ++i) {
      parts.components[i].second = libraries[i][choice[i]];
    }
    for (parts.numerics_version = kNumericsVersion; parts.numerics_version > 0;
         --parts.numerics_version) {
      if (key_of(parts) == origin.trial.key) return true;
    }
    std::size_t next = 0;
    while (next < choice.size() && ++choice[next] == libraries[next].size()) choice[next++] = 0;
    if (next == choice.size()) return false;
  }
  return false;
}

// The section `data` of a resolved configuration.
std::vector<std::string> data_lines(const std::string& config) {
  std::vector<std::string> lines;
  std::istringstream in(config);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(' ')) inside = line == "data:";
    if (inside && line.starts_with(' ')) lines.push_back(line.substr(line.find_first_not_of(' ')));
  }
  return lines;
}

// How the sections differ: "seed: 1 then, seed: 2 now".
std::string data_change(const std::string& then, const std::string& now) {
  const std::vector<std::string> before = data_lines(then);
  const std::vector<std::string> after = data_lines(now);
  const auto [left, right] =
      std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  if (left == before.end() && right == after.end()) return "the keys are the same, the samples not";
  return text("data: ", left == before.end() ? "(nothing)" : *left, " then, ",
              right == after.end() ? "(nothing)" : *right, " in the run's last experiment");
}

}  // namespace

Result<Document> stored_experiment(const ResultsReader& results) {
  Result<std::string> path = results.fact("experiment_path");
  if (!path.ok()) return path.status();
  return experiment_at(results, path->empty() ? kPresentFolder : *path);
}

Status load_components(const Document& document, const std::vector<std::string>& plugins,
                       PluginProbe& probe, Catalogue& catalogue) {
  AESWEEP_RETURN_IF_ERROR(load_builtins(catalogue));
  std::vector<fs::path> names;
  for (const std::string& plugin : plugins) {
    const fs::path path = fs::absolute(plugin);
    names.push_back(path.filename());
    AESWEEP_RETURN_IF_ERROR(load_probed_plugins({path.string()}, probe, catalogue));
  }
  for (const NamedPlugin& plugin : document.plugins()) {
    const fs::path name = fs::path(plugin.path).filename();
    std::error_code ignored;
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (!fs::exists(plugin.path, ignored)) continue;  // The trial may do without it.
    AESWEEP_RETURN_IF_ERROR(load_probed_plugins({plugin.path}, probe, catalogue).in(plugin.where));
  }
  return {};
}

Status check_components(const StoredOrigin& origin, const TrialSpec& spec,
                        const Catalogue& catalogue, std::vector<std::string>& warnings) {
  constexpr std::size_t kShownDigits = 12;
  for (const CatalogueEntry* entry : used_components(spec, catalogue)) {
    const auto recorded = recorded_libraries(origin.results, *entry);
    const PluginLibrary& library = *entry->library;
    const bool same =
        std::any_of(recorded.begin(), recorded.end(),
                    [&](const StoredPlugin* plugin) { return plugin->sha256 == library.sha256; });
    if (same || recorded.empty()) continue;
    const StoredPlugin& used = *recorded.back();
    const std::string what =
        text(kind_of(*entry), ' ', entry->component.name, ": the run took it from ", used.library,
             " (", used.sha256.substr(0, kShownDigits), "), here is ", library.id, " (",
             library.sha256.substr(0, kShownDigits), ")");
    if (!library.builtin || library.id != used.library) {
      return Status::input(text(what, "; name the run's own library by --plugin"));
    }
    warnings.push_back(what + ", another build: codes may differ");
  }
  return {};
}

Result<std::unique_ptr<RunData>> load_trial_data(const StoredOrigin& origin,
                                                 const std::string& data_dir, const TrialSpec& spec,
                                                 const Catalogue& catalogue) {
  Result<DataSpec> found = find_trial_data(origin.results, data_dir);
  if (!found.ok()) return found.status();
  Result<DatasetLayout> layout = inspect(*found, hdf5_opener());
  if (!layout.ok()) return layout.status();
  auto data = std::make_unique<RunData>();
  data->block = Buffer<std::byte>(static_cast<std::size_t>(layout->bytes));
  AESWEEP_RETURN_IF_ERROR(load(*found, layout.value(), data->block.span(), hdf5_opener()));
  Result<Dataset> dataset = view(*found, layout.value(), data->block.span());
  if (!dataset.ok()) return dataset.status();
  data->dataset = std::move(*dataset);
  if (!is_key_of(origin, data->dataset.fingerprint, spec, catalogue)) {
    return Status::input(
        text("the data", found->path.empty() ? "" : " at ", found->path, " are not what trial ",
             origin.trial.number, " was trained on (",
             data_change(origin.config, canonical_text(spec, *found)),
             "); give the trial's own data by --data-dir, or samples by --data FILE"));
  }
  return data;
}

}  // namespace aesweep
