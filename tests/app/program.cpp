#include "tests/app/program.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "core/base/check.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

// In the child: redirects, changes folder and environment, becomes the program.
[[noreturn]] void become(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment,
                         const std::string& directory, const std::string& out,
                         const std::string& err) {
  constexpr int kNew = O_WRONLY | O_CREAT | O_TRUNC;
  const bool ready = ::dup2(::open("/dev/null", O_RDONLY), 0) >= 0 &&
                     ::dup2(::open(out.c_str(), kNew, 0600), 1) >= 0 &&
                     ::dup2(::open(err.c_str(), kNew, 0600), 2) >= 0 &&
                     ::chdir(directory.c_str()) == 0;
  if (!ready) ::_exit(126);
  for (const auto& [name, value] : environment) {
    if (value.empty()) {
      ::unsetenv(name.c_str());
    } else {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  ::execv(pointers[0], pointers.data());
  ::_exit(127);
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Answer run_program(const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& environment,
                   const std::string& directory) {
  TemporaryFolder folder;
  const std::string out = folder.path("out");
  const std::string err = folder.path("err");
  const pid_t child = ::fork();
  AESWEEP_CHECK(child >= 0, "cannot start a process");
  if (child == 0) become(arguments, environment, directory, out, err);
  int status = 0;
  AESWEEP_CHECK(::waitpid(child, &status, 0) == child, "lost a process");
  Answer answer;
  answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  answer.out = contents(out);
  answer.err = contents(err);
  AESWEEP_CHECK(answer.status != 126 && answer.status != 127, "cannot run " + arguments[0]);
  return answer;
}

Answer aesweep(std::vector<std::string> arguments,
               const std::map<std::string, std::string>& environment,
               const std::string& directory) {
  arguments.insert(arguments.begin(), AESWEEP_BINARY_DIRECTORY "/bin/aesweep");
  return run_program(arguments, environment, directory);
}

Answer aesweep_on_ranks(int ranks, const std::vector<std::string>& arguments,
                        const std::map<std::string, std::string>& environment) {
  std::vector<std::string> whole = {AESWEEP_MPIEXEC, AESWEEP_MPIEXEC_COUNT, std::to_string(ranks),
                                    AESWEEP_BINARY_DIRECTORY "/bin/aesweep"};
  whole.insert(whole.end(), arguments.begin(), arguments.end());
  return run_program(whole, environment);
}

int count_of(const std::string& whole, const std::string& words) {
  int count = 0;
  for (std::size_t at = 0; (at = whole.find(words, at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace aesweep
