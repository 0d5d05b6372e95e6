#include "runner/plugin_host/manifest.hpp"

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/text.hpp"
#include "runner/config/node.hpp"
#include "runner/config/number.hpp"
#include "runner/plugin_host/cpu_level.hpp"
#include "runner/plugin_host/entry_check.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {
namespace {

constexpr std::uint64_t kManifestBytesMax = std::uint64_t{64} << 10;
constexpr const char* kNextStep =
    "; build the plugin again with aesweep_add_plugin, which writes it";

// A manifest is part of the plugin, so whatever is wrong with it is the plugin's fault.
Status plugin_fault(const Status& status) {
  return status.ok() ? status : Status::world(status.message() + kNextStep);
}

Result<std::string> read_text(const TrustedFile& file) {
  std::string bytes(file.bytes, '\0');
  AESWEEP_RETURN_IF_ERROR(read_at(file, 0, std::as_writable_bytes(std::span(bytes))).in(file.path));
  return bytes;
}

// Reads scalars of one map; keeps the first fault.
class Members {
 public:
  Members(const Node& map, const std::string& path) : map_(map), path_(path) {}

  std::string word(const char* key) {
    const Node* node = find(map_, key);
    if (node != nullptr && node->kind == NodeKind::kScalar) return node->text;
    fail(node, key, "expected a word");
    return {};
  }

  std::string optional_word(const char* key) {
    return find(map_, key) == nullptr ? std::string() : word(key);
  }

  unsigned number(const char* key) {
    const std::optional<std::int64_t> value = parse_integer(word(key));
    if (value && *value >= 0 && *value <= UINT16_MAX) return static_cast<unsigned>(*value);
    fail(find(map_, key), key, "expected a whole number in [0, 65535]");
    return 0;
  }

  [[nodiscard]] const Status& status() const { return status_; }

 private:
  void fail(const Node* node, const char* key, const std::string& expected) {
    if (!status_.ok()) return;
    const std::string what = node == nullptr ? "is missing" : "found " + found(*node);
    status_ = fault_at(path_, (node == nullptr ? map_ : *node).mark, key, what + ", " + expected);
  }

  const Node& map_;
  const std::string& path_;
  Status status_;
};

Result<Manifest> parse(const std::string& bytes, const std::string& path) {
  const Result<Node> document = read_yaml(bytes, path);
  if (!document.ok()) return document.status();
  if (document->kind != NodeKind::kMap) {
    return fault_at(path, document->mark, "", "expected a map of the plugin's facts");
  }
  Members members(document.value(), path);
  Manifest manifest;
  manifest.path = path;
  manifest.id = members.word("id");
  manifest.kind = members.optional_word("kind");
  manifest.abi_major = members.number("abi_major");
  manifest.abi_minor = members.number("abi_minor");
  manifest.cpu_level = members.word("cpu_level");
  manifest.sha256 = members.word("sha256");
  if (!members.status().ok()) return members.status();
  return manifest;
}

}  // namespace

std::string manifest_path(const std::string& library_path) {
  constexpr std::string_view kSuffix = ".so";
  std::string stem = library_path;
  if (stem.ends_with(kSuffix)) stem.resize(stem.size() - kSuffix.size());
  return stem + ".plugin.yaml";
}

Result<Manifest> read_manifest(const std::string& library_path, const ProgramPlace& place) {
  const Result<TrustedFile> file =
      open_trusted_file(manifest_path(library_path), kManifestBytesMax, place);
  if (!file.ok()) return plugin_fault(file.status());
  const Result<std::string> bytes = read_text(file.value());
  if (!bytes.ok()) return plugin_fault(bytes.status());
  Result<Manifest> manifest = parse(bytes.value(), file->path);
  if (!manifest.ok()) return plugin_fault(manifest.status());
  return manifest;
}

Status check_manifest(const Manifest& manifest, const std::string& library_sha256) {
  if (manifest.sha256 != library_sha256) {
    return Status::world(text("its bytes have the SHA-256 ", library_sha256, ", its manifest says ",
                              manifest.sha256,
                              "; one of the two was changed: build the plugin again"));
  }
  // The entry itself says which host it needs at least; the manifest does not.
  AESWEEP_RETURN_IF_ERROR(check_abi_version(manifest.abi_major, manifest.abi_minor, 0));
  return check_cpu_level(manifest.cpu_level, node_cpu_level());
}

}  // namespace aesweep
