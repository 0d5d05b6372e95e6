// InterruptWatch: the first signal is noted, the second ends the process, ignored ones stay so, and
// afterwards all is as before.

#include "runner/sweep/interrupt.hpp"

#include <gtest/gtest.h>

namespace aesweep {
namespace {

TEST(Interrupt, TheFirstSignalIsNoted) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    const InterruptWatch watch;
    EXPECT_EQ(noted_interrupt(), 0) << "of the one before";
    ::raise(signal);
    EXPECT_EQ(noted_interrupt(), signal);
  }
}

TEST(InterruptDeathTest, ASecondSignalOfAnyKindEndsTheProcess) {
  for (const int second : {SIGUSR1, SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          const InterruptWatch watch;
          ::raise(SIGTERM);
          ::raise(second);
        },
        testing::KilledBySignal(second), "");
  }
}

TEST(InterruptDeathTest, AfterwardsSignalsEndTheProcess) {
  EXPECT_EXIT(
      {
        { const InterruptWatch watch; }
        ::raise(SIGUSR1);
      },
      testing::KilledBySignal(SIGUSR1), "");
}

TEST(Interrupt, WhatWasIgnoredStaysIgnored) {
  ::signal(SIGINT, SIG_IGN);
  {
    const InterruptWatch watch;
    ::raise(SIGINT);
    ::raise(SIGINT);
    EXPECT_EQ(noted_interrupt(), 0);
    ::raise(SIGUSR1);
    ::raise(SIGINT);
    EXPECT_EQ(noted_interrupt(), SIGUSR1);
  }
  ::raise(SIGINT);
  ::signal(SIGINT, SIG_DFL);
}

}  // namespace
}  // namespace aesweep
