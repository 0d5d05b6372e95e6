/* A library for LD_PRELOAD that stands between aesweep and the C library's file calls. It records
 * them, kills the process at the k-th one, makes them fail, cuts them short, or moves the clock.
 *
 * It acts only in processes named aesweep, and only on files below AESWEEP_SHIM_ROOT:
 *
 *   AESWEEP_SHIM_ROOT=DIR          the run folder, absolute
 *   AESWEEP_SHIM_VICTIM=NAME       rank0, rank1, ... or supervisor; empty: every process
 *   AESWEEP_SHIM_LOG=FILE          append every successful change to FILE (records.py reads it)
 *   AESWEEP_SHIM_COUNT=FILE        keep the number of calls of each kind in FILE (64-bit words)
 *   AESWEEP_SHIM_KILL=CALL:K       SIGKILL on entry of the K-th CALL of this process
 *   AESWEEP_SHIM_ERROR=CALL:K:N    the K-th CALL and all later ones fail with errno N
 *   AESWEEP_SHIM_ONCE=CALL:K:N     the K-th CALL fails with errno N
 *   AESWEEP_SHIM_SHORT=1           write, pwrite and read move at most one byte
 *   AESWEEP_SHIM_EINTR=1           two of three read, write, pwrite, open, fallocate: EINTR first
 *   AESWEEP_SHIM_CLOCK=SECONDS     the wall clock jumps by +-SECONDS at every other look
 *
 * Calls that the C library makes inside itself (fopen, remove's own unlink) are not seen where they
 * don't pass through a symbol; run.log is written so, and is no part of what is proved. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum Call { kOpen, kWrite, kPwrite, kFsync, kFdatasync, kRename, kUnlink, kFtruncate, kLink, kMkdir,
            kClose, kAck, kRead, kFallocate, kCalls };
static const char* const kNames[kCalls] = {
    "open", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "ftruncate",
    "link", "mkdir", "close", "ack", "read", "fallocate"};

enum { kFilesMax = 4096 };

/* What a plan of injection says: nothing where call is below 0. */
struct Plan {
  int call;
  uint64_t k;
  int error;
  int once;
};

static char g_root[PATH_MAX];
static size_t g_root_bytes;
static int g_active;
static int g_log = -1;
static int g_short;
static int g_eintr;
static long g_clock;
static struct Plan g_kill = {-1, 0, 0, 0};
static struct Plan g_error = {-1, 0, 0, 0};
static atomic_uchar g_ours[kFilesMax]; /* By descriptor: opened below the root. */
static _Atomic uint64_t g_own_counts[kCalls];
static _Atomic uint64_t* g_counts = g_own_counts;
static atomic_uint g_storm;
static pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;

/* The C library's own function behind this one. */
#define REAL(name) ((__typeof__(&name))real(#name))
static void* real(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

static struct Plan parse_plan(const char* variable, int with_error) {
  struct Plan plan = {-1, 0, 0, 0};
  const char* text = getenv(variable);
  char name[32];
  unsigned long long k = 0;
  int error = 0;
  if (text == NULL) return plan;
  if (sscanf(text, "%31[^:]:%llu:%d", name, &k, &error) < 2 + with_error) return plan;
  for (int call = 0; call < kCalls; ++call) {
    if (strcmp(name, kNames[call]) == 0) plan.call = call;
  }
  plan.k = k;
  plan.error = error;
  return plan;
}

static int is_victim(void) {
  const char* victim = getenv("AESWEEP_SHIM_VICTIM");
  const char* rank = getenv("OMPI_COMM_WORLD_RANK");
  if (victim == NULL || victim[0] == '\0') return 1;
  if (rank == NULL) return strcmp(victim, "supervisor") == 0;
  return strncmp(victim, "rank", 4) == 0 && strcmp(victim + 4, rank) == 0;
}

static void open_counts(const char* path) {
  const int fd = REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || REAL(ftruncate)(fd, 4096) != 0) abort();
  void* mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) abort();
  g_counts = mapped;
  REAL(close)(fd);
}

