#include "runner/plugin_host/entry_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ios>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

// The part of an entry that never moves.
struct EntryHeader {
  std::uint32_t magic;
  std::uint32_t struct_size;
  std::uint16_t abi_major;
  std::uint16_t abi_minor;
  std::uint16_t min_host_minor;
  std::uint16_t flags;
};
static_assert(sizeof(EntryHeader) == 16);
static_assert(offsetof(aesweep_plugin_entry, flags) == offsetof(EntryHeader, flags));

// Entries and components of version 0.1 reach at least this far; what follows may be absent.
constexpr std::uint32_t kEntryBytesMin = offsetof(aesweep_plugin_entry, extension);
constexpr std::uint32_t kComponentBytesMin =
    offsetof(aesweep_component, table) + sizeof(aesweep_component::table);

constexpr const char* kRebuild = "; rebuild the plugin against this version's headers";

Status check_header(const EntryHeader& header, std::uint64_t symbol_bytes) {
  if (header.magic != AESWEEP_ABI_MAGIC) {
    return Status::world(text("not an aesweep plugin: magic number 0x", std::hex, header.magic,
                              ", expected 0x", AESWEEP_ABI_MAGIC,
                              "; export it with AESWEEP_EXPORT_PLUGIN"));
  }
  AESWEEP_RETURN_IF_ERROR(
      check_abi_version(header.abi_major, header.abi_minor, header.min_host_minor));
  if (header.struct_size < kEntryBytesMin) {
    return Status::world(text("its entry is too short: struct_size ", header.struct_size,
                              ", expected at least ", kEntryBytesMin, kRebuild));
  }
  if (header.struct_size > symbol_bytes) {
    return Status::world(text("its entry is shorter than it says: struct_size ", header.struct_size,
                              ", the symbol has ", symbol_bytes, " bytes", kRebuild));
  }
  if (header.flags != 0) {
    return Status::world(
        text("its entry has unknown flags 0x", std::hex, header.flags, ", expected 0", kRebuild));
  }
  return {};
}

Status missing(const std::string& member) {
  return Status::world(text("its entry has no ", member, " (null), expected one", kRebuild));
}

Status check_component(const aesweep_component* component, std::uint32_t index) {
  const std::string where = text("components[", index, "]");
  if (component == nullptr) return missing(where);
  if (component->struct_size < kComponentBytesMin) {
    return Status::world(text(where, " is too short: struct_size ", component->struct_size,
                              ", expected at least ", kComponentBytesMin, kRebuild));
  }
  if (component->kind > AESWEEP_OPTIMIZER) {
    return Status::world(text(where, " has kind ", component->kind, ", not in [0, ",
                              int{AESWEEP_OPTIMIZER}, "]", kRebuild));
  }
  if (component->name == nullptr || component->name[0] == '\0') return missing(where + ".name");
  const std::string named = text(where, " (", component->name, ")");
  if (component->summary == nullptr) return missing(named + ".summary");
  if (component->parameter_count > 0 && component->parameters == nullptr) {
    return missing(named + ".parameters");
  }
  for (const int scalar : {AESWEEP_F32, AESWEEP_F64}) {
    const aesweep_lifecycle* life = component->lifecycle[scalar];
    const std::string of = text("[", scalar, "]");
    if (life == nullptr) return missing(named + ".lifecycle" + of);
    if (life->create == nullptr) return missing(named + ".lifecycle" + of + ".create");
    if (life->destroy == nullptr) return missing(named + ".lifecycle" + of + ".destroy");
    if (life->plan == nullptr) return missing(named + ".lifecycle" + of + ".plan");
    if (component->table[scalar] == nullptr) return missing(named + ".table" + of);
  }
  return {};
}

}  // namespace

Status check_abi_version(unsigned major, unsigned minor, unsigned min_host_minor) {
  const unsigned own_major = AESWEEP_ABI_MAJOR;
  const unsigned own_minor = AESWEEP_ABI_MINOR;
  // Before 1.0 every minor version may change anything.
  const bool runs =
      major == own_major &&
      (own_major == 0 ? minor == own_minor : minor <= own_minor || min_host_minor <= own_minor);
  if (runs) return {};
  return Status::world(text("built for plugin ABI ", major, ".", minor, ", this program has ",
                            own_major, ".", own_minor, kRebuild));
}

Result<aesweep_plugin_entry> check_entry(const void* symbol, std::uint64_t symbol_bytes) {
  EntryHeader header;
  if (symbol_bytes < sizeof(header)) {
    return Status::world(text("its symbol ", AESWEEP_PLUGIN_SYMBOL, " has ", symbol_bytes,
                              " bytes, expected at least ", sizeof(header),
                              "; export it with AESWEEP_EXPORT_PLUGIN"));
  }
  std::memcpy(&header, symbol, sizeof(header));
  AESWEEP_RETURN_IF_ERROR(check_header(header, symbol_bytes));

  aesweep_plugin_entry entry = {};
  const std::size_t known = std::min<std::size_t>(header.struct_size, sizeof(entry));
  std::memcpy(&entry, symbol, known);
  entry.struct_size = static_cast<std::uint32_t>(known);
  if (entry.id == nullptr || entry.id[0] == '\0') return missing("id");
  if (entry.version == nullptr) return missing("version");
  if (entry.components == nullptr || entry.component_count == 0) return missing("components");
  if (entry.init == nullptr) return missing("init");
  for (std::uint32_t i = 0; i < entry.component_count; ++i) {
    AESWEEP_RETURN_IF_ERROR(check_component(entry.components[i], i));
  }
  return entry;
}

}  // namespace aesweep
