#include "runner/plugin_host/plugin_host.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ios>
#include <system_error>

#include "core/base/text.hpp"
#include "runner/plugin_host/elf_check.hpp"
#include "runner/plugin_host/entry_check.hpp"
#include "runner/plugin_host/manifest.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLibraryBytesMax = std::uint64_t{256} << 20;

// The dynamic linker's message, with the name it was given replaced by the file's own.
std::string linker_message(const std::string& opened_as, const std::string& path) {
  const char* reason = ::dlerror();
  std::string message = reason == nullptr ? "no reason given" : reason;
  for (std::size_t at = 0; (at = message.find(opened_as, at)) != std::string::npos;) {
    message.replace(at, opened_as.size(), path);
    at += path.size();
  }
  return message;
}

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

// Maps the library and runs its constructors. The descriptor stays open for the life of the
// process: the linker remembers libraries by this name, and a reused number would give the first
// one again.
Result<void*> link_library(TrustedFile& file) {
  const std::string name = text("/proc/self/fd/", file.descriptor.release());
  const unsigned float_mode = ::_mm_getcsr();
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  const unsigned float_mode_after = ::_mm_getcsr();
  ::_mm_setcsr(float_mode);
  if (handle == nullptr) {
    return Status::world(text("cannot be linked: ", linker_message(name, file.path),
                              "; build it with -Wl,-z,defs to see what is missing"));
  }
  // The sticky exception flags (the low six bits) are nobody's setting.
  if (((float_mode ^ float_mode_after) & ~0x3fu) != 0) {
    return Status::world(text("changes the floating-point mode when it is loaded (MXCSR 0x",
                              std::hex, float_mode, " to 0x", float_mode_after,
                              "); link it without -ffast-math"));
  }
  return handle;
}

// The exported entry, checked and copied.
Result<aesweep_plugin_entry> find_entry(void* handle) {
  const void* symbol = ::dlsym(handle, AESWEEP_PLUGIN_SYMBOL);
  if (symbol == nullptr) {
    return Status::world(text("not an aesweep plugin: it exports no symbol ", AESWEEP_PLUGIN_SYMBOL,
                              "; export it with AESWEEP_EXPORT_PLUGIN"));
  }
  Dl_info where;
  void* found = nullptr;
  const int known = ::dladdr1(symbol, &where, &found, RTLD_DL_SYMENT);
  const auto* facts = static_cast<const ElfW(Sym)*>(found);
  if (known == 0 || facts == nullptr || ELF64_ST_TYPE(facts->st_info) != STT_OBJECT) {
    return Status::world(text("its symbol ", AESWEEP_PLUGIN_SYMBOL, " is no data object",
                              "; export it with AESWEEP_EXPORT_PLUGIN"));
  }
  return check_entry(symbol, facts->st_size);
}

// The manifest was read before the library spoke for itself; both must say the same.
Status check_same(const Manifest& manifest, const aesweep_plugin_entry& entry) {
  if (manifest.id == entry.id && manifest.abi_major == entry.abi_major &&
      manifest.abi_minor == entry.abi_minor) {
    return {};
  }
  return Status::world(text("calls itself ", entry.id, ", plugin ABI ", entry.abi_major, ".",
                            entry.abi_minor, "; ", manifest.path, " says ", manifest.id, ", ",
                            manifest.abi_major, ".", manifest.abi_minor,
                            "; build the plugin again"));
}

struct Loaded {
  aesweep_plugin_entry entry;
  PluginLibrary library;
};

Result<Loaded> load_checked(TrustedFile& file, const ProgramPlace& place) {
  AESWEEP_RETURN_IF_ERROR(check_elf(file));
  const Result<Manifest> manifest = read_manifest(file.path, place);
  if (!manifest.ok()) return manifest.status();
  const Result<std::string> hash = hash_trusted_file(file);
  if (!hash.ok()) return hash.status();
  AESWEEP_RETURN_IF_ERROR(check_manifest(manifest.value(), hash.value()));

  const Result<void*> handle = link_library(file);
  if (!handle.ok()) return handle.status();
  const Result<aesweep_plugin_entry> entry = find_entry(handle.value());
  if (!entry.ok()) return entry.status();
  AESWEEP_RETURN_IF_ERROR(check_same(manifest.value(), entry.value()));
  return Loaded{entry.value(), {entry->id, entry->version, file.path, hash.value()}};
}

Status load_plugin(const std::string& path, const ProgramPlace& place, Catalogue& catalogue) {
  Result<TrustedFile> file = open_trusted_file(path, kLibraryBytesMax, place);
  if (!file.ok()) return file.status();
  const ExitGuard guard(file->path);
  const Result<Loaded> loaded = load_checked(file.value(), place);
  if (!loaded.ok()) return loaded.status().in(file->path);
  return catalogue.add(loaded->entry, loaded->library);  // Names the file itself.
}

// Every *.so of a folder, by name.
Status load_folder(const std::string& directory, const ProgramPlace& place, Catalogue& catalogue) {
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
    AESWEEP_RETURN_IF_ERROR(load_plugin(path, place, catalogue).in("plugin"));
  }
  return {};
}

}  // namespace

Status load_plugins(const std::vector<std::string>& absolute_paths, Catalogue& catalogue) {
  for (const std::string& path : absolute_paths) {
    AESWEEP_RETURN_IF_ERROR(load_plugin(path, {}, catalogue).in("plugin"));
  }
  return {};
}

Status load_plugin_directory(const std::string& directory, Catalogue& catalogue) {
  return load_folder(directory, {}, catalogue);
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
  return load_folder(directory.value(), {program.st_uid, prefix.string()}, catalogue);
}

}  // namespace aesweep
