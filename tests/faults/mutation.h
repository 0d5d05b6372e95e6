/* Undoes one deed of the file that is compiled with it (-include): for builds that have to fail the
 * tests of this folder. CMakeLists.txt says which files get it and defines one of
 *   AESWEEP_FAULT_MUTATION_fsync    nothing is ever synced
 *   AESWEEP_FAULT_MUTATION_rename   names are not moved: the target is written over in place
 *   AESWEEP_FAULT_MUTATION_tail     files are never cut */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

inline int aesweep_fault_nothing(int, ...) { return 0; }

inline int aesweep_fault_copy(const char* from, const char* to) {
  char block[512];
  const int in = ::open(from, O_RDONLY | O_CLOEXEC);
  const int out = ::open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  ssize_t bytes = 0;
  while ((bytes = ::read(in, block, sizeof block)) > 0) {
    if (::write(out, block, static_cast<size_t>(bytes)) != bytes) return -1;
  }
  ::close(in);
  ::close(out);
  return ::unlink(from);
}

inline int aesweep_fault_copy_new(int, const char* from, int, const char* to, unsigned) {
  /* A lease is known by its inode: it would be lost at once, and nothing else be tried. */
  if (strstr(to, "lease") != nullptr || strstr(from, "lease") != nullptr) {
    return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, 1U);
  }
  struct stat info;
  if (::stat(to, &info) == 0) {
    errno = EEXIST;
    return -1;
  }
  return aesweep_fault_copy(from, to);
}

#ifdef AESWEEP_FAULT_MUTATION_fsync
#define fsync aesweep_fault_nothing
#define fdatasync aesweep_fault_nothing
#endif
#ifdef AESWEEP_FAULT_MUTATION_rename
#define rename aesweep_fault_copy
#define renameat2 aesweep_fault_copy_new
#endif
#ifdef AESWEEP_FAULT_MUTATION_tail
#define ftruncate aesweep_fault_nothing
#endif
