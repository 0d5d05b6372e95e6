// TemporaryFolder: a folder of its own for one test, removed with all it holds when the test ends.
#pragma once

#include <stdlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "core/base/check.hpp"

namespace aesweep {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "aesweep-test-XXXXXX").string();
    AESWEEP_CHECK(::mkdtemp(name.data()) != nullptr, "cannot make a temporary folder " + name);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;  // A leftover in /tmp is no reason to fail a test.
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string path(std::string_view name) const { return (path_ / name).string(); }

  // Writes a file and returns its path.
  std::string write(std::string_view name, std::span<const std::byte> bytes) const {
    std::ofstream out(path_ / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    out.close();
    AESWEEP_CHECK(out.good(), "cannot write " + path(name));
    return path(name);
  }
  std::string write(std::string_view name, std::string_view characters) const {
    return write(name, std::as_bytes(std::span(characters.data(), characters.size())));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace aesweep
