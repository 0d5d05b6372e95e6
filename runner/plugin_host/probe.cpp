#include "runner/plugin_host/probe.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/base/text.hpp"
#include "runner/plugin_host/probe_helper.hpp"
#include "runner/plugin_host/probe_message.hpp"

namespace aesweep {
namespace {

Status helper_gone(const std::string& path) {
  return Status::world(text(path,
                            ": cannot be tried out: the helper process of this rank has ended"
                            "; look whether something kills processes, and start again"));
}

}  // namespace

Result<PluginProbe> PluginProbe::start(const ProbeOptions& options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Status::world(text("cannot make a socket pair to try plugins out: ",
                              std::strerror(errno), "; raise the limit on open files"));
  }
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t helper = ::fork();
  if (helper < 0) {
    return Status::world(text("cannot start the process that tries plugins out: ",
                              std::strerror(errno), "; raise the limit on processes"));
  }
  if (helper == 0) {
    ours = Descriptor();  // Else the helper would wait for its own end of the line.
    serve_probes(theirs.number(), parent, options);
  }
  return PluginProbe(helper, std::move(ours));
}

PluginProbe::~PluginProbe() {
  if (helper_ < 0) return;
  socket_ = Descriptor();
  while (::waitpid(helper_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<ProbeAnswer> PluginProbe::probe(const std::string& path) {
  // What cannot be the name of a file does not travel.
  if (path.empty() || path.size() >= kProbeBytesMax ||
      path.find(kProbeSeparator) != std::string::npos) {
    return Status::input(text("'", path.substr(0, 256), "' is no path; write the file's path"));
  }
  ssize_t count = 0;
  do {
    count = ::send(socket_.number(), path.data(), path.size(), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return helper_gone(path);

  std::string bytes(kProbeBytesMax, '\0');
  do {
    count = ::recv(socket_.number(), bytes.data(), bytes.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return helper_gone(path);
  const std::vector<std::string> words =
      split_words(std::string_view(bytes).substr(0, static_cast<std::size_t>(count)));
  if (words.size() != 3) return helper_gone(path);
  if (words[0] == kProbePassed) return ProbeAnswer{words[1], words[2]};
  return Status::of(static_cast<Fault>(std::atoi(words[1].c_str())), words[2]);
}

}  // namespace aesweep
