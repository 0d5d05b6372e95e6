#include "runner/config/paths.hpp"

#include <system_error>
#include <vector>

#include "core/base/text.hpp"

namespace aesweep {

namespace fs = std::filesystem;

namespace {

// `path` from the working directory; unchanged where there is none.
fs::path absolute(const fs::path& path) {
  std::error_code error;
  fs::path found = fs::absolute(path, error);
  return error ? path : found;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;  // What cannot be looked at is no folder to read from.
  return fs::is_directory(path, ignored);
}

}  // namespace

fs::path folder_of(const std::string& file) { return absolute(file).parent_path(); }

Result<std::string> find_data(const std::string& file, const std::string& written,
                              const std::string& data_dir) {
  std::vector<fs::path> places;
  if (fs::path(written).is_relative() && !data_dir.empty()) {
    places.push_back(absolute(data_dir) / written);
  }
  places.push_back(folder_of(file) / written);
  std::string tried;
  for (const fs::path& place : places) {
    const std::string name = place.lexically_normal().string();
    if (is_folder(place)) return name;
    tried += (tried.empty() ? "" : " and ") + name;
  }
  return Status::input(text("found no folder ", written, "; tried ", tried,
                            data_dir.empty() ? "; give the folder that holds data sets by "
                                               "--data-dir or AESWEEP_DATA_DIR"
                                             : ""));
}

}  // namespace aesweep
