// FilesSource: samples and labels that lie in files, cut into splits: the sources idx and files.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "core/data/sample_files.hpp"
#include "core/data/source.hpp"
#include "core/data/split_rows.hpp"

namespace aesweep {

// What to read from where, found from the files' headers.
struct FilesPlan {
  SampleFiles files;
  std::optional<SampleFiles> test_files;  // A test set of its own.
  SplitRows rows;  // With patches, the images that each split draws from. test: of test_files.
  DatasetLayout layout{};

  [[nodiscard]] const SampleFiles& files_of_test() const {
    return test_files ? *test_files : files;
  }
};

[[nodiscard]] inline bool has_patches(const DataSpec& spec) {
  return spec.patches.rows != 0 || spec.patches.cols != 0;
}

[[nodiscard]] Result<FilesPlan> plan_files(const DataSpec& spec, const ArrayOpener& open_hdf5);

// Fills the block's samples, unless they are streamed, and labels.
[[nodiscard]] Status load_files(const DataSpec& spec, const FilesPlan& plan,
                                std::span<std::byte> block);

}  // namespace aesweep
