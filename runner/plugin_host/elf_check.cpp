#include "runner/plugin_host/elf_check.hpp"

#include <elf.h>

#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "runner/plugin_host/elf_dynamic.hpp"

namespace aesweep {
namespace {

constexpr const char* kNextStep = "; give the .so that aesweep_add_plugin built";

Status check_identity(const Elf64_Ehdr& header) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return Status::world(
        text("not a shared library: it does not start with the ELF mark", kNextStep));
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64) {
    return Status::world(text("made for another machine (ELF class ", int{header.e_ident[EI_CLASS]},
                              ", machine ", header.e_machine,
                              "), expected 64-bit x86-64 (class 2, machine 62)"
                              "; build it on a machine like this one"));
  }
  if (header.e_type != ET_DYN) {
    return Status::world(text("not a shared library: ELF type ", header.e_type, ", expected ",
                              int{ET_DYN}, kNextStep));
  }
  return {};
}

Status cut_off(std::uint64_t needed, std::uint64_t bytes) {
  return Status::world(text("cut off: its headers need ", needed, " bytes, the file has ", bytes,
                            "; copy or build it again"));
}

// offset + count * size, or the largest number where that overflows.
std::uint64_t end_of(std::uint64_t offset, std::uint64_t count, std::uint64_t size) {
  const std::optional<std::uint64_t> length = checked_multiply(count, size);
  const std::optional<std::uint64_t> end = length ? checked_add(offset, *length) : length;
  return end.value_or(UINT64_MAX);
}

Status check_segments(std::span<const Elf64_Phdr> segments, std::uint64_t bytes) {
  for (const Elf64_Phdr& segment : segments) {
    const std::uint64_t end = end_of(segment.p_offset, segment.p_filesz, 1);
    const bool is_read = segment.p_type == PT_LOAD || segment.p_type == PT_DYNAMIC;
    if (is_read && end > bytes) return cut_off(end, bytes);
    if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X) != 0) {
      return Status::world("asks for an executable stack; link it with -Wl,-z,noexecstack");
    }
  }
  return {};
}

}  // namespace

Status check_elf(const TrustedFile& file) {
  Elf64_Ehdr header;
  if (file.bytes < sizeof(header)) {
    return Status::world(text("not a shared library: ", file.bytes, " bytes, an ELF header has ",
                              sizeof(header), kNextStep));
  }
  AESWEEP_RETURN_IF_ERROR(read_at(file, 0, std::as_writable_bytes(std::span(&header, 1))));
  AESWEEP_RETURN_IF_ERROR(check_identity(header));

  const std::uint64_t sections_end = end_of(header.e_shoff, header.e_shnum, header.e_shentsize);
  if (sections_end > file.bytes) return cut_off(sections_end, file.bytes);
  if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr)) {
    return Status::world(
        text("has no program headers of ", sizeof(Elf64_Phdr), " bytes", kNextStep));
  }
  const std::uint64_t segments_end = end_of(header.e_phoff, header.e_phnum, sizeof(Elf64_Phdr));
  if (segments_end > file.bytes) return cut_off(segments_end, file.bytes);
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  AESWEEP_RETURN_IF_ERROR(
      read_at(file, header.e_phoff, std::as_writable_bytes(std::span(segments))));
  AESWEEP_RETURN_IF_ERROR(check_segments(segments, file.bytes));
  return check_dynamic(file, segments);
}

}  // namespace aesweep
