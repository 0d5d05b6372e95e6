// The run folder: names, what a new run may find there, what is refused, and what is tidied away.
#include "runner/journal/run_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "runner/journal/journal_file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

namespace fs = std::filesystem;

FolderContent content_of(const RunFolder& folder) {
  Result<FolderContent> content = look_at(folder);
  EXPECT_TRUE(content.ok()) << content.status().message();
  return content.ok() ? *content : FolderContent::kOther;
}

void expect_refused(const Status& status, const std::string& expected) {
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.fault(), Fault::kInput) << status.message();
  EXPECT_NE(status.message().find(expected), std::string::npos) << status.message();
}

TEST(RunFolder, NamesSortByNumber) {
  EXPECT_EQ(experiment_file(1), "experiment.yaml");
  EXPECT_EQ(experiment_file(2), "experiment.2.yaml");
  EXPECT_EQ(trial_file(12, 1), "trials/000012.1.h5");
  EXPECT_EQ(trial_file(1234567, 2), "trials/1234567.2.h5");
  EXPECT_EQ(checkpoint_file(12, 1, 840), "checkpoints/000012.1.000000000840.h5");
  EXPECT_EQ(segment_file(0, 999, 1), "trials/000000-000999.1.segment");
}

TEST(RunFolder, IsMadeWithItsParents) {
  const TemporaryFolder temporary;
  for (const char* name : {"a/b/run", "c//d/", "e"}) {
    const RunFolder folder{temporary.path(name)};
    EXPECT_EQ(content_of(folder), FolderContent::kNothing);
    EXPECT_TRUE(check_new_run(folder).ok());
    ASSERT_TRUE(make_run_folder(folder).ok());
    EXPECT_TRUE(fs::is_directory(folder.trials()));
    EXPECT_TRUE(fs::is_directory(folder.checkpoints()));
    EXPECT_TRUE(fs::is_directory(folder.crash()));
    EXPECT_TRUE(make_run_folder(folder).ok());
    EXPECT_EQ(content_of(folder), FolderContent::kNothing);
  }
  temporary.write("file", "x");
  EXPECT_FALSE(make_run_folder({temporary.path("file/run")}).ok());
  EXPECT_FALSE(make_run_folder({temporary.path("file")}).ok());
}

TEST(RunFolder, ARunIsNamedWithTheWaysToGoOn) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary.path("run")};
  ASSERT_TRUE(make_run_folder(folder).ok());
  ASSERT_TRUE(JournalFile::create(folder.journal()).ok());
  EXPECT_EQ(content_of(folder), FolderContent::kRun);
  const Status status = check_new_run(folder);
  for (const char* expected : {"--resume", "--extend", "-o"}) expect_refused(status, expected);
  temporary.write("run/journal", "damaged in every way, but there\n");
  EXPECT_EQ(content_of(folder), FolderContent::kRun);
}

// Killed before the journal's first line was whole: the same command may start the run again.
TEST(RunFolder, WhatAKilledStartLeavesIsNothing) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary.path("run")};
  ASSERT_TRUE(make_run_folder(folder).ok());
  for (const char* name : {"lease", "lease.dead-12", "run.log", "experiment.yaml", "journal",
                           ".journal.1.2.tmp", "trials/.000001.1.h5.3.4.tmp", "crash/rank-3"}) {
    temporary.write(std::string("run/") + name, "");
    EXPECT_EQ(content_of(folder), FolderContent::kNothing) << name;
  }
  temporary.write("run/journal", "c");
  EXPECT_EQ(content_of(folder), FolderContent::kRun);  // No journal begins so.
  ASSERT_TRUE(fs::remove(folder.journal()));
  ASSERT_TRUE(JournalFile::create(folder.journal()).ok());
  fs::resize_file(folder.journal(), 20);
  EXPECT_EQ(content_of(folder), FolderContent::kNothing);
  EXPECT_TRUE(check_new_run(folder).ok());
}

TEST(RunFolder, OtherContentsAreNamedAndRefused) {
  const TemporaryFolder temporary;
  const auto refused = [&](const std::string& name, const std::string& expected) {
    const RunFolder folder{temporary.path(name)};
    EXPECT_EQ(content_of(folder), FolderContent::kOther);
    expect_refused(check_new_run(folder), expected);
  };
  fs::create_directories(temporary.path("a"));
  temporary.write("a/thesis.tex", "x");
  refused("a", "thesis.tex");
  ASSERT_TRUE(make_run_folder({temporary.path("b")}).ok());
  temporary.write("b/notes", "x");
  refused("b", "notes");
  ASSERT_TRUE(make_run_folder({temporary.path("c")}).ok());
  temporary.write("c/trials/000001.1.h5", "x");
  refused("c", "trials/000001.1.h5");
  fs::create_directories(temporary.path("d"));
  temporary.write("d/experiment.yaml", "x");  // Somebody's own: no job was here.
  refused("d", "experiment.yaml");
  fs::create_directories(temporary.path("e/journal"));
  refused("e", "journal");
  temporary.write("f", "x");
  expect_refused(check_new_run({temporary.path("f")}), "is a file");
  expect_refused(check_new_run({""}), "-o");
}

TEST(RunFolder, LinksAreNotFollowed) {
  const TemporaryFolder temporary;
  ASSERT_TRUE(make_run_folder({temporary.path("real")}).ok());
  fs::create_directory_symlink(temporary.path("real"), temporary.path("link"));
  for (const char* name : {"link", "link/", "link//"}) {
    const RunFolder folder{temporary.path(name)};
    expect_refused(check_new_run(folder), "symbolic link");
    expect_refused(make_run_folder(folder), "symbolic link");
  }
  // A link among the parents is nobody's attack: scratch disks are often reached that way.
  EXPECT_TRUE(make_run_folder({temporary.path("link/run")}).ok());
  const RunFolder folder{temporary.path("real")};
  fs::remove(folder.trials());
  temporary.write(".keep.tmp", "x");
  fs::create_directory_symlink(temporary.path(), folder.trials());
  expect_refused(make_run_folder(folder), "trials is a symbolic link");
  EXPECT_EQ(content_of(folder), FolderContent::kOther);
  Result<int> removed = remove_temporary_files(folder);
  EXPECT_FALSE(removed.ok() && *removed > 0);
  EXPECT_TRUE(fs::exists(temporary.path(".keep.tmp")));
}

TEST(RunFolder, TemporaryFilesGoAndNothingElse) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary.path("run")};
  ASSERT_TRUE(make_run_folder(folder).ok());
  const std::string temporaries[] = {".journal.12.0.tmp", "trials/.000001.1.h5.12.3.tmp",
                                     "checkpoints/.x.tmp", "crash/.y.tmp"};
  const std::string others[] = {"journal", "x.tmp", "trials/000001.1.h5", ".hidden"};
  for (const std::string& name : temporaries) temporary.write("run/" + name, "x");
  for (const std::string& name : others) temporary.write("run/" + name, "x");
  fs::create_directory(folder.file(".folder.tmp"));
  Result<int> removed = remove_temporary_files(folder);
  ASSERT_TRUE(removed.ok()) << removed.status().message();
  EXPECT_EQ(*removed, 4);
  for (const std::string& name : temporaries) EXPECT_FALSE(fs::exists(folder.file(name))) << name;
  for (const std::string& name : others) EXPECT_TRUE(fs::exists(folder.file(name))) << name;
}

}  // namespace
}  // namespace aesweep
