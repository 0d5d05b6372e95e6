// PluginProbe: tries a plugin library out in another process before this one loads it.
//
// Loading a library runs its constructors and its init: either may end the process, crash or never
// return. So a small helper process is forked while this process is still young, in an MPI rank
// before MPI_Init; asked for a library it forks a child that loads it and looks whether its
// components are pure, under a time limit. Whatever becomes of the child is a message here.
//
// The helper dies with this process, by the kernel's hand if need be, and has nothing of MPI. What
// the library prints while it is tried out is thrown away. This is no sandbox: the child may do all
// that the user may. One thread, the one that started it and that lives as long as it does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "core/base/status.hpp"
#include "core/model/catalogue.hpp"
#include "runner/plugin_host/trusted_file.hpp"

namespace aesweep {

struct ProbeOptions {
  std::chrono::milliseconds limit{10'000};  // For all of one library.
  // Runs in the child, for every component: why its results are not reproducible, empty if nothing
  // of that sort was seen. None: purity is not looked at.
  std::function<std::string(const CatalogueEntry&)> impurity;
};

struct ProbeAnswer {
  std::string sha256;  // Of the bytes that were tried out.
  std::string impure;  // "activation x: ...; ..."; empty: no sign of it.
};

class PluginProbe {
 public:
  // Forks the helper. The process must have no other threads whose locks its child could need.
  [[nodiscard]] static Result<PluginProbe> start(const ProbeOptions& options);

  PluginProbe(PluginProbe&& other) noexcept
      : helper_(std::exchange(other.helper_, -1)), socket_(std::move(other.socket_)) {}
  PluginProbe& operator=(PluginProbe&&) = delete;
  PluginProbe(const PluginProbe&) = delete;
  PluginProbe& operator=(const PluginProbe&) = delete;
  ~PluginProbe();  // Ends the helper and waits for it.

  // Loads the library as load_plugins does, elsewhere. A refusal is the one that load_plugins would
  // give, or says what the library did instead: "/x.so: its constructor called exit(0); ...".
  [[nodiscard]] Result<ProbeAnswer> probe(const std::string& path);

 private:
  PluginProbe(pid_t helper, Descriptor socket) : helper_(helper), socket_(std::move(socket)) {}

  pid_t helper_ = -1;
  Descriptor socket_;
};

}  // namespace aesweep
