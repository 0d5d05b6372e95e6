#include "runner/plugin_check/library_cases.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "core/base/text.hpp"
#include "core/conformance/cases.hpp"
#include "runner/plugin_check/exported_symbols.hpp"
#include "runner/plugin_host/plugin_host.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using conformance::ErrorText;
using conformance::Extended;
using conformance::Grade;
using conformance::Verdict;

Verdict failed(const std::string& what) { return {Grade::kFail, what, ""}; }

// What a host of version 0.2, the oldest that this ABI supports, has of aesweep_host.
constexpr std::uint32_t kOldestHostBytes =
    offsetof(aesweep_host, gemm_f64) + sizeof(aesweep_host::gemm_f64);
// A host that offers no service at all.
constexpr std::uint32_t kBareHostBytes = offsetof(aesweep_host, gemm_f32);

struct Answer {
  std::int32_t status = AESWEEP_OK;
  std::string text;
};

Answer init_with(const Opened& library, const aesweep_host& host) {
  ErrorText error;
  Answer answer;
  answer.status = library.entry.init(&host, &error.members.value);
  answer.text = error.str();
  return answer;
}

// A copy of our host that says it is `bytes` long; what lies behind is null.
aesweep_host shortened(std::uint32_t bytes) {
  aesweep_host host{};
  std::memcpy(&host, &plugin_host_services(), bytes);
  host.struct_size = bytes;
  return host;
}

Verdict refused_extension(const Opened& library) {
  if (library.entry.extension == nullptr) return {};
  for (const char* id : {"", "aesweep.no_such_power/1", "aesweep.fused_backward/1x"}) {
    if (library.entry.extension(id) == nullptr) continue;
    return failed(text("extension('", id, "') is not null; give NULL for ids you do not know"));
  }
  return {};
}

// Components may refuse to work with a bare host, with text; nothing else may go wrong.
Verdict run_bare(const Opened& library, ChildPlace& place) {
  for (const CatalogueEntry& entry : library.catalogue.entries()) {
    for (const conformance::Case& which : conformance::cases()) {
      if (std::strcmp(which.name, "abi-longer") != 0) continue;
      const Verdict verdict = conformance::run_case(which, {&entry, &place});
      // Whatever it says, it said it: no crash, and a refusal without a text says so.
      if (verdict.text.find("gave no reason") != std::string::npos) {
        return failed(
            text("with a host without services, ", entry.component.name, ", ", verdict.text));
      }
    }
  }
  return {};
}

}  // namespace

ProgramPlace place_of_library(const std::string& path) {
  const Result<std::string> directory = builtin_plugin_directory();
  struct stat program;
  if (!directory.ok() || fs::path(path).parent_path() != fs::path(directory.value()) ||
      ::stat("/proc/self/exe", &program) != 0) {
    return {};
  }
  return {program.st_uid, fs::path(directory.value()).parent_path().parent_path().string()};
}

Result<Opened> open_library(const std::string& path) {
  Result<CheckedLibrary> checked = check_library(path, place_of_library(path));
  if (!checked.ok()) return checked.status();
  Result<LinkedLibrary> linked = link_library(checked.value());
  if (!linked.ok()) return linked.status();
  Opened opened;
  opened.entry = linked->entry;
  AESWEEP_RETURN_IF_ERROR(opened.catalogue.add(linked->entry, linked->library));
  return opened;
}

Verdict check_one_symbol(const CheckedLibrary& library) {
  const Result<std::vector<std::string>> symbols = exported_symbols(library.file);
  if (!symbols.ok()) return failed(symbols.status().message());
  if (symbols.value() == std::vector<std::string>{AESWEEP_PLUGIN_SYMBOL}) {
    return {Grade::kOk, text("exports ", AESWEEP_PLUGIN_SYMBOL, " alone"), ""};
  }
  std::string others;
  std::size_t count = 0;
  for (const std::string& name : symbols.value()) {
    if (name == AESWEEP_PLUGIN_SYMBOL) continue;
    if (++count <= 3) others += (others.empty() ? "" : ", ") + name;
  }
  if (count == symbols->size()) {
    return failed(text("exports no symbol ", AESWEEP_PLUGIN_SYMBOL,
                       "; export it with AESWEEP_EXPORT_PLUGIN"));
  }
  return failed(text("exports ", symbols->size(), " symbols, expected ", AESWEEP_PLUGIN_SYMBOL,
                     " alone; also ", others, count > 3 ? ", ..." : "",
                     "; hide them with -fvisibility=hidden and a version script, as"
                     " aesweep_add_plugin does"));
}

Verdict check_newer_host(const Opened& library) {
  Extended<aesweep_host> host(true);
  host.set(plugin_host_services());
  const Answer answer = init_with(library, host.value);
  if (answer.status != AESWEEP_OK) {
    return failed(text("init refuses a host of struct_size ", host.value.struct_size, ": ",
                       conformance::status_text(answer.status), ": ", answer.text,
                       "; take the members you know, ignore the rest"));
  }
  if (!host.tail_intact()) return failed("init writes to the host's struct");
  return {};
}

Verdict check_older_host(const Opened& library, ChildPlace& place) {
  for (int times = 0; times < 2; ++times) {
    const Answer again = init_with(library, shortened(kOldestHostBytes));
    if (again.status != AESWEEP_OK) {
      return failed(text("init, called again with the oldest supported host: ",
                         conformance::status_text(again.status), ": ", again.text,
                         "; it may be called more than once"));
    }
  }
  const Answer bare = init_with(library, shortened(kBareHostBytes));
  if (bare.status != AESWEEP_OK && bare.text.empty()) {
    return failed("init refuses a host without services, but without a text; say why");
  }
  if (bare.status == AESWEEP_OK) {
    const Verdict verdict = run_bare(library, place);
    if (verdict.grade == Grade::kFail) return verdict;
  }
  aesweep_host other = plugin_host_services();
  other.abi_major = AESWEEP_ABI_MAJOR + 1;
  const Answer newer = init_with(library, other);
  static_cast<void>(init_with(library, plugin_host_services()));
  if (newer.status != AESWEEP_OK && newer.text.empty()) {
    return failed("init refuses a host of another major version without a text; say why");
  }
  const Verdict extension = refused_extension(library);
  if (extension.grade == Grade::kFail) return extension;
  if (newer.status == AESWEEP_OK) {
    return {Grade::kWarn,
            text("init accepts a host of ABI ", AESWEEP_ABI_MAJOR + 1, ".", AESWEEP_ABI_MINOR,
                 ", whose structs it cannot know; compare abi_major"),
            ""};
  }
  return {Grade::kOk, "init again, shorter hosts, another major version, unknown extensions", ""};
}

}  // namespace aesweep
