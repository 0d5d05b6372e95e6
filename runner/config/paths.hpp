// Where relative paths of an experiment lead.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/status.hpp"

namespace aesweep {

// The folder of the experiment's file, absolute.
[[nodiscard]] std::filesystem::path folder_of(const std::string& file);

enum class Wanted { kFolder, kFile, kAny };

// The existing folder that `written` means: in data_dir (the folder that holds data sets; empty if
// there is none), else relative to the experiment's file. Absolute. The message names every place
// that was tried, and has no location. For kFile an existing file, or FILE#NAME with one: the last
// # counts, and only where `written` as a whole is no file. For kAny a file or a folder.
[[nodiscard]] Result<std::string> find_data(const std::string& file, const std::string& written,
                                            const std::string& data_dir,
                                            Wanted wanted = Wanted::kFolder);

}  // namespace aesweep
