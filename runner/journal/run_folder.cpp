#include "runner/journal/run_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "core/base/text.hpp"
#include "runner/journal/journal_file.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/file_calls.hpp"
#include "runner/store/trial_file.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

// The folder's name without slashes at its end, behind which a symbolic link would be followed.
std::string plain_path(const RunFolder& folder) {
  std::string path = folder.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

enum class Entry { kMissing, kFolder, kFile, kOther };

// What is at `path`, symbolic links not followed.
Result<Entry> entry_at(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    // A part of the path that is a file comes when the folder is made.
    if (errno == ENOENT || errno == ENOTDIR) return Entry::kMissing;
    return Status::world(text("cannot look at ", path, ": ", errno_text(errno)));
  }
  if (S_ISDIR(info.st_mode)) return Entry::kFolder;
  return S_ISREG(info.st_mode) ? Entry::kFile : Entry::kOther;
}

Status not_a_folder(const std::string& path, Entry entry) {
  return Status::input(
      text(path, entry == Entry::kOther ? " is a symbolic link or a device" : " is a file",
           ", not a folder; give the folder's own path, or another one with -o"));
}

// The names in a folder; a fault if it cannot be read.
Result<std::vector<std::string>> names_in(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error) return Status::world(text("cannot read folder ", path, ": ", error.message()));
  return names;
}

bool is_temporary(const std::string& name) {
  return name.starts_with(".") && name.ends_with(".tmp");
}

// What a job that was ended before its journal was begun may have left in the run folder.
bool may_precede_journal(const std::string& name) {
  constexpr std::array kNames = {"trials",  "checkpoints", "crash", "journal",
                                 "run.log", "live.json",   "lease"};
  for (const char* known : kNames) {
    if (name == known) return true;
  }
  return is_temporary(name) || name.starts_with("lease.dead-") ||
         (name.starts_with("experiment.") && name.ends_with(".yaml"));
}

// Something in the folder that no job left there that ended before its journal was begun.
Result<std::optional<std::string>> foreign_entry(const RunFolder& folder) {
  Result<std::vector<std::string>> names = names_in(folder.path);
  if (!names.ok()) return names.status();
  if (names->empty()) return std::optional<std::string>();
  Result<Entry> trials = entry_at(folder.trials());
  if (!trials.ok()) return trials.status();
  for (const std::string& name : *names) {
    // Jobs make trials/ first: without it nothing else is theirs.
    if (*trials != Entry::kFolder || !may_precede_journal(name)) return std::optional(name);
  }
  for (const std::string& part : {folder.trials(), folder.checkpoints()}) {
    Result<Entry> entry = entry_at(part);
    if (!entry.ok()) return entry.status();
    if (*entry == Entry::kMissing) continue;
    if (*entry != Entry::kFolder) return std::optional(fs::path(part).filename().string());
    names = names_in(part);
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (!is_temporary(name)) {
        return std::optional(fs::path(part).filename().string() + "/" + name);
      }
    }
  }
  return std::optional<std::string>();
}

Result<FolderContent> content_of(const RunFolder& folder, std::string& foreign) {
  if (folder.path.empty()) return Status::input("the run folder has no name; name it with -o");
  const std::string path = plain_path(folder);
  Result<Entry> entry = entry_at(path);
  if (!entry.ok()) return entry.status();
  if (*entry == Entry::kMissing) return FolderContent::kNothing;
  if (*entry != Entry::kFolder) return not_a_folder(path, *entry);
  entry = entry_at(folder.journal());
  if (!entry.ok()) return entry.status();
  if (*entry == Entry::kFile) {
    // A damaged one is a run, too: who reads it says what is wrong.
    Result<JournalLines> lines = read_journal(folder.journal());
    if (!lines.ok() || lines->next_sequence > 0) return FolderContent::kRun;
  }
  Result<std::optional<std::string>> other = foreign_entry(folder);
  if (!other.ok()) return other.status();
  if (!other->has_value() && (*entry == Entry::kMissing || *entry == Entry::kFile)) {
    return FolderContent::kNothing;
  }
  foreign = other->value_or("journal");
  return FolderContent::kOther;
}