__attribute__((constructor)) static void start(void) {
  const char* root = getenv("AESWEEP_SHIM_ROOT");
  if (root == NULL || strcmp(program_invocation_short_name, "aesweep") != 0) return;
  if (strlen(root) >= sizeof g_root || !is_victim()) return;
  strcpy(g_root, root);
  g_root_bytes = strlen(root);
  const char* log = getenv("AESWEEP_SHIM_LOG");
  if (log != NULL) {
    g_log = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (g_log < 0) abort();
    /* Out of the way: the program may close or reuse low numbers. */
    const int high = fcntl(g_log, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) g_log = high;
  }
  if (getenv("AESWEEP_SHIM_COUNT") != NULL) open_counts(getenv("AESWEEP_SHIM_COUNT"));
  g_short = getenv("AESWEEP_SHIM_SHORT") != NULL;
  g_eintr = getenv("AESWEEP_SHIM_EINTR") != NULL;
  if (getenv("AESWEEP_SHIM_CLOCK") != NULL) g_clock = atol(getenv("AESWEEP_SHIM_CLOCK"));
  g_kill = parse_plan("AESWEEP_SHIM_KILL", 0);
  g_error = parse_plan("AESWEEP_SHIM_ERROR", 1);
  if (getenv("AESWEEP_SHIM_ONCE") != NULL) {
    g_error = parse_plan("AESWEEP_SHIM_ONCE", 1);
    g_error.once = 1;
  }
  g_active = 1;
}

static int below_root(const char* path) {
  return g_active && path != NULL && strncmp(path, g_root, g_root_bytes) == 0 &&
         (path[g_root_bytes] == '/' || path[g_root_bytes] == '\0');
}

static int ours(int fd) { return g_active && fd >= 0 && fd < kFilesMax && g_ours[fd]; }

/* Counts a call about to be made, and does what the plans say: does not return, or returns an errno
 * that the call has to fail with, or 0. */
static int enter(enum Call call) {
  const uint64_t k = atomic_fetch_add(&g_counts[call], 1) + 1;
  if (g_kill.call == (int)call && g_kill.k == k) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (g_error.call == (int)call && (g_error.once ? k == g_error.k : k >= g_error.k)) {
    return g_error.error;
  }
  if (g_eintr && (call == kOpen || call == kWrite || call == kPwrite || call == kRead ||
                  call == kFallocate)) {
    if (atomic_fetch_add(&g_storm, 1) % 3 != 2) return EINTR;
  }
  return 0;
}

/* One recorded change; path, second path and data follow it. */
struct Entry {
  uint32_t magic;
  uint32_t call;
  int32_t pid;
  int32_t fd;
  int64_t number; /* Offset, length or flags. */
  uint32_t path_bytes;
  uint32_t other_bytes;
  uint64_t data_bytes;
};

static void put(enum Call call, int fd, int64_t number, const char* path, const char* other,
                const void* data, size_t data_bytes) {
  struct Entry entry = {0x57454541u, call, getpid(), fd, number, path ? strlen(path) : 0,
                        other ? strlen(other) : 0, data_bytes};
  struct iovec parts[4] = {{&entry, sizeof entry},
                           {(void*)path, entry.path_bytes},
                           {(void*)other, entry.other_bytes},
                           {(void*)data, data_bytes}};
  size_t whole = sizeof entry + entry.path_bytes + entry.other_bytes + data_bytes;
  const ssize_t written = writev(g_log, parts, 4);
  if (written != (ssize_t)whole) abort(); /* The log's disk is full: nothing can be proved. */
}

/* The order in the log is the order in which the changes happened, over all ranks and threads. */
static void lock_log(void) {
  if (g_log < 0) return;
  pthread_mutex_lock(&g_mutex);
  while (flock(g_log, LOCK_EX) != 0 && errno == EINTR) {
  }
}

