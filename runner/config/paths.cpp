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

// What cannot be looked at is nothing to read from.
bool is_wanted(const fs::path& path, Wanted wanted) {
  std::error_code ignored;
  if (wanted != Wanted::kFile && fs::is_directory(path, ignored)) return true;
  return wanted != Wanted::kFolder && fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

const char* name_of(Wanted wanted) {
  return wanted == Wanted::kFolder ? "folder" : wanted == Wanted::kFile ? "file" : "file or folder";
}

// What is there, of the other kind than is looked for; empty where nothing is.
std::string kind_at(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return " (a folder)";
  return fs::exists(path, ignored) ? " (a file)" : "";
}

// Whole, or for a file without the name of an array in it.
std::string found_at(const fs::path& place, Wanted wanted) {
  std::string name = place.lexically_normal().string();
  if (is_wanted(name, wanted)) return name;
  const std::size_t hash = name.rfind('#');
  const bool split = wanted == Wanted::kFile && hash != std::string::npos;
  return split && is_wanted(name.substr(0, hash), wanted) ? name : "";
}

}  // namespace

fs::path folder_of(const std::string& file) { return absolute(file).parent_path(); }

Result<std::string> find_data(const std::string& file, const std::string& written,
                              const std::string& data_dir, Wanted wanted) {
  std::vector<fs::path> places;
  if (fs::path(written).is_relative() && !data_dir.empty()) {
    places.push_back(absolute(data_dir) / written);
  }
  places.push_back(folder_of(file) / written);
  std::string tried;
  bool other_kind = false;
  for (const fs::path& place : places) {
    if (std::string name = found_at(place, wanted); !name.empty()) return name;
    const std::string kind = kind_at(place);
    other_kind = other_kind || !kind.empty();
    tried += (tried.empty() ? "" : " and ") + place.lexically_normal().string() + kind;
  }
  return Status::input(text("found no ", name_of(wanted), " ", written, "; tried ", tried,
                            data_dir.empty() && !other_kind
                                ? "; give the folder that holds data sets by "
                                  "--data-dir or AESWEEP_DATA_DIR"
                                : ""));
}

}  // namespace aesweep
