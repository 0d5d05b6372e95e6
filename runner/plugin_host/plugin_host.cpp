#include "runner/plugin_host/plugin_host.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "core/base/text.hpp"
#include "runner/plugin_host/library_file.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

// The library whose code runs now; empty: none.
std::string& library_at_work() {
  static std::string path;
  return path;
}

// Runs at the end of the process. A library that ends it, with whatever status, would otherwise
// pass for a run that succeeded.
void refuse_exit() {
  const std::string& path = library_at_work();
  if (path.empty()) return;
  const std::string line =
      text("aesweep: ", path, ": ended the program while it was being loaded; do not use it\n");
  // Nothing can be done if even that cannot be written.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(3);
}

// While it lives, exit() is the library's doing.
class ExitGuard {
 public:
  explicit ExitGuard(const std::string& path) {
    library_at_work() = path;  // Made before the handler is registered, so it outlives it.
    [[maybe_unused]] static const int registered = std::atexit(refuse_exit);
  }
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;
  ~ExitGuard() { library_at_work().clear(); }
};

// `probed`: what the probe found, or null for a library that is trusted without one.
enum class Origin { kProgram, kOutside };

Status load_plugin(const std::string& path, const ProgramPlace& place, Origin origin,
                   const ProbeAnswer* probed, Catalogue& catalogue) {
  Result<CheckedLibrary> checked = check_library(path, place);
  if (!checked.ok()) return checked.status();
  const std::string& file = checked->file.path;
  if (probed != nullptr && probed->sha256 != checked->sha256) {
    return Status::world(text(file, ": changed while it was being loaded: it had the SHA-256 ",
                              probed->sha256, " when it was tried out, it has ", checked->sha256,
                              " now; start again when nothing writes to it"));
  }
  const ExitGuard guard(file);
  Result<LinkedLibrary> linked = link_library(checked.value());
  if (!linked.ok()) return linked.status();
  linked->library.builtin = origin == Origin::kProgram;
  if (probed != nullptr) linked->library.impure = probed->impure;
  return catalogue.add(linked->entry, linked->library);  // Names the file itself.
}

// Every *.so of a folder, by name.
Status load_folder(const std::string& directory, const ProgramPlace& place, Origin origin,
                   Catalogue& catalogue) {
  std::vector<std::string> paths;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".so") paths.push_back(entry->path().string());
  }
  if (error) {
    return Status::world(text("plugin folder ", directory, " cannot be listed: ", error.message(),
                              "; build or install aesweep again, program and folder together"));
  }
  if (paths.empty()) {
    return Status::world(text("plugin folder ", directory, " has no *.so file",
                              "; build or install aesweep again, program and folder together"));
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    AESWEEP_RETURN_IF_ERROR(load_plugin(path, place, origin, nullptr, catalogue).in("plugin"));
  }
  return {};
}

}  // namespace

Status load_plugins(const std::vector<std::string>& absolute_paths, Catalogue& catalogue) {
  for (const std::string& path : absolute_paths) {
    AESWEEP_RETURN_IF_ERROR(
        load_plugin(path, {}, Origin::kOutside, nullptr, catalogue).in("plugin"));
  }
  return {};
}

Status load_probed_plugins(const std::vector<std::string>& absolute_paths, PluginProbe& probe,
                           Catalogue& catalogue) {
  for (const std::string& path : absolute_paths) {
    const Result<ProbeAnswer> answer = probe.probe(path);
    AESWEEP_RETURN_IF_ERROR(answer.status().in("plugin"));
    AESWEEP_RETURN_IF_ERROR(
        load_plugin(path, {}, Origin::kOutside, &answer.value(), catalogue).in("plugin"));
  }
  return {};
}

Status load_plugin_directory(const std::string& directory, Catalogue& catalogue) {
  return load_folder(directory, {}, Origin::kOutside, catalogue);
}

Result<std::string> builtin_plugin_directory() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) {
    return Status::world(text(
        "cannot find this program's own path: /proc/self/exe: ", error.message(), "; mount /proc"));
  }
  return (program.parent_path().parent_path() / "lib" / "aesweep").string();
}

Status load_builtins(Catalogue& catalogue) {
  const Result<std::string> directory = builtin_plugin_directory();
  if (!directory.ok()) return directory.status();
  struct stat program;
  if (::stat("/proc/self/exe", &program) != 0) {
    return Status::world("cannot examine this program: /proc/self/exe; mount /proc");
  }
  const fs::path prefix = fs::path(directory.value()).parent_path().parent_path();
  return load_folder(directory.value(), {program.st_uid, prefix.string()}, Origin::kProgram,
                     catalogue);
}

}  // namespace aesweep
