// The lease: never two valid holders at once, whoever is killed, stopped or quicker; and no dead
// one keeps the folder. Holders are real processes, forked before the test starts a thread, or
// lease files written by hand. What is counted lies in memory that the processes share.
#include "runner/journal/lease.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>
#include <string>
#include <thread>

#include "runner/journal/lease_record.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

using std::chrono::milliseconds;

// Long enough that a busy machine loses no lease, short where a test waits for it.
constexpr LeaseTimes kTimes{milliseconds(20), milliseconds(20'000), milliseconds(40'000),
                            milliseconds(15'000), milliseconds(5)};

struct Shared {
  std::atomic<int> holders{0};
  std::atomic<int> taken{0};
  std::atomic<int> overlaps{0};
  std::atomic<int> lost{0};
  std::atomic<bool> ready{false};
  std::atomic<bool> go{false};
  std::atomic<bool> over{false};
};

class SharedMemory {
 public:
  SharedMemory()
      : page_(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0)) {
    AESWEEP_CHECK(page_ != MAP_FAILED, "no shared memory");
    shared_ = new (page_) Shared;
  }
  ~SharedMemory() { ::munmap(page_, sizeof(Shared)); }
  Shared* operator->() { return shared_; }

 private:
  void* page_;
  Shared* shared_;
};

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

pid_t start(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}

int end_of(pid_t child) {
  int status = -1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// The pid of a process that has been and is no more.
std::int64_t dead_pid() {
  const pid_t child = start([] { return 0; });
  end_of(child);
  return child;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class LeaseTest : public testing::Test {
 protected:
  LeaseTest() {
    ::unsetenv("SLURM_JOB_ID");
    ::unsetenv("SLURM_RESTART_COUNT");
  }
  ~LeaseTest() override {
    ::unsetenv("SLURM_JOB_ID");
    ::unsetenv("SLURM_RESTART_COUNT");
  }
  void put(const LeaseHolder& holder, const std::string& name = "lease") const {
    folder_.write(name, encode_lease(holder));
  }
  [[nodiscard]] std::string path() const { return folder_.path("lease"); }
  [[nodiscard]] std::string names() const {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      all += entry.path().filename().string() + " ";
    }
    return all;
  }
  void expect_refused(LeaseWait wait, const LeaseTimes& times, const std::string& expected) const {
    const std::string before = bytes_of(path());
    Result<Lease> lease = Lease::acquire(path(), wait, times);
    ASSERT_FALSE(lease.ok());
    EXPECT_EQ(lease.status().fault(), Fault::kWorld);
    EXPECT_NE(lease.status().message().find(expected), std::string::npos)
        << lease.status().message();
    EXPECT_EQ(bytes_of(path()).size(), before.size());
  }

  const TemporaryFolder folder_;
};

LeaseHolder elsewhere() {
  LeaseHolder holder = this_process();
  holder.host = "node9";
  holder.boot_id = "another-boot";
  holder.counter = 7;
  return holder;
}

TEST_F(LeaseTest, BytesComeBackAndDamageDoesNot) {
  LeaseHolder holder = elsewhere();
  holder.slurm_job = "12_3";
  holder.slurm_restarts = 2;
  holder.host = "a b\nc" + std::string(300, 'x');
  const std::string bytes = encode_lease(holder);
  ASSERT_EQ(bytes.size(), kLeaseBytes);
  const std::optional<LeaseHolder> back = decode_lease(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->host, "a_b_c" + std::string(59, 'x'));
  EXPECT_EQ(back->token, holder.token);
  EXPECT_EQ(back->pid_start, holder.pid_start);
  EXPECT_EQ(back->counter, 7U);
  EXPECT_EQ(back->slurm_job, "12_3");
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_lease(damaged)) << bit;
  }
  EXPECT_FALSE(decode_lease(bytes.substr(1)));
  EXPECT_FALSE(decode_lease(""));
}