static void unlock_log(void) {
  if (g_log < 0) return;
  const int saved = errno;
  flock(g_log, LOCK_UN);
  pthread_mutex_unlock(&g_mutex);
  errno = saved;
}

#define RECORD(good, ...)                      \
  do {                                         \
    const int saved_ = errno;                  \
    if ((good) && g_log >= 0) put(__VA_ARGS__); \
    errno = saved_;                            \
  } while (0)

#define INJECT(call)                \
  do {                              \
    const int error_ = enter(call); \
    if (error_ != 0) {              \
      errno = error_;               \
      return -1;                    \
    }                               \
  } while (0)

static int open_file(const char* path, int flags, mode_t mode) {
  if (!below_root(path)) return REAL(open)(path, flags, mode);
  INJECT(kOpen);
  lock_log();
  const int fd = REAL(open)(path, flags, mode);
  if (fd >= 0 && fd < kFilesMax) g_ours[fd] = 1;
  RECORD(fd >= 0, kOpen, fd, flags, path, NULL, NULL, 0);
  unlock_log();
  return fd;
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_file(path, flags, mode);
}

/* The fortified forms of open, for calls without a mode. */
int __open_2(const char* path, int flags) { return open_file(path, flags, 0); }
int __open64_2(const char* path, int flags) { return open_file(path, flags, 0); }

int close(int fd) {
  if (!ours(fd)) return REAL(close)(fd);
  if (fd == g_log) return 0;
  lock_log();
  g_ours[fd] = 0;
  const int result = REAL(close)(fd);
  RECORD(1, kClose, fd, 0, NULL, NULL, NULL, 0);
  unlock_log();
  return result;
}

ssize_t write(int fd, const void* data, size_t bytes) {
  if (!ours(fd)) return REAL(write)(fd, data, bytes);
  INJECT(kWrite);
  if (g_short && bytes > 1) bytes = 1;
  lock_log();
  const ssize_t done = REAL(write)(fd, data, bytes);
  const off_t end = done > 0 && g_log >= 0 ? lseek(fd, 0, SEEK_CUR) : 0;
  RECORD(done > 0, kWrite, fd, end - done, NULL, NULL, data, done);
  unlock_log();
  return done;
}

