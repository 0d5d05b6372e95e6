#include "runner/app/plugin_new_command.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/model/catalogue.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameMax = 64;
constexpr std::uint64_t kTemplateBytesMax = std::uint64_t{1} << 20;

// What cannot be an identifier in C++20, and what the templates use by these or the capitalized
// names.
constexpr std::string_view kReserved =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t"
    " char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr"
    " constinit continue decltype default delete do double dynamic_cast else enum explicit export"
    " extern false float for friend goto if inline int long mutable namespace new noexcept not"
    " not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires"
    " return short signed sizeof static static_assert static_cast struct switch template this"
    " thread_local throw true try typedef typeid typename union unsigned using virtual void"
    " volatile wchar_t while xor xor_eq chunk eigen op real sdk std ";

Status check_plugin_name(const std::string& name) {
  const auto fits = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool begins = !name.empty() && name[0] >= 'a' && name[0] <= 'z';
  if (!begins || name.size() > kNameMax || !std::all_of(name.begin(), name.end(), fits)) {
    return Status::input(text("NAME: '", name, "' is not [a-z][a-z0-9_]* of at most ", kNameMax,
                              " characters; choose a name such as soft_sign"));
  }
  if (kReserved.find(" " + name + " ") != std::string_view::npos) {
    return Status::input(text("NAME: '", name, "' is a word of C++ or of the plugin SDK",
                              "; choose another name, such as my_", name));
  }
  return {};
}

// "leaky_relu" becomes "LeakyRelu".
std::string class_name(std::string_view name) {
  std::string out;
  bool first = true;
  for (const char c : name) {
    if (c == '_') {
      first = true;
      continue;
    }
    out += first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    first = false;
  }
  return out;
}

using Words = std::map<std::string, std::string>;  // "@NAME@" and what takes its place.

// In a quoted CMake argument the path stands for itself.
std::string quoted_for_cmake(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == '\\' || c == '"' || c == '$') out += '\\';
    out += c;
  }
  return out;
}

Result<std::string> fill(const fs::path& path, const Words& words) {
  const Result<std::vector<std::byte>> bytes = read_file(path.string(), kTemplateBytesMax);
  if (!bytes.ok()) {
    return Status::world(bytes.status().message() + "; install aesweep again, as a whole");
  }
  std::string out(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  for (const auto& [word, value] : words) {
    for (std::size_t at = 0; (at = out.find(word, at)) != std::string::npos; at += value.size()) {
      out.replace(at, word.size(), value);
    }
  }
  return out;
}

Status write(const fs::path& path, const std::string& contents) {
  std::ofstream out(path, std::ios::binary);
  out << contents;
  out.close();
  if (out) return {};
  return Status::world(text(path.string(), ": cannot be written; look for space and permissions"));
}

// "activation", or "activation_learned" for --example learned.
Result<std::string> template_of(const PluginNewOptions& options) {
  if (options.example.empty()) return options.kind;
  if (options.kind == "activation" && options.example == "learned") {
    return std::string("activation_learned");
  }
  return Status::input(text("--example ", options.example, ": kind ", options.kind, " has ",
                            options.kind == "activation" ? "the example learned" : "no examples",
                            "; see aesweep plugin new --help"));
}

Status write_project(const PluginNewOptions& options, const std::string& example,
                     const fs::path& folder) {
  // A plugin in a folder that others can write to is refused, and an umask like 002 makes such.
  std::error_code error;
  fs::permissions(folder, fs::perms::group_write | fs::perms::others_write,
                  fs::perm_options::remove, error);
  if (error) return Status::world(text("./", options.name, ": ", error.message()));
  const Result<std::string> plugins = builtin_plugin_directory();
  if (!plugins.ok()) return plugins.status();
  const fs::path prefix = fs::path(plugins.value()).parent_path().parent_path();
  const fs::path templates = prefix / "share" / "aesweep" / "templates";
  const Words words = {{"@NAME@", options.name},
                       {"@CLASS@", class_name(options.name)},
                       {"@KIND@", options.kind},
                       {"@PREFIX@", quoted_for_cmake(prefix.string())}};
  const std::vector<std::pair<std::string, std::string>> files = {
      {"CMakeLists.txt.in", "CMakeLists.txt"},
      {"README.md.in", "README.md"},
      {example + ".cpp.in", options.name + ".cpp"},
      {example + ".yaml.in", "experiment.yaml"}};
  for (const auto& [from, to] : files) {
    const Result<std::string> contents = fill(templates / from, words);
    if (!contents.ok()) return contents.status();
    AESWEEP_RETURN_IF_ERROR(write(folder / to, contents.value()));
  }
  return {};
}

// Said now, so that nobody is surprised when an experiment runs. Where the built-ins cannot be
// loaded, the commands that need them say so.
std::string note_on_builtins(const PluginNewOptions& options) {
  Catalogue catalogue;
  if (!load_builtins(catalogue).ok()) return "";
  for (const CatalogueEntry& entry : catalogue.entries()) {
    const std::string_view kind = kind_name(static_cast<aesweep_kind>(entry.component.kind));
    if (kind == options.kind && entry.component.name == options.name) {
      return text("Note: there is a built-in ", kind, " ", options.name,
                  ". Experiments that list this library use yours.\n");
    }
  }
  return "";
}

}  // namespace

Status new_plugin(const PluginNewOptions& options) {
  AESWEEP_RETURN_IF_ERROR(check_plugin_name(options.name));
  const Result<std::string> example = template_of(options);
  if (!example.ok()) return example.status();
  const fs::path folder = options.name;
  std::error_code error;
  if (!fs::create_directory(folder, error)) {
    // Without an error it was there as a folder.
    const bool present = !error || fs::exists(fs::symlink_status(folder));
    if (present) {
      return Status::input(text("./", options.name,
                                " is already there; choose another name or"
                                " another folder to work in"));
    }
    return Status::world(text("./", options.name, " cannot be made: ", error.message()));
  }
  const Status written = write_project(options, example.value(), folder);
  if (!written.ok()) {
    fs::remove_all(folder, error);
    return written;
  }
  const std::string& name = options.name;
  const std::string out =
      text("./", name, " holds ", name, ".cpp, an example to change into your ", options.kind,
           ". Next:\n\n", "  cmake -S ", name, " -B ", name, "/b && cmake --build ", name, "/b\n",
           "  aesweep plugin check ", name, "/b/lib", name, ".so\n", "  aesweep run ", name,
           "/experiment.yaml\n", note_on_builtins(options));
  std::fputs(out.c_str(), stdout);
  return {};
}

}  // namespace aesweep
