#include "tests/comm/mpi_main.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace {

aesweep::World* the_world = nullptr;

}  // namespace

namespace aesweep {

World& test_world() { return *the_world; }

}  // namespace aesweep

#ifdef __SANITIZE_ADDRESS__
// Open MPI leaves thousands of its own blocks behind, in modules that are unloaded by the time
// leaks are looked for, so that no suppression can name them. Tests without MPI look for ours.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "detect_leaks=0";
}
#endif

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  aesweep::World world;
  the_world = &world;
  if (world.rank() != 0) {  // Rank 0 reports the names of tests; the others their failures only.
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    class FailuresOnly : public testing::EmptyTestEventListener {
      void OnTestPartResult(const testing::TestPartResult& result) override {
        if (!result.failed()) return;
        std::fprintf(stderr, "rank %d: %s:%d: %s\n", test_world_rank(), result.file_name(),
                     result.line_number(), result.message());
      }
      static int test_world_rank() { return aesweep::test_world().rank(); }
    };
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly);  // Owned by GoogleTest.
  }
  const int failed = RUN_ALL_TESTS();
  // One status for all ranks: the launcher ends the job as soon as one of them exits non-zero.
  const aesweep::Status all = world.agree(
      failed == 0 ? aesweep::Status() : aesweep::Status::world("a test failed on this rank"));
  return all.ok() ? 0 : 1;
}
