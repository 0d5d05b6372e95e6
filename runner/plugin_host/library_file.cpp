#include "runner/plugin_host/library_file.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <xmmintrin.h>

#include <ios>

#include "core/base/text.hpp"
#include "runner/plugin_host/elf_check.hpp"
#include "runner/plugin_host/entry_check.hpp"

namespace aesweep {
namespace {

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

// Maps the library and runs its constructors. The descriptor stays open for the life of the
// process: the linker remembers libraries by this name, and a reused number would give the first
// one again.
Result<void*> map_library(TrustedFile& file) {
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

Status check_opened(CheckedLibrary& library, const ProgramPlace& place) {
  AESWEEP_RETURN_IF_ERROR(check_elf(library.file));
  Result<Manifest> manifest = read_manifest(library.file.path, place);
  if (!manifest.ok()) return manifest.status();
  Result<std::string> hash = hash_trusted_file(library.file);
  if (!hash.ok()) return hash.status();
  library.manifest = std::move(manifest).value();
  library.sha256 = std::move(hash).value();
  return check_manifest(library.manifest, library.sha256);
}

Result<LinkedLibrary> link_checked(CheckedLibrary& library) {
  const Result<void*> handle = map_library(library.file);
  if (!handle.ok()) return handle.status();
  const Result<aesweep_plugin_entry> entry = find_entry(handle.value());
  if (!entry.ok()) return entry.status();
  AESWEEP_RETURN_IF_ERROR(check_same(library.manifest, entry.value()));
  return LinkedLibrary{entry.value(),
                       {entry->id, entry->version, library.file.path, library.sha256}};
}

}  // namespace

Result<CheckedLibrary> check_library(const std::string& path, const ProgramPlace& place) {
  Result<TrustedFile> file = open_trusted_file(path, kLibraryBytesMax, place);
  if (!file.ok()) return file.status();
  CheckedLibrary library{std::move(file).value(), {}, {}};
  AESWEEP_RETURN_IF_ERROR(check_opened(library, place).in(library.file.path));
  return library;
}

Result<LinkedLibrary> link_library(CheckedLibrary& library) {
  Result<LinkedLibrary> linked = link_checked(library);
  if (!linked.ok()) return linked.status().in(library.file.path);
  return linked;
}

}  // namespace aesweep
