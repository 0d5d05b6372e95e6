// Proves that whatever a library does while it is loaded becomes a message of the probe, that the
// bytes loaded are the bytes tried out, and that helper and children are gone when they should be:
// with libraries that misbehave, and by looking at the processes in /proc.
#include "runner/plugin_host/probe.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/plugin_host/plugin_host.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Process {
  pid_t id;
  std::string state;  // "Z" is a zombie.
};

// The processes whose parent is `parent`, from /proc/<id>/stat: "id (name) state parent ...".
std::vector<Process> children_of(pid_t parent) {
  std::vector<Process> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream in(entry.path() / "stat");
    std::string line;
    if (!std::getline(in, line)) continue;  // It ended meanwhile.
    std::istringstream rest(line.substr(line.rfind(')') + 1));
    Process process{std::stoi(name), {}};
    pid_t its_parent = 0;
    rest >> process.state >> its_parent;
    if (its_parent == parent) children.push_back(process);
  }
  return children;
}

// Whether `ready` becomes true within a generous time.
template <class Ready>
bool soon(Ready ready) {
  const Clock::time_point give_up = Clock::now() + 20s;
  while (!ready()) {
    if (Clock::now() > give_up) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

bool is_gone(pid_t process) { return ::kill(process, 0) != 0; }

class Probe : public ::testing::Test {
 protected:
  // Copies libraries/NAME.so under the name `as` and writes its manifest; returns the copy's path.
  std::string install(const std::string& name, const std::string& as = "") {
    const std::string stem = as.empty() ? name : as;
    const std::string path = folder_.path(stem + ".so");
    fs::copy_file(fs::path(AESWEEP_SAMPLE_DIRECTORY) / (name + ".so"), path);
    EXPECT_EQ(::chmod(path.c_str(), 0644), 0);
    folder_.write(
        stem + ".plugin.yaml",
        text("id: sample\nabi_major: ", AESWEEP_ABI_MAJOR, "\nabi_minor: ", AESWEEP_ABI_MINOR,
             "\ncpu_level: x86-64\nsha256: ", sha256_file(path).value(), "\n"));
    EXPECT_EQ(::chmod(folder_.path(stem + ".plugin.yaml").c_str(), 0644), 0);
    return path;
  }

  static PluginProbe start(ProbeOptions options = {}) {
    Result<PluginProbe> started = PluginProbe::start(options);
    AESWEEP_CHECK(started.ok(), started.status().message());
    return std::move(started).value();
  }

  TemporaryFolder folder_;
};

TEST_F(Probe, AGoodLibraryPassesWithItsHash) {
  const std::string path = install("good");
  PluginProbe probe = start();
  const Result<ProbeAnswer> answer = probe.probe(path);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer.value().sha256, sha256_file(path).value());
  EXPECT_EQ(answer.value().impure, "");
}

struct Misdeed {
  const char* name;
  std::string words;
};

TEST_F(Probe, WhatALibraryDoesInsteadOfReturningIsSaid) {
  const std::vector<Misdeed> table = {
      {"exits", "its constructor called exit(0)"},
      {"init_exits", "its init called exit(7)"},
      {"crashes", "its constructor died of SIGSEGV"},
      {"init_aborts", "its init died of SIGABRT"},
      {"hangs", "its constructor did not return within 200 ms"},
  };
  ProbeOptions options;
  options.limit = 200ms;
  PluginProbe probe = start(options);
  for (const Misdeed& bad : table) {
    SCOPED_TRACE(bad.name);
    const std::string path = install(bad.name);
    const Result<ProbeAnswer> answer = probe.probe(path);
    EXPECT_EQ(answer.status().fault(), Fault::kWorld);
    EXPECT_EQ(answer.status().message().find(path + ": " + bad.words), 0u)
        << answer.status().message();
  }
  options.limit = 10s;
  const std::string good = install("good");
  EXPECT_TRUE(start(options).probe(good).ok());
}

TEST_F(Probe, RefusalsAreThoseOfLoading) {
  PluginProbe probe = start();
  const std::string path = install("wrong_magic");
  Catalogue catalogue;
  EXPECT_EQ("plugin: " + probe.probe(path).status().message(),
            load_plugins({path}, catalogue).message());
  EXPECT_EQ(probe.probe("relative.so").status().fault(), Fault::kInput);
  EXPECT_EQ(probe.probe("").status().fault(), Fault::kInput);
  EXPECT_EQ(probe.probe(std::string("/a\0b", 4)).status().fault(), Fault::kInput);
  EXPECT_EQ(probe.probe(std::string(100'000, '/')).status().fault(), Fault::kInput);
}

TEST_F(Probe, ImpurityIsKeptWithTheLibrary) {
  ProbeOptions options;
  options.impurity = [](const CatalogueEntry& entry) {
    return std::string(entry.component.name) + " is moody";
  };
  PluginProbe probe = start(options);
  Catalogue catalogue;
  const Status status = load_probed_plugins({install("good")}, probe, catalogue);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(catalogue.libraries().front()->impure, "activation sample: sample is moody");
}

TEST_F(Probe, ACrashWhilePurityIsLookedAtNamesTheComponent) {
  ProbeOptions options;
  options.impurity = [](const CatalogueEntry&) -> std::string { std::abort(); };
  PluginProbe probe = start(options);
  const Status status = probe.probe(install("good")).status();
  EXPECT_NE(status.message().find("its activation sample, called to see whether it is pure, died "
                                  "of SIGABRT"),
            std::string::npos)
      << status.message();
}

TEST_F(Probe, OtherBytesThanThoseTriedOutAreNotLoaded) {
  const std::string path = install("good");
  const std::string other = install("another", "other");
  ProbeOptions options;  // Runs after the bytes were hashed and linked, before they are here.
  options.impurity = [&](const CatalogueEntry&) -> std::string {
    fs::rename(other, path);
    fs::rename(folder_.path("other.plugin.yaml"), folder_.path("good.plugin.yaml"));
    return {};
  };
  PluginProbe probe = start(options);
  Catalogue catalogue;
  const Status status = load_probed_plugins({path}, probe, catalogue);
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_NE(status.message().find(path + ": changed while it was being loaded"), std::string::npos)
      << status.message();
  EXPECT_TRUE(catalogue.libraries().empty());
}

TEST_F(Probe, LeavesNoProcessBehind) {
  const std::string note = folder_.path("note");
  ProbeOptions options;  // Something that the library starts and does not end.
  options.impurity = [&](const CatalogueEntry&) -> std::string {
    const pid_t left = ::fork();
    if (left == 0) {
      for (;;) ::pause();
    }
    std::ofstream(note) << left;
    return {};
  };
  {
    PluginProbe probe = start(options);
    ASSERT_TRUE(probe.probe(install("good")).ok());
    const std::vector<Process> helpers = children_of(::getpid());
    ASSERT_EQ(helpers.size(), 1u);
    EXPECT_TRUE(children_of(helpers[0].id).empty());
  }
  pid_t left = 0;
  std::ifstream(note) >> left;
  ASSERT_GT(left, 0);
  EXPECT_TRUE(soon([left] { return is_gone(left); }));
  EXPECT_TRUE(children_of(::getpid()).empty());  // No zombie, either.
}

TEST_F(Probe, DiesWithItsProcessEvenWhileALibraryHangs) {
  const std::string hangs = install("hangs");
  const pid_t process = ::fork();
  ASSERT_GE(process, 0);
  if (process == 0) {
    ProbeOptions options;
    options.limit = 10min;
    PluginProbe probe = start(options);
    static_cast<void>(probe.probe(hangs));
    ::_exit(0);
  }
  std::vector<Process> helpers;
  std::vector<Process> tried;
  ASSERT_TRUE(soon([&] {
    helpers = children_of(process);
    if (helpers.size() == 1) tried = children_of(helpers[0].id);
    return !tried.empty();
  }));
  ASSERT_EQ(::kill(process, SIGKILL), 0);
  ASSERT_EQ(::waitpid(process, nullptr, 0), process);
  EXPECT_TRUE(soon([&] { return is_gone(helpers[0].id) && is_gone(tried[0].id); }));
}

}  // namespace
}  // namespace aesweep
