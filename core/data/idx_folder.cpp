#include "core/data/idx_folder.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

Result<std::string> find_named(const std::string& folder, const std::string& name) {
  const std::string plain = (std::filesystem::path(folder) / name).string();
  std::error_code error;  // What cannot be looked at cannot be opened either; open says why.
  const bool has_plain = std::filesystem::exists(plain, error);
  const bool has_packed = std::filesystem::exists(plain + ".gz", error);
  if (has_plain && has_packed) {
    return Status::input(
        text(plain, ": ", name, ".gz is there, too, and may differ; remove one of the two"));
  }
  if (has_plain) return plain;
  if (has_packed) return plain + ".gz";
  if (!std::filesystem::is_directory(folder, error)) {
    return Status::input(text(folder, ": no such folder; an idx source reads ", name,
                              ", plain or .gz, and three more files from it"));
  }
  return Status::input(text(folder, ": holds neither ", name, " nor ", name,
                            ".gz; an idx source needs both splits, images and labels"));
}

}  // namespace

Result<IdxFolderFiles> find_idx_files(const std::string& folder) {
  IdxFolderFiles files;
  const std::pair<const char*, std::string*> names[] = {
      {"train-images-idx3-ubyte", &files.samples},
      {"train-labels-idx1-ubyte", &files.labels},
      {"t10k-images-idx3-ubyte", &files.test_samples},
      {"t10k-labels-idx1-ubyte", &files.test_labels}};
  for (const auto& [name, path] : names) {
    Result<std::string> found = find_named(folder, name);
    AESWEEP_RETURN_IF_ERROR(found.status());
    *path = std::move(found).value();
  }
  return files;
}

}  // namespace aesweep
