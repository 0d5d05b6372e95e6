// Proves that every way in which a plugin library can be unfit ends in one line that names the
// file, what was found and what was expected: one small bad library or manifest per refusal.
#include "runner/plugin_host/plugin_host.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "runner/plugin_host/cpu_level.hpp"
#include "runner/plugin_host/entry_check.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

using Members = std::map<std::string, std::string>;

// What a correct manifest of the sample library at `path` says.
Members correct_members(const std::string& path, const std::string& id) {
  const Result<std::string> hash = sha256_file(path);
  AESWEEP_CHECK(hash.ok(), hash.status().message());
  return {{"id", id},
          {"abi_major", text(AESWEEP_ABI_MAJOR)},
          {"abi_minor", text(AESWEEP_ABI_MINOR)},
          {"cpu_level", "x86-64"},
          {"sha256", hash.value()},
          {"compiler", "any"}};
}

class PluginHost : public ::testing::Test {
 protected:
  // Copies libraries/NAME.so and writes its manifest; returns the copy's path.
  std::string install(const std::string& name, const Members& changes = {}) {
    const std::string path = folder_.path(name + ".so");
    fs::copy_file(fs::path(AESWEEP_SAMPLE_DIRECTORY) / (name + ".so"), path);
    EXPECT_EQ(::chmod(path.c_str(), 0644), 0);
    Members members = correct_members(path, name == "another" ? name : "sample");
    for (const auto& [key, value] : changes) members[key] = value;
    std::string yaml;
    for (const auto& [key, value] : members) {
      if (value != "LEAVE OUT") yaml += key + ": \"" + value + "\"\n";
    }
    folder_.write(name + ".plugin.yaml", yaml);
    EXPECT_EQ(::chmod(folder_.path(name + ".plugin.yaml").c_str(), 0644), 0);
    return path;
  }

  // One line, with the path and the expected words in it.
  void expect_refused(const std::string& path, Fault fault, const std::string& words) {
    Catalogue catalogue;
    const Status status = load_plugins({path}, catalogue);
    EXPECT_EQ(status.fault(), fault) << status.message();
    EXPECT_NE(status.message().find(path), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
    EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  }

  TemporaryFolder folder_;
};

TEST_F(PluginHost, LoadsAGoodLibraryAndRecordsWhereItCameFrom) {
  const std::string path = install("good");
  Catalogue catalogue;
  const Status status = load_plugins({path}, catalogue);
  ASSERT_TRUE(status.ok()) << status.message();
  const CatalogueEntry* entry = catalogue.find(AESWEEP_ACTIVATION, "sample");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->library->id, "sample");
  EXPECT_EQ(entry->library->version, "1.0");
  EXPECT_EQ(entry->library->path, path);
  EXPECT_EQ(entry->library->sha256, sha256_file(path).value());
}

TEST_F(PluginHost, AcceptsSearchPathsThatDoNotDependOnTheWorkingDirectory) {
  Catalogue catalogue;
  const Status status = load_plugins({install("fixed_runpath")}, catalogue);
  EXPECT_TRUE(status.ok()) << status.message();
}

struct BadLibrary {
  const char* name;
  const char* words;
};

TEST_F(PluginHost, RefusesEveryBadLibrary) {
  const std::vector<BadLibrary> table = {
      {"wrong_magic", "magic number 0x12345678, expected 0x50574541"},
      {"unknown_flags", "unknown flags 0x10, expected 0"},
      {"short_entry", "struct_size 24, expected at least 56"},
      {"long_entry", "struct_size 4096, the symbol has 64 bytes"},
      {"no_components", "no components (null)"},
      {"null_component", "no components[0] (null)"},
      {"short_component", "components[0] is too short: struct_size 24, expected at least"},
      {"unknown_kind", "components[0] has kind 77, not in [0, 5]"},
      {"no_name", "no components[0].name (null)"},
      {"no_parameters", "no components[0] (sample).parameters (null)"},
      {"no_plan", "no components[0] (sample).lifecycle[0].plan (null)"},
      {"no_table", "no components[0] (sample).table[1] (null)"},
      {"no_id", "no id (null)"},
      {"init_fails", "init failed: no licence found"},
      {"no_symbol", "exports no symbol aesweep_plugin"},
      {"exports_function", "aesweep_plugin is no data object"},
      {"exports_number", "aesweep_plugin has 8 bytes, expected at least 16"},
      {"float_mode", "changes the floating-point mode"},
      {"unresolved", "undefined symbol: nobody_defines_this"},
      {"executable_stack", "executable stack"},
      {"text_relocation", "has text relocations (DT_TEXTREL)"},
      {"relative_runpath", "searches libraries in 'lib' (DT_RPATH or DT_RUNPATH: /usr/lib:lib)"},
      {"relative_rpath", "searches libraries in '$ORIGINAL'"},
      {"empty_runpath", "searches libraries in ''"},
  };
  for (const BadLibrary& bad : table) {
    SCOPED_TRACE(bad.name);
    expect_refused(install(bad.name), Fault::kWorld, bad.words);
  }
}