// Makes one folder whose parent is there, durably.
Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) {
    const int error = sync_folder(parent_folder(path));
    return error == 0 ? Status() : write_fault(path, error, 0);
  }
  if (errno != EEXIST) {
    return Status::world(text("cannot make folder ", path, ": ", errno_text(errno),
                              "; name another run folder with -o"));
  }
  return {};
}

// A folder of the run: a link in its place would lead the files elsewhere.
Status make_own_folder(const std::string& path) {
  AESWEEP_RETURN_IF_ERROR(make_folder(path));
  Result<Entry> entry = entry_at(path);
  if (!entry.ok()) return entry.status();
  return *entry == Entry::kFolder ? Status() : not_a_folder(path, *entry);
}

}  // namespace

std::string experiment_file(int text_number) {
  return text_number == 1 ? "experiment.yaml" : text("experiment.", text_number, ".yaml");
}

std::string trial_file(std::int64_t number, int attempt) {
  return "trials/" + trial_file_name(number, attempt);
}

std::string checkpoint_file(std::int64_t number, int attempt, std::int64_t step) {
  std::array<char, 80> name{};
  static_cast<void>(std::snprintf(name.data(), name.size(), "checkpoints/%06lld.%d.%012lld.h5",
                                  static_cast<long long>(number), attempt,
                                  static_cast<long long>(step)));
  return name.data();
}

std::string segment_file(std::int64_t first, std::int64_t last, int part) {
  std::array<char, 80> name{};
  static_cast<void>(std::snprintf(name.data(), name.size(), "trials/%06lld-%06lld.%d.segment",
                                  static_cast<long long>(first), static_cast<long long>(last),
                                  part));
  return name.data();
}

Result<FolderContent> look_at(const RunFolder& folder) {
  std::string foreign;
  return content_of(folder, foreign);
}

Status check_new_run(const RunFolder& folder) {
  std::string foreign;
  Result<FolderContent> content = content_of(folder, foreign);
  if (!content.ok()) return content.status();
  if (*content == FolderContent::kNothing) return {};
  if (*content == FolderContent::kRun) {
    return Status::input(text("run folder ", folder.path, " holds a run; go on with it by ",
                              "--resume, go on with a changed experiment by --extend, or name ",
                              "another folder with -o"));
  }
  return Status::input(text("run folder ", folder.path, " is not empty and holds no run (it holds ",
                            foreign, "); name another one with -o"));
}

Status make_run_folder(const RunFolder& folder) {
  const std::string path = plain_path(folder);
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    AESWEEP_RETURN_IF_ERROR(make_folder(path.substr(0, slash)));
  }
  for (const std::string& part : {path, path + "/trials", path + "/checkpoints", path + "/crash"}) {
    AESWEEP_RETURN_IF_ERROR(make_own_folder(part));
  }
  return {};
}

Result<int> remove_temporary_files(const RunFolder& folder) {
  int removed = 0;
  for (const std::string& part :
       {folder.path, folder.trials(), folder.checkpoints(), folder.crash()}) {
    Result<Entry> entry = entry_at(part);
    if (!entry.ok()) return entry.status();
    if (*entry != Entry::kFolder) continue;
    Result<std::vector<std::string>> names = names_in(part);
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (!is_temporary(name)) continue;
      const std::string path = part + "/" + name;
      if (::unlink(path.c_str()) == 0) {
        ++removed;
      } else if (errno != ENOENT && errno != EISDIR && errno != EPERM) {
        return Status::world(text("cannot remove ", path, ": ", errno_text(errno)));
      }
    }
  }
  return removed;
}

}  // namespace aesweep
