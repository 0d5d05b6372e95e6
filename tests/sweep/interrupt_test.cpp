// InterruptWatch: the first signal is noted, a second SIGTERM or SIGINT ends the process, SIGUSR1
// never does, and ignored ones stay so.

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

TEST(InterruptDeathTest, ASecondTerminationEndsTheProcess) {
  for (const int second : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          const InterruptWatch watch;
          ::raise(SIGUSR1);
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
        ::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(Interrupt, SigusrOneMayComeAgainAndLater) {
  {
    const InterruptWatch watch;
    ::raise(SIGUSR1);
    ::raise(SIGUSR1);
    ::raise(SIGTERM);
    ::raise(SIGUSR1);
    EXPECT_EQ(noted_interrupt(), SIGUSR1);
  }
  ::raise(SIGUSR1);
  ::signal(SIGUSR1, SIG_DFL);
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