TEST_F(PluginHost, ALibraryThatEndsTheProgramIsNamed) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const std::string path = install("exits");
  Catalogue catalogue;
  EXPECT_EXIT(static_cast<void>(load_plugins({path}, catalogue)), ::testing::ExitedWithCode(3),
              "aesweep: .*/exits.so: ended the program while it was being loaded");
  // Afterwards exit() is the program's own.
  const std::string good = install("good");
  EXPECT_EXIT(
      {
        static_cast<void>(load_plugins({good}, catalogue));
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "^$");
}

TEST_F(PluginHost, RefusesTwoComponentsOfOneName) {
  expect_refused(install("same_name_twice"), Fault::kInput, "activation sample is already defined");

  const std::string first = install("good");
  const std::string second = install("another");
  Catalogue catalogue;
  const Status status = load_plugins({first, second}, catalogue);
  EXPECT_EQ(status.fault(), Fault::kInput);
  EXPECT_NE(status.message().find(second + ": activation sample is already defined by " + first),
            std::string::npos)
      << status.message();
}

TEST_F(PluginHost, BelievesTheLibraryNoMoreThanItsManifest) {
  // The manifests say what this program wants to hear; the libraries are of other versions.
  expect_refused(install("other_major"), Fault::kWorld,
                 text("built for plugin ABI 7.", AESWEEP_ABI_MINOR));
  expect_refused(install("newer_minor"), Fault::kWorld,
                 text("built for plugin ABI 0.", AESWEEP_ABI_MINOR + 1));
  expect_refused(install("another", {{"id", "sample"}}), Fault::kWorld, "calls itself another");
}

struct BadManifest {
  Members changes;
  std::string words;
};

TEST_F(PluginHost, RefusesByManifestBeforeTheLibraryRuns) {
  const std::string other_hash(64, 'a');
  const std::vector<BadManifest> table = {
      {{{"sha256", other_hash}}, "its manifest says " + other_hash},
      {{{"sha256", "LEAVE OUT"}}, "sha256"},
      {{{"id", "LEAVE OUT"}}, "id"},
      {{{"abi_major", "7"}}, text("built for plugin ABI 7.", AESWEEP_ABI_MINOR)},
      {{{"abi_minor", "9"}}, "built for plugin ABI 0.9"},
      {{{"abi_minor", "two"}}, "abi_minor"},
      {{{"abi_minor", "-1"}}, "abi_minor"},
      {{{"cpu_level", "pentium4"}}, "built for the CPU level pentium4"},
  };
  for (const BadManifest& bad : table) {
    SCOPED_TRACE(bad.words);
    // Loaded, the library would be refused for its floating-point mode.
    const std::string path = install("float_mode", bad.changes);
    expect_refused(path, Fault::kWorld, bad.words);
    fs::remove(path);
  }
}

TEST_F(PluginHost, RefusesALibraryWithoutReadableManifest) {
  const std::string path = install("good");
  const std::string manifest = folder_.path("good.plugin.yaml");
  folder_.write("good.plugin.yaml", "id: [unclosed\n");
  expect_refused(path, Fault::kWorld, manifest);
  ASSERT_EQ(::chmod(manifest.c_str(), 0666), 0);
  expect_refused(path, Fault::kWorld, manifest + ": is writable by others");
  fs::remove(manifest);
  expect_refused(path, Fault::kWorld, manifest + ": cannot be opened: No such file");
}

TEST_F(PluginHost, RefusesFilesThatOthersCouldChange) {
  const std::string path = install("good");
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  expect_refused(path, Fault::kWorld, "is writable by others than its owner; run chmod go-w");
  ASSERT_EQ(::chmod(path.c_str(), 0664), 0);
  expect_refused(path, Fault::kWorld, "is writable by others than its owner");
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);
  expect_refused(path, Fault::kWorld, "is writable by everyone");
  ASSERT_EQ(::chmod(folder_.path().c_str(), 01777), 0);  // Sticky, as /tmp is.
  Catalogue catalogue;
  EXPECT_TRUE(load_plugins({path}, catalogue).ok());
}

