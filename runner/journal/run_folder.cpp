#include "runner/sweep/run_folder.hpp"

#include <filesystem>
#include <system_error>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

Status in_use(const std::string& path, const std::string& first_entry) {
  return Status::input(text("run folder ", path, " is not empty (it holds ", first_entry,
                            "); remove it or name another one with -o"));
}

}  // namespace

Status check_run_folder(const RunFolder& folder) {
  if (folder.path.empty()) return Status::input("the run folder has no name; name it with -o");
  std::error_code error;
  const fs::file_status status = fs::status(folder.path, error);
  if (!fs::exists(status)) return {};  // What is wrong with its parents comes when it is made.
  if (!fs::is_directory(status)) {
    return Status::input(text("run folder ", folder.path,
                              " is not a folder; remove it or name another one with -o"));
  }
  const fs::directory_iterator entries(folder.path, error);
  if (error) {
    return Status::world(text("run folder ", folder.path, ": cannot read: ", error.message()));
  }
  if (entries != fs::directory_iterator()) {
    return in_use(folder.path, entries->path().filename().string());
  }
  return {};
}

Status make_run_folder(const RunFolder& folder) {
  std::error_code error;
  fs::create_directories(folder.path, error);
  if (error) {
    return Status::world(text("run folder ", folder.path, ": cannot make it: ", error.message(),
                              "; name another one with -o"));
  }
  const bool is_new = fs::create_directory(folder.trials(), error);
  if (error) {
    return Status::world(text("run folder ", folder.path, ": cannot make trials/ in it: ",
                              error.message(), "; name another one with -o"));
  }
  return is_new ? Status() : in_use(folder.path, "trials");
}

}  // namespace aesweep
