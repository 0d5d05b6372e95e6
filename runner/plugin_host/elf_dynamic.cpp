#include "runner/plugin_host/elf_dynamic.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kEntriesMax = 4096;
constexpr std::uint64_t kPathsBytesMax = 4096;

// The entries up to DT_NULL of every dynamic segment.
Result<std::vector<Elf64_Dyn>> read_entries(const TrustedFile& file,
                                            std::span<const Elf64_Phdr> segments) {
  std::vector<Elf64_Dyn> all;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_DYNAMIC) continue;
    const std::uint64_t count = segment.p_filesz / sizeof(Elf64_Dyn);
    if (count > kEntriesMax) {
      return Status::world(text("its dynamic section has ", count, " entries, the limit is ",
                                kEntriesMax, "; this is not a plugin"));
    }
    std::vector<Elf64_Dyn> entries(count);
    AESWEEP_RETURN_IF_ERROR(
        read_at(file, segment.p_offset, std::as_writable_bytes(std::span(entries))));
    const auto end = std::find_if(entries.begin(), entries.end(),
                                  [](const Elf64_Dyn& entry) { return entry.d_tag == DT_NULL; });
    all.insert(all.end(), entries.begin(), end);
  }
  return all;
}

// Where in the file the byte lies that will have this address.
std::optional<std::uint64_t> offset_of(std::uint64_t address,
                                       std::span<const Elf64_Phdr> segments) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
        address - segment.p_vaddr < segment.p_filesz) {
      return segment.p_offset + (address - segment.p_vaddr);
    }
  }
  return std::nullopt;
}

// The text at a file's offset, without its zero byte.
Result<std::string> read_text(const TrustedFile& file, std::uint64_t offset) {
  const std::uint64_t left = offset < file.bytes ? file.bytes - offset : 0;
  std::string bytes(std::min(left, kPathsBytesMax + 1), '\0');
  AESWEEP_RETURN_IF_ERROR(read_at(file, offset, std::as_writable_bytes(std::span(bytes))));
  const std::size_t end = bytes.find('\0');
  if (end != std::string::npos) return bytes.substr(0, end);
  return Status::world(text("its library search path (DT_RPATH or DT_RUNPATH) does not end within ",
                            bytes.size(), " bytes; link it without -rpath"));
}

bool is_fixed(std::string_view folder) {
  for (const std::string_view origin : {"$ORIGIN", "${ORIGIN}"}) {
    if (folder == origin || folder.starts_with(std::string(origin) + '/')) return true;
  }
  return folder.starts_with('/');
}

Status check_search_path(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string_view folder = path.substr(begin, end - begin);
    if (!is_fixed(folder)) {
      return Status::world(text("searches libraries in '", folder, "' (DT_RPATH or DT_RUNPATH: ",
                                path, "), which depends on the working directory; link it with"
                                " absolute folders or $ORIGIN, or without -rpath"));
    }
    begin = end + 1;
  }
  return {};
}

}  // namespace

Status check_dynamic(const TrustedFile& file, std::span<const Elf64_Phdr> segments) {
  const Result<std::vector<Elf64_Dyn>> entries = read_entries(file, segments);
  if (!entries.ok()) return entries.status();
  std::optional<std::uint64_t> strings;
  for (const Elf64_Dyn& entry : entries.value()) {
    if (entry.d_tag == DT_STRTAB) strings = offset_of(entry.d_un.d_ptr, segments);
    if (entry.d_tag == DT_TEXTREL ||
        (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL) != 0)) {
      return Status::world("has text relocations (DT_TEXTREL), for which its code would be made"
                           " writable; compile all of it with -fPIC");
    }
  }
  for (const Elf64_Dyn& entry : entries.value()) {
    if (entry.d_tag != DT_RPATH && entry.d_tag != DT_RUNPATH) continue;
    if (!strings || entry.d_un.d_val >= file.bytes) {
      return Status::world("has a library search path outside the file; build it again");
    }
    const Result<std::string> path = read_text(file, *strings + entry.d_un.d_val);
    if (!path.ok()) return path.status();
    AESWEEP_RETURN_IF_ERROR(check_search_path(path.value()));
  }
  return {};
}

}  // namespace aesweep