TEST_F(PluginHost, RefusesNamesThatCouldMeanAnotherFile) {
  install("good");
  const std::string target = folder_.path("good.so");
  const std::string link = folder_.path("link.so");
  fs::create_symlink(target, link);
  expect_refused(link, Fault::kInput, "is a symbolic link to " + target);
  expect_refused("good.so", Fault::kInput, "is not an absolute path");
  expect_refused("./good.so", Fault::kInput, "is not an absolute path");
  expect_refused("", Fault::kInput, "is not an absolute path");
  expect_refused(folder_.path("absent.so"), Fault::kInput, "No such file");
  expect_refused(folder_.path("absent/good.so"), Fault::kInput, "cannot be resolved");
}

TEST_F(PluginHost, ResolvesLinksAboveTheFile) {
  const std::string path = install("good");
  TemporaryFolder elsewhere;
  fs::create_directory_symlink(folder_.path(), elsewhere.path("link"));
  Catalogue catalogue;
  ASSERT_TRUE(load_plugins({elsewhere.path("link") + "/good.so"}, catalogue).ok());
  EXPECT_EQ(catalogue.libraries().front()->path, path);
}

TEST_F(PluginHost, LoadsAFolderInTheOrderOfNames) {
  install("good");
  // Copies of one library, so the message tells which two came first.
  for (const char* name : {"e", "c", "b", "d", "a"}) {
    for (const char* suffix : {".so", ".plugin.yaml"}) {
      fs::copy(folder_.path("good") + suffix, folder_.path(name) + suffix);
    }
  }
  Catalogue catalogue;
  const Status status = load_plugin_directory(folder_.path(), catalogue);
  EXPECT_NE(status.message().find(folder_.path("b.so") + ": calls itself sample, as " +
                                  folder_.path("a.so") + " does"),
            std::string::npos)
      << status.message();
}

TEST_F(PluginHost, LoadsOnlyLibrariesOfAFolderAndRefusesAnEmptyOne) {
  install("good");
  folder_.write("notes.txt", "no library");
  Catalogue catalogue;
  const Status status = load_plugin_directory(folder_.path(), catalogue);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(catalogue.libraries().size(), 1u);

  TemporaryFolder empty;
  EXPECT_NE(load_plugin_directory(empty.path(), catalogue).message().find("has no *.so file"),
            std::string::npos);
  EXPECT_NE(load_plugin_directory(empty.path("absent"), catalogue)
                .message()
                .find("cannot be listed: No such file"),
            std::string::npos);
}

TEST(BuiltinPlugins, AreLookedForBesideTheProgramsFolder) {
  // This program lies in <build>/bin/tests.
  EXPECT_EQ(builtin_plugin_directory().value(),
            std::string(AESWEEP_BINARY_DIRECTORY) + "/bin/lib/aesweep");
}

TEST(CpuLevel, KnowsTheFourLevelsAndItsOwnBuild) {
  EXPECT_EQ(cpu_level_number(""), 1);
  EXPECT_EQ(cpu_level_number("x86-64-v3"), 3);
  EXPECT_EQ(cpu_level_number("x86-64-v5"), 0);
  EXPECT_EQ(cpu_level_number("native"), 0);
  EXPECT_EQ(cpu_level_name(4), "x86-64-v4");
  EXPECT_GE(node_cpu_level(), cpu_level_number(built_cpu_level()));
}

TEST(CpuLevel, OfTheCodeMayNotBeAboveTheMachines) {
  EXPECT_TRUE(check_cpu_level("x86-64-v3", 3).ok());
  EXPECT_TRUE(check_cpu_level("", 1).ok());
  EXPECT_TRUE(check_cpu_level(built_cpu_level(), 4).ok());
  EXPECT_NE(check_cpu_level("x86-64-v4", 3)
                .message()
                .find("needs CPU level x86-64-v4, this machine has x86-64-v3"),
            std::string::npos);
  EXPECT_FALSE(check_cpu_level("pentium4", 4).ok());
}

TEST(AbiVersion, MustBeEqualWhileTheMajorIsZero) {
  ASSERT_EQ(AESWEEP_ABI_MAJOR, 0);
  EXPECT_TRUE(check_abi_version(0, AESWEEP_ABI_MINOR, 0).ok());
  EXPECT_FALSE(check_abi_version(0, AESWEEP_ABI_MINOR + 1, 0).ok());
  EXPECT_FALSE(check_abi_version(0, AESWEEP_ABI_MINOR - 1, 0).ok());
  EXPECT_FALSE(check_abi_version(1, AESWEEP_ABI_MINOR, 0).ok());
}

}  // namespace
}  // namespace aesweep