TEST_F(LeaseTest, IsHeldRenewedInPlaceAndReleased) {
  struct stat before {
  }, after{};
  {
    Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, kTimes);
    ASSERT_TRUE(lease.ok()) << lease.status().message();
    EXPECT_TRUE(lease->valid());
    EXPECT_TRUE(lease->lost().ok());
    ASSERT_EQ(::stat(path().c_str(), &before), 0);
    EXPECT_TRUE(eventually([&] {
      Result<std::optional<LeaseHolder>> holder = read_lease(path());
      return holder.ok() && holder->has_value() && (*holder)->counter >= 3;
    }));
    ASSERT_EQ(::stat(path().c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(after.st_size, static_cast<off_t>(kLeaseBytes));
    Result<std::optional<LeaseHolder>> holder = read_lease(path());
    ASSERT_TRUE(holder.ok() && holder->has_value());
    EXPECT_EQ((*holder)->pid, ::getpid());
    EXPECT_FALSE(certainly_dead(**holder));
    lease->release();
    EXPECT_FALSE(lease->valid());
    EXPECT_FALSE(lease->lost().ok());
  }
  EXPECT_EQ(names(), "");
  Result<std::optional<LeaseHolder>> holder = read_lease(path());
  ASSERT_TRUE(holder.ok());
  EXPECT_FALSE(holder->has_value());
}

TEST_F(LeaseTest, ASecondRunnerIsRefusedByName) {
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, kTimes);
  ASSERT_TRUE(lease.ok());
  expect_refused(LeaseWait::kNo, kTimes, "pid " + std::to_string(::getpid()) + " on ");
  LeaseTimes hasty = kTimes;
  hasty.ending = milliseconds(100);
  expect_refused(LeaseWait::kForDead, hasty, "is at work on the run folder");
  EXPECT_TRUE(lease->valid());
}

TEST_F(LeaseTest, WhoIsCertainlyDead) {
  LeaseHolder holder = this_process();
  EXPECT_FALSE(certainly_dead(holder));
  holder.pid_start -= 1;  // The pid was given to another process.
  EXPECT_TRUE(certainly_dead(holder));
  holder = this_process();
  holder.pid = dead_pid();
  EXPECT_TRUE(certainly_dead(holder));
  holder.boot_id = "another-boot";  // Of another machine: its processes cannot be seen from here.
  EXPECT_FALSE(certainly_dead(holder));
  holder = this_process();
  holder.pid = dead_pid();
  holder.pid_namespace = "pid:[1]";
  EXPECT_FALSE(certainly_dead(holder));

  holder = elsewhere();
  holder.slurm_job = "77";
  holder.slurm_restarts = 1;
  EXPECT_FALSE(certainly_dead(holder));
  ::setenv("SLURM_JOB_ID", "77", 1);
  ::setenv("SLURM_RESTART_COUNT", "1", 1);
  EXPECT_FALSE(certainly_dead(holder));
  ::setenv("SLURM_RESTART_COUNT", "2", 1);
  EXPECT_TRUE(certainly_dead(holder));
  ::setenv("SLURM_JOB_ID", "78", 1);
  EXPECT_FALSE(certainly_dead(holder));
}

TEST_F(LeaseTest, AZombieIsDead) {
  const pid_t child = start([] { return 0; });
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  LeaseHolder holder = this_process();
  holder.pid = child;
  std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
  std::string word;
  for (int field = 1; field <= 22; ++field) stat >> word;
  holder.pid_start = std::stoll(word);
  EXPECT_TRUE(certainly_dead(holder));
  end_of(child);
}

TEST_F(LeaseTest, ADeadHoldersLeaseIsTakenAtOnce) {
  LeaseHolder dead = this_process();
  dead.pid = dead_pid();
  put(dead);
  put(dead, "lease.dead-of-a-takeover");  // Whoever did that was killed, too.
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, kTimes);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  EXPECT_TRUE(lease->valid());
  EXPECT_EQ(names(), "lease ");
}

