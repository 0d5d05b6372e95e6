#include "runner/plugin_check/exported_symbols.hpp"

#include <elf.h>

#include <algorithm>
#include <span>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kTableBytesMax = std::uint64_t{64} << 20;

template <class Item>
Result<std::vector<Item>> read_items(const TrustedFile& file, std::uint64_t offset,
                                     std::uint64_t bytes) {
  if (bytes > kTableBytesMax || offset > file.bytes || bytes > file.bytes - offset) {
    return Status::world("its symbol table lies outside of the file; build it again");
  }
  std::vector<Item> items(bytes / sizeof(Item));
  AESWEEP_RETURN_IF_ERROR(read_at(file, offset, std::as_writable_bytes(std::span(items))));
  return items;
}

bool is_exported(const Elf64_Sym& symbol) {
  const unsigned binding = ELF64_ST_BIND(symbol.st_info);
  const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  return symbol.st_shndx != SHN_UNDEF && symbol.st_name != 0 &&
         (binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE) &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

}  // namespace

Result<std::vector<std::string>> exported_symbols(const TrustedFile& file) {
  Elf64_Ehdr header;
  AESWEEP_RETURN_IF_ERROR(read_at(file, 0, std::as_writable_bytes(std::span(&header, 1))));
  const Result<std::vector<Elf64_Shdr>> sections = read_items<Elf64_Shdr>(
      file, header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
  if (!sections.ok()) return sections.status();
  const auto table = std::find_if(sections->begin(), sections->end(),
                                  [](const Elf64_Shdr& s) { return s.sh_type == SHT_DYNSYM; });
  if (table == sections->end() || table->sh_link >= sections->size()) {
    return Status::world("has no table of dynamic symbols; do not strip its section headers");
  }
  const Elf64_Shdr& words = sections.value()[table->sh_link];
  const auto symbols = read_items<Elf64_Sym>(file, table->sh_offset, table->sh_size);
  if (!symbols.ok()) return symbols.status();
  const auto names = read_items<char>(file, words.sh_offset, words.sh_size);
  if (!names.ok()) return names.status();
  std::vector<std::string> exported;
  for (const Elf64_Sym& symbol : symbols.value()) {
    if (!is_exported(symbol) || symbol.st_name >= names->size()) continue;
    const auto begin = names->begin() + symbol.st_name;
    exported.emplace_back(begin, std::find(begin, names->end(), '\0'));
  }
  std::sort(exported.begin(), exported.end());
  return exported;
}

}  // namespace aesweep