static ssize_t pwrite_file(int fd, const void* data, size_t bytes, off_t offset) {
  if (!ours(fd)) return REAL(pwrite)(fd, data, bytes, offset);
  INJECT(kPwrite);
  if (g_short && bytes > 1) bytes = 1;
  lock_log();
  const ssize_t done = REAL(pwrite)(fd, data, bytes, offset);
  RECORD(done > 0, kPwrite, fd, offset, NULL, NULL, data, done);
  unlock_log();
  return done;
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  return pwrite_file(fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  return pwrite_file(fd, data, bytes, offset);
}

ssize_t read(int fd, void* data, size_t bytes) {
  if (!ours(fd)) return REAL(read)(fd, data, bytes);
  INJECT(kRead);
  return REAL(read)(fd, data, g_short && bytes > 1 ? 1 : bytes);
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  if (ours(fd)) INJECT(kFallocate);
  return REAL(fallocate)(fd, mode, offset, bytes);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
  if (ours(fd)) INJECT(kFallocate);
  return REAL(fallocate64)(fd, mode, offset, bytes);
}

int fsync(int fd) {
  if (!ours(fd)) return REAL(fsync)(fd);
  INJECT(kFsync);
  lock_log();
  const int result = REAL(fsync)(fd);
  RECORD(result == 0, kFsync, fd, 0, NULL, NULL, NULL, 0);
  unlock_log();
  return result;
}

int fdatasync(int fd) {
  if (!ours(fd)) return REAL(fdatasync)(fd);
  INJECT(kFdatasync);
  lock_log();
  const int result = REAL(fdatasync)(fd);
  RECORD(result == 0, kFdatasync, fd, 0, NULL, NULL, NULL, 0);
  unlock_log();
  return result;
}

static int truncate_file(int fd, off_t bytes) {
  if (!ours(fd)) return REAL(ftruncate)(fd, bytes);
  INJECT(kFtruncate);
  lock_log();
  const int result = REAL(ftruncate)(fd, bytes);
  RECORD(result == 0, kFtruncate, fd, bytes, NULL, NULL, NULL, 0);
  unlock_log();
  return result;
}
int ftruncate(int fd, off_t bytes) { return truncate_file(fd, bytes); }
int ftruncate64(int fd, off64_t bytes) { return truncate_file(fd, bytes); }

int rename(const char* from, const char* to) {
  if (!below_root(from)) return REAL(rename)(from, to);
  INJECT(kRename);
  lock_log();
  const int result = REAL(rename)(from, to);
  RECORD(result == 0, kRename, -1, 0, from, to, NULL, 0);
  unlock_log();
  return result;
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  if (!below_root(from)) return REAL(renameat2)(from_folder, from, to_folder, to, flags);
  INJECT(kRename);
  lock_log();
  const int result = REAL(renameat2)(from_folder, from, to_folder, to, flags);
  RECORD(result == 0, kRename, -1, 0, from, to, NULL, 0);
  unlock_log();
  return result;
}

static int remove_name(const char* path, int (*action)(const char*)) {
  if (!below_root(path)) return action(path);
  INJECT(kUnlink);
  lock_log();
  const int result = action(path);
  RECORD(result == 0, kUnlink, -1, 0, path, NULL, NULL, 0);
  unlock_log();
  return result;
}
int unlink(const char* path) { return remove_name(path, REAL(unlink)); }
int remove(const char* path) { return remove_name(path, REAL(remove)); }
int rmdir(const char* path) { return remove_name(path, REAL(rmdir)); }

int link(const char* from, const char* to) {
  if (!below_root(from)) return REAL(link)(from, to);
  INJECT(kLink);
  lock_log();
  const int result = REAL(link)(from, to);
  RECORD(result == 0, kLink, -1, 0, from, to, NULL, 0);
  unlock_log();
  return result;
}

int mkdir(const char* path, mode_t mode) {
  if (!below_root(path)) return REAL(mkdir)(path, mode);
  INJECT(kMkdir);
  lock_log();
  const int result = REAL(mkdir)(path, mode);
  RECORD(result == 0, kMkdir, -1, 0, path, NULL, NULL, 0);
  unlock_log();
  return result;
}

/* Lines on stderr are what the user was told: they go into the log in their place. */
static void note_ack(FILE* stream, const char* text, size_t bytes) {
  if (g_log < 0 || stream != stderr || bytes == 0) return;
  lock_log();
  put(kAck, -1, 0, NULL, NULL, text, bytes);
  unlock_log();
}

size_t fwrite(const void* data, size_t bytes, size_t count, FILE* stream) {
  note_ack(stream, data, bytes * count);
  return REAL(fwrite)(data, bytes, count, stream);
}

int fputs(const char* text, FILE* stream) {
  note_ack(stream, text, strlen(text));
  return REAL(fputs)(text, stream);
}

/* The wall clock jumps to and fro; the monotonic clocks don't. */
static long clock_step(void) {
  return g_clock == 0 || atomic_fetch_add(&g_storm, 1) % 2 == 0 ? g_clock : -g_clock;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = REAL(clock_gettime)(clock, now);
  if (result == 0 && g_clock != 0 && clock == CLOCK_REALTIME) now->tv_sec += clock_step();
  return result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  const int result = REAL(gettimeofday)(now, zone);
  if (result == 0 && g_clock != 0) now->tv_sec += clock_step();
  return result;
}

time_t time(time_t* out) {
  time_t now = REAL(time)(NULL) + (g_clock != 0 ? clock_step() : 0);
  if (out != NULL) *out = now;
  return now;
}
