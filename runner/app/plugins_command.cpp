#include "runner/app/plugins_command.hpp"

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "core/base/table.hpp"
#include "core/base/text.hpp"
#include "core/model/catalogue.hpp"
#include "core/model/parameters.hpp"
#include "runner/app/plugin_probe.hpp"
#include "runner/config/values.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string kind_of(const aesweep_component& component) {
  return std::string(kind_name(static_cast<aesweep_kind>(component.kind)));
}

std::string type_name(std::uint32_t type) {
  switch (type) {
    case AESWEEP_BOOLEAN:
      return "boolean";
    case AESWEEP_INTEGER:
      return "integer";
    case AESWEEP_REAL:
      return "real";
    case AESWEEP_CHOICE:
      return "choice";
    case AESWEEP_TEXT:
      return "name";
    default:
      return text("type ", type);
  }
}

// Parameters are walked with the stride that the library was compiled with.
const aesweep_parameter_info& parameter_at(const aesweep_component& component, std::uint32_t i) {
  const auto* first = reinterpret_cast<const std::byte*>(component.parameters);
  return *reinterpret_cast<const aesweep_parameter_info*>(
      first + std::size_t{i} * component.parameters->struct_size);
}

Rows component_rows(const Catalogue& catalogue) {
  Rows rows;
  for (const CatalogueEntry& entry : catalogue.entries()) {
    rows.push_back({kind_of(entry.component), entry.component.name, entry.library->id,
                    entry.component.summary});
  }
  return rows;
}

Rows parameter_rows(const Catalogue& catalogue) {
  Rows rows;
  for (const CatalogueEntry& entry : catalogue.entries()) {
    for (std::uint32_t i = 0; i < entry.component.parameter_count; ++i) {
      const aesweep_parameter_info& info = parameter_at(entry.component, i);
      const bool required = (info.flags & AESWEEP_REQUIRED) != 0;
      rows.push_back({kind_of(entry.component), entry.component.name, info.name,
                      type_name(info.type), required ? "required" : shown(default_value(info)),
                      accepted_values(info), info.summary == nullptr ? "" : info.summary});
    }
  }
  return rows;
}

Rows library_rows(const Catalogue& catalogue) {
  Rows rows;
  for (const auto& library : catalogue.libraries()) {
    rows.push_back({library->id, library->version, library->sha256.substr(0, 12), library->path});
  }
  return rows;
}

// Of the libraries, as the command line has them: relative to the working directory.
Result<std::vector<std::string>> absolute_paths(const std::vector<std::string>& given) {
  std::vector<std::string> paths;
  for (const std::string& one : given) {
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::absolute(one, error);
    if (error || one.empty()) return Status::input(text("'", one, "' is no path of a library"));
    paths.push_back(whole.lexically_normal().string());
  }
  return paths;
}

}  // namespace

Status list_plugins(const PluginsOptions& options) {
  const Result<std::vector<std::string>> paths = absolute_paths(options.libraries);
  if (!paths.ok()) return paths.status();
  Catalogue catalogue;
  AESWEEP_RETURN_IF_ERROR(load_builtins(catalogue));
  Result<PluginProbe> probe = start_plugin_probe();
  if (!probe.ok()) return probe.status();
  AESWEEP_RETURN_IF_ERROR(load_probed_plugins(paths.value(), probe.value(), catalogue));
  const std::vector<std::string> components = {"kind", "name", "library", "formula"};
  const std::vector<std::string> parameters = {"kind",    "name",     "parameter", "type",
                                               "default", "accepted", "meaning"};
  const std::vector<std::string> libraries = {"library", "version", "sha256", "path"};
  const std::string out =
      text("Components\n\n", format_table(components, component_rows(catalogue)),
           "\nParameters\n\n", format_table(parameters, parameter_rows(catalogue)),
           "\nLibraries\n\n", format_table(libraries, library_rows(catalogue)));
  std::fputs(out.c_str(), stdout);
  return {};
}

}  // namespace aesweep
