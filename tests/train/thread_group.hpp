// A group of ranks as threads of one process: core/train's exchange without MPI, for tests.
#pragma once

#include <functional>
#include <memory>

#include "core/train/exchange.hpp"

namespace aesweep::test {

// Runs body(exchange of rank r) on one thread per rank and returns when all have ended. Ranks see
// messages in the order of the Exchange contract; delivery is delayed at random by `seed`, so that
// code which leans on timing fails.
void run_thread_group(int ranks, unsigned seed, const std::function<void(Exchange&)>& body);

}  // namespace aesweep::test
