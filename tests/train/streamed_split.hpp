// A split of f64 samples in memory, again as one that is streamed from a file, for tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/data/stream_file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep::test {

class StreamedSplit {
 public:
  explicit StreamedSplit(const Split& memory) : split_(memory) {
    const auto row_bytes = static_cast<std::uint64_t>(memory.cols) * sizeof(double);
    path_ = folder_.write(
        "samples", std::span(memory.samples, static_cast<std::size_t>(memory.rows) * row_bytes));
    auto file = StreamFile::open(path_, 0, row_bytes, memory.rows);
    AESWEEP_CHECK(file.ok(), file.status().message());
    split_.stream = std::make_shared<StreamFile>(std::move(file).value());
    split_.samples = nullptr;
    split_.block_rows = 3;
    split_.pool_rows = 6;
  }

  [[nodiscard]] const Split& split() const { return split_; }
  void cut(std::int64_t rows) const {
    std::filesystem::resize_file(path_,
                                 static_cast<std::uintmax_t>(rows * split_.cols) * sizeof(double));
  }

 private:
  TemporaryFolder folder_;
  std::string path_;
  Split split_;
};

}  // namespace aesweep::test