TEST_F(LeaseTest, AHolderElsewhereIsWaitedFor) {
  put(elsewhere());
  expect_refused(LeaseWait::kNo, kTimes, "--resume=auto takes over");
  expect_refused(LeaseWait::kNo, kTimes, "on node9");
  LeaseTimes hasty = kTimes;
  hasty.dead_after = milliseconds(150);
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kForDead, hasty);
  EXPECT_TRUE(lease.ok()) << lease.status().message();
}

TEST_F(LeaseTest, AHolderElsewhereThatLivesIsNotTakenOver) {
  std::atomic<bool> over{false};
  std::thread renewing([&] {
    LeaseHolder holder = elsewhere();
    while (!over) {
      ++holder.counter;
      put(holder, "next");
      std::filesystem::rename(folder_.path("next"), path());
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  ASSERT_TRUE(eventually([&] { return ::access(path().c_str(), F_OK) == 0; }));
  expect_refused(LeaseWait::kForDead, kTimes, "on node9");
  over = true;
  renewing.join();
}

// One that was moved away by a takeover that took it for another's is alive all the same.
TEST_F(LeaseTest, ALivingHoldersLeaseCountsUnderAnyName) {
  put(elsewhere(), "lease.dead-by-mistake");
  expect_refused(LeaseWait::kNo, kTimes, "on node9");
  EXPECT_EQ(names(), "lease.dead-by-mistake ");
}

TEST_F(LeaseTest, AnUnreadableLeaseIsAFaultUntilItIsKnownToBeDead) {
  folder_.write("lease", std::string(kLeaseBytes, 'x'));
  expect_refused(LeaseWait::kNo, kTimes, "lease: not readable as a lease");
  EXPECT_FALSE(read_lease(path()).ok());
  LeaseTimes hasty = kTimes;
  hasty.dead_after = milliseconds(100);
  EXPECT_TRUE(Lease::acquire(path(), LeaseWait::kForDead, hasty).ok());
  folder_.write("elsewhere", "");
  ASSERT_EQ(::symlink("elsewhere", path().c_str()), 0);
  EXPECT_FALSE(Lease::acquire(path(), LeaseWait::kForDead, hasty).ok());
}

TEST_F(LeaseTest, WhoseFileIsTakenAwayStopsAndLeavesTheNewOne) {
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, kTimes);
  ASSERT_TRUE(lease.ok());
  const std::string next = encode_lease(elsewhere());
  folder_.write("next", next);
  std::filesystem::rename(folder_.path("next"), path());
  EXPECT_TRUE(eventually([&] { return !lease->valid(); }));
  EXPECT_NE(lease->lost().message().find("no longer this job's"), std::string::npos);
  lease->release();
  EXPECT_EQ(bytes_of(path()), next);
}

TEST_F(LeaseTest, WhoCannotRenewStops) {
  LeaseTimes hasty = kTimes;
  hasty.renew = milliseconds(60'000);  // As if the disk did not answer.
  hasty.lost_after = milliseconds(50);
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, hasty);
  ASSERT_TRUE(lease.ok());
  EXPECT_TRUE(eventually([&] { return !lease->valid(); }));
  EXPECT_NE(lease->lost().message().find("could not be renewed for 50 ms"), std::string::npos);
  EXPECT_FALSE(lease->valid());
}

TEST_F(LeaseTest, AHolderThatIsJustEndingIsWaitedFor) {
  SharedMemory shared;
  const pid_t child = start([&] {
    Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, kTimes);
    shared->ready = true;
    std::this_thread::sleep_for(milliseconds(100));
    return lease.ok() ? 0 : 1;
  });
  ASSERT_TRUE(eventually([&] { return shared->ready.load(); }));
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kForDead, kTimes);
  EXPECT_TRUE(lease.ok()) << lease.status().message();
  EXPECT_EQ(end_of(child), 0);
}

