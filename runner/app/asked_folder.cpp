#include "runner/app/asked_folder.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "core/base/text.hpp"

namespace aesweep {

Status check_asked_folder(const RunFolder& folder) {
  const auto no_run = [&](const char* what) {
    return Status::input(
        text(folder.path, ": ", what, "; give the folder of a run, such as runs/quickstart"));
  };
  if (folder.path.empty()) return Status::input("RUN: the folder's name is empty");
  struct stat info {};
  if (::stat(folder.path.c_str(), &info) == 0) {
    if (!S_ISDIR(info.st_mode)) return no_run("is not a folder");
  } else if (errno == ENOENT || errno == ENOTDIR) {
    return no_run("no run is there");
  }
  const Result<FolderContent> content = look_at(folder);
  if (!content.ok()) return content.status();
  return content.value() == FolderContent::kRun ? Status() : no_run("no run is there");
}

}  // namespace aesweep
