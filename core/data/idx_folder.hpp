// A folder with the four published MNIST file names, each plain or with .gz.
//
//   train-images-idx3-ubyte   train-labels-idx1-ubyte   t10k-images-idx3-ubyte   t10k-labels-...
//
// A file that is there both plain and as .gz is refused. Faults name the file.
#pragma once

#include <string>

#include "core/base/status.hpp"

namespace aesweep {

struct IdxFolderFiles {
  std::string samples;
  std::string labels;
  std::string test_samples;
  std::string test_labels;
};

// The paths of the four files.
[[nodiscard]] Result<IdxFolderFiles> find_idx_files(const std::string& folder);

}  // namespace aesweep
