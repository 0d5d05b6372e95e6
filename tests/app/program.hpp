// Runs a program as a user would, and catches what it says.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace aesweep {

struct Answer {
  int status = -1;  // The exit status; 128 + signal if it was killed.
  std::string out;
  std::string err;
};

// Runs arguments[0] in `directory` with the test's environment and `environment` on top; an empty
// value removes a variable. Output goes to files under a temporary folder. Stops the test program
// if it cannot be started at all.
[[nodiscard]] Answer run_program(const std::vector<std::string>& arguments,
                                 const std::map<std::string, std::string>& environment = {},
                                 const std::string& directory = "/");

// The program under test, with these arguments.
[[nodiscard]] Answer aesweep(std::vector<std::string> arguments,
                             const std::map<std::string, std::string>& environment = {},
                             const std::string& directory = "/");

// The same under mpirun with this many ranks.
[[nodiscard]] Answer aesweep_on_ranks(int ranks, const std::vector<std::string>& arguments,
                                      const std::map<std::string, std::string>& environment = {});

// How often `words` occur in `whole`.
[[nodiscard]] int count_of(const std::string& whole, const std::string& words);

}  // namespace aesweep