TEST_F(LeaseTest, AKilledHoldersLeaseIsTakenOver) {
  SharedMemory shared;
  const pid_t child = start([&] {
    Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, kTimes);
    shared->ready = lease.ok();
    ::pause();
    return 0;
  });
  ASSERT_TRUE(eventually([&] { return shared->ready.load(); }));
  expect_refused(LeaseWait::kNo, kTimes, "pid " + std::to_string(child));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  end_of(child);
  EXPECT_TRUE(Lease::acquire(path(), LeaseWait::kNo, kTimes).ok());
}

// Stopped for longer than a lease lives, a holder finds on waking that it is none.
TEST_F(LeaseTest, AStoppedHolderIsReplacedAndKnowsItOnWaking) {
  SharedMemory shared;
  LeaseTimes hasty = kTimes;
  hasty.lost_after = milliseconds(1'000);
  hasty.dead_after = milliseconds(2'000);
  hasty.ending = milliseconds(50);
  const pid_t child = start([&] {
    Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, hasty);
    shared->ready = lease.ok();
    while (lease.ok() && !shared->over) {
      const bool other = shared->go;  // Asked first: what holds after it holds at the same time.
      if (lease->valid() && other) ++shared->overlaps;
    }
    return lease.ok() && !lease->valid() ? 0 : 1;
  });
  ASSERT_TRUE(eventually([&] { return shared->ready.load(); }));
  ASSERT_EQ(::kill(child, SIGSTOP), 0);
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kForDead, hasty);
  ASSERT_TRUE(lease.ok()) << lease.status().message();
  shared->go = true;
  ASSERT_EQ(::kill(child, SIGCONT), 0);
  std::this_thread::sleep_for(milliseconds(100));
  shared->over = true;
  EXPECT_EQ(end_of(child), 0);
  EXPECT_EQ(shared->overlaps, 0);
  Result<std::optional<LeaseHolder>> holder = read_lease(path());
  ASSERT_TRUE(holder.ok() && holder->has_value());
  EXPECT_EQ((*holder)->pid, ::getpid());
}

// One try of a racer: half of those who get the lease die with it.
int race_once(const std::string& path, SharedMemory& shared, unsigned random) {
  LeaseTimes slow = kTimes;
  slow.hesitate = milliseconds(random % 4);
  Result<Lease> lease = Lease::acquire(path, LeaseWait::kNo, slow);
  if (!lease.ok()) {
    const std::string& why = lease.status().message();
    if (why.find("is at work on the run folder") != std::string::npos) return 0;
    std::fputs((why + "\n").c_str(), stderr);
    return 1;
  }
  if (shared->holders.fetch_add(1) != 0) ++shared->overlaps;
  ++shared->taken;
  std::this_thread::sleep_for(std::chrono::microseconds(random % 9000));
  if (!lease->valid()) ++shared->lost;
  --shared->holders;
  if (random % 2 == 0) ::_exit(0);
  lease->release();
  return 0;
}

TEST_F(LeaseTest, EightRaceForEachDeadOnesLease) {
  SharedMemory shared;
  LeaseHolder dead = this_process();
  dead.pid = dead_pid();
  put(dead);
  std::vector<pid_t> racers;
  for (unsigned racer = 0; racer < 8; ++racer) {
    racers.push_back(start([&] {
      int failures = 0;
      for (unsigned i = 0; i < 50; ++i) {
        const unsigned random = (racer * 50 + i) * 2654435761U >> 7;
        if (end_of(start([&] { return race_once(path(), shared, random); })) != 0) ++failures;
      }
      return failures;
    }));
  }
  for (const pid_t racer : racers) EXPECT_EQ(end_of(racer), 0);
  EXPECT_EQ(shared->overlaps, 0);
  EXPECT_GT(shared->taken, 0);
  // One moved by mistake is put back; on a crowded machine that may come too late, which is safe.
  EXPECT_LE(shared->lost * 4, shared->taken);
  Result<Lease> lease = Lease::acquire(path(), LeaseWait::kNo, kTimes);
  EXPECT_TRUE(lease.ok()) << lease.status().message();
  EXPECT_EQ(names(), "lease ");
}

}  // namespace
}  // namespace aesweep
