// Proves that code_evaluation_bytes is what the evaluation of codes takes of memory at its peak, by
// counting what is allocated and freed.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "core/train/code_evaluation.hpp"
#include "core/train/encoder.hpp"
#include "tests/train/coded_data.hpp"

namespace {

std::size_t held = 0;
std::size_t peak = 0;

void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  held += ::malloc_usable_size(memory);
  peak = std::max(peak, held);
  return memory;
}

void release(void* memory) {
  if (memory != nullptr) held -= ::malloc_usable_size(memory);
  std::free(memory);
}

void* aligned(std::size_t size, std::align_val_t alignment) {
  const auto line = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(line, (size + line - 1) / line * line));
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(std::malloc(std::max<std::size_t>(size, 1)));
}
void* operator new(std::size_t size, std::align_val_t line) { return aligned(size, line); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace aesweep::test {
namespace {

// Databases and queries that end within a batch, and all of them.
TEST(CodeMemory, IsWhatAnEvaluationTakesAtItsPeak) {
  const SmallData source(4000, 3000, kCodedCols);
  Dataset data = source.dataset();
  const std::vector<std::int32_t> labels(3000, 4);
  data.test.labels = labels.data();
  TrialSpec spec = coded_spec({"tanh", {}}, 48);
  spec.train.batch_rows = 700;
  SoloExchange alone;
  Coder<double> coder(spec, data);
  for (const Binarization kind :
       {Binarization::kZero, Binarization::kMean, Binarization::kMedian, Binarization::kItq}) {
    for (const auto& [queries, database] : {std::pair(0, 0), {701, 4000}, {3000, 1401}, {5, 9}}) {
      spec.evaluate.codes = CodeEvaluationSpec{{kind}, queries, database, 2};
      const std::uint64_t announced =
          code_evaluation_bytes(*spec.evaluate.codes, 4000, 3000, 700, 48) +
          Encoder<double>::bytes(spec, coder.setup.network, 4000);
      const std::size_t before = held;
      peak = held;
      ASSERT_EQ(evaluate_codes(spec, data, coder.setup.network, coder.parameters, alone, 1)
                    .outcome.outcome,
                Outcome::kCompleted);
      const std::size_t taken = peak - before;
      // Small vectors apart; itq's matrices are not all counted here.
      EXPECT_LE(taken, announced + 16384) << static_cast<int>(kind) << " " << queries;
      EXPECT_GE(2 * taken, announced) << static_cast<int>(kind) << " " << queries;
    }
  }
}

}  // namespace
}  // namespace aesweep::test
