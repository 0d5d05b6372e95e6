// Proves that a component failing in the middle of a step ends the trial with the same reason on
// any number of ranks, whichever rank computes the failing shard, and that no rank hangs; and that
// a quantizer's backward is not called where its quantize failed.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

#include "core/train/trial.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/thread_group.hpp"

namespace aesweep::test {
namespace {

// A hand-written activation, straight on the ABI: the identity, until it fails at the step and in
// the call that it is asked for. From row 10 of the batch on, and in every later shard as well.
struct FailAt {
  std::uint64_t step = 0;
  std::string call;
};

int32_t fail(aesweep_error* error, const aesweep_context* context) {
  std::snprintf(error->text, error->capacity, "row %llu is cursed",
                static_cast<unsigned long long>(context->first_row));
  return AESWEEP_NUMERIC;
}

bool hit(void* instance, const aesweep_context* context, const char* call) {
  const auto* at = static_cast<const FailAt*>(instance);
  return context->mode == AESWEEP_TRAIN && context->step == at->step && at->call == call &&
         context->first_row + context->shard_rows > 10;
}

constexpr const char* kCalls[] = {"accumulate", "forward", "backward", "end_step", nullptr};

const aesweep_parameter_info kParameters[] = {
    {sizeof(aesweep_parameter_info), AESWEEP_INTEGER, AESWEEP_REQUIRED, 0, "step", "when", 0, 0.0,
     nullptr, 0.0, 1e6, nullptr},
    {sizeof(aesweep_parameter_info), AESWEEP_CHOICE, AESWEEP_REQUIRED, 0, "call", "where", 0, 0.0,
     "forward", 0.0, 0.0, kCalls}};

const aesweep_round kRound = {sizeof(aesweep_round), AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, 0, 1};

int32_t create(const aesweep_parameter* p, uint32_t, void** instance, aesweep_error*) {
  *instance = new FailAt{static_cast<std::uint64_t>(p[0].integer), p[1].text};
  return AESWEEP_OK;
}

void destroy(void* instance) { delete static_cast<FailAt*>(instance); }

int32_t plan(void*, const aesweep_plan_request* request, aesweep_plan* plan, aesweep_error*) {
  plan->output_cols = request->input_cols;
  plan->rounds = &kRound;
  plan->round_count = 1;
  return AESWEEP_OK;
}

template <class Memory, class Const>
int32_t accumulate(void* instance, const aesweep_context* context, uint32_t, const Memory* memory,
                   const Const* x, const Const*, aesweep_error* error) {
  if (hit(instance, context, "accumulate")) return fail(error, context);
  memory->statistic[0] += static_cast<double>(x->rows);
  return AESWEEP_OK;
}

template <class Const, class Matrix>
void copy(const Const& from, const Matrix& to) {
  for (int64_t i = 0; i < from.rows; ++i) {
    for (int64_t j = 0; j < from.cols; ++j) {
      to.data[i * to.row_stride + j] = from.data[i * from.row_stride + j];
    }
  }
}

template <class Memory, class Const, class Matrix>
int32_t forward(void* instance, const aesweep_context* context, const Memory* memory,
                const Const* x, const Matrix* y, aesweep_error* error) {
  if (hit(instance, context, "forward")) return fail(error, context);
  // The round before must have seen every row of the batch, on whatever rank.
  if (memory->statistics[0][0] != static_cast<double>(context->batch_rows)) {
    std::snprintf(error->text, error->capacity, "the round missed rows");
    return AESWEEP_INTERNAL;
  }
  copy(*x, *y);
  return AESWEEP_OK;
}

template <class Memory, class Const, class Matrix>
int32_t backward(void* instance, const aesweep_context* context, const Memory*, const Const*,
                 const Const*, const Const* dy, const Matrix* dx, aesweep_error* error) {
  if (hit(instance, context, "backward")) return fail(error, context);
  copy(*dy, *dx);
  return AESWEEP_OK;
}

template <class Memory>
int32_t end_step(void* instance, const aesweep_context* context, const Memory*,
                 aesweep_error* error) {
  const auto* at = static_cast<const FailAt*>(instance);
  return at->call == "end_step" && context->step == at->step ? fail(error, context) : AESWEEP_OK;
}

const aesweep_lifecycle kLifecycle = {sizeof(aesweep_lifecycle), 0, create, destroy, plan};

const aesweep_transform_f32 kTable32 = {
    sizeof(aesweep_transform_f32),
    0,
    accumulate<aesweep_memory_f32, aesweep_const_matrix_f32>,
    forward<aesweep_memory_f32, aesweep_const_matrix_f32, aesweep_matrix_f32>,
    backward<aesweep_memory_f32, aesweep_const_matrix_f32, aesweep_matrix_f32>,
    end_step<aesweep_memory_f32>};
const aesweep_transform_f64 kTable64 = {
    sizeof(aesweep_transform_f64),
    0,
    accumulate<aesweep_memory_f64, aesweep_const_matrix_f64>,
    forward<aesweep_memory_f64, aesweep_const_matrix_f64, aesweep_matrix_f64>,
    backward<aesweep_memory_f64, aesweep_const_matrix_f64, aesweep_matrix_f64>,
    end_step<aesweep_memory_f64>};

const aesweep_component kFailing = {
    sizeof(aesweep_component), AESWEEP_ACTIVATION, 0, 0, "failing",
    "y = x, or an error",      kParameters,        2, 0, {&kLifecycle, &kLifecycle},
    {&kTable32, &kTable64}};
// A quantizer that is the identity until quantize fails in training step 2. Its backward counts the
// calls of that step.
constexpr std::uint64_t kUnquantizedStep = 2;
std::atomic<int> backward_of_unquantized = 0;

int32_t create_quantizer(const aesweep_parameter*, uint32_t, void** instance, aesweep_error*) {
  *instance = new FailAt;
  return AESWEEP_OK;
}

int32_t plan_quantizer(void*, const aesweep_plan_request*, aesweep_plan*, aesweep_error*) {
  return AESWEEP_OK;
}

template <class Real>
int32_t quantize(void*, const aesweep_context* context, const aesweep_block* block, const Real* w,
                 Real* q, void*, aesweep_error* error) {
  if (context->mode == AESWEEP_TRAIN && context->step == kUnquantizedStep) {
    return fail(error, context);
  }
  std::copy_n(w, block->count, q);
  return AESWEEP_OK;
}

template <class Real>
int32_t quantizer_backward(void*, const aesweep_context* context, const aesweep_block*, const Real*,
                           Real*, const void*, aesweep_error*) {
  if (context->step == kUnquantizedStep) ++backward_of_unquantized;
  return AESWEEP_OK;
}

const aesweep_lifecycle kQuantizerLifecycle = {sizeof(aesweep_lifecycle), 0, create_quantizer,
                                               destroy, plan_quantizer};
const aesweep_quantizer_f32 kQuantizer32 = {sizeof(aesweep_quantizer_f32), 0, quantize<float>,
                                            quantizer_backward<float>, nullptr};
const aesweep_quantizer_f64 kQuantizer64 = {sizeof(aesweep_quantizer_f64), 0, quantize<double>,
                                            quantizer_backward<double>, nullptr};
const aesweep_component kFailingQuantizer = {sizeof(aesweep_component),
                                             AESWEEP_QUANTIZER,
                                             0,
                                             0,
                                             "failing",
                                             "q = w, or an error",
                                             nullptr,
                                             0,
                                             0,
                                             {&kQuantizerLifecycle, &kQuantizerLifecycle},
                                             {&kQuantizer32, &kQuantizer64}};

const aesweep_component* const kComponents[] = {&kFailing, &kFailingQuantizer};
const aesweep_plugin_entry kEntry = {AESWEEP_ABI_MAGIC,
                                     sizeof(aesweep_plugin_entry),
                                     AESWEEP_ABI_MAJOR,
                                     AESWEEP_ABI_MINOR,
                                     0,
                                     0,
                                     "failing",
                                     "1",
                                     kComponents,
                                     2,
                                     0,
                                     nullptr,
                                     nullptr};

const Catalogue& catalogue() {
  static const Catalogue whole = [] {
    Catalogue c = builtins();
    const Status added = c.add(kEntry, {"failing", "1", "test", ""});
    EXPECT_TRUE(added.ok()) << added.message();
    return c;
  }();
  return whole;
}

std::vector<TrialResult> run(const TrialSpec& spec, int ranks) {
  const SmallData data(60, 12, 10);
  std::vector<TrialResult> results(static_cast<std::size_t>(ranks));
  run_thread_group(ranks, 11, [&](Exchange& exchange) {
    TrialControl quiet;
    results[static_cast<std::size_t>(exchange.rank())] =
        run_trial(spec, catalogue(), data.dataset(), exchange, quiet);
  });
  return results;
}

TrialSpec failing_spec(const std::string& call, std::int64_t step) {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 6, "failing", {{"step", step}, {"call", call}}),
                       dense("output", 0, "sigmoid")};
  spec.optimizer = {"adam", {}};
  spec.train.batch_rows = 30;
  spec.train.shard_rows = 4;
  spec.train.epochs = 3;
  return spec;
}

TEST(ComponentFault, AnyCallEndsTheTrialAlikeOnAnyRanks) {
  for (const std::string call : {"accumulate", "forward", "backward", "end_step"}) {
    for (const std::int64_t step : {0, 3}) {
      SCOPED_TRACE(call + " at " + std::to_string(step));
      const TrialSpec spec = failing_spec(call, step);
      const TrialResult one = run(spec, 1).front();
      EXPECT_EQ(one.outcome, Outcome::kFailed);
      // 30 rows in 8 shards of 4 and 3 rows: the first that reaches past row 10 starts at row 8.
      const std::string row = call == "end_step" ? "row 0" : "row 8";
      EXPECT_NE(one.reason.find(row + " is cursed"), std::string::npos) << one.reason;
      EXPECT_NE(one.reason.find("code, step " + std::to_string(step)), std::string::npos)
          << one.reason;
      EXPECT_NE(one.reason.find("activation failing (plugin failing)"), std::string::npos)
          << one.reason;
      for (int ranks = 2; ranks <= 4; ++ranks) {
        for (const TrialResult& result : run(spec, ranks)) {
          EXPECT_EQ(result.outcome, Outcome::kFailed);
          EXPECT_EQ(result.reason, one.reason) << ranks << " ranks";
        }
      }
    }
  }
}

TEST(ComponentFault, AQuantizersBackwardIsNotCalledWhereItsQuantizeFailed) {
  TrialSpec spec = failing_spec("forward", 1000);
  spec.model.layers[0].quantizer = ComponentSpec{"failing", {}};
  for (int ranks = 1; ranks <= 3; ++ranks) {
    for (const TrialResult& result : run(spec, ranks)) {
      EXPECT_EQ(result.outcome, Outcome::kFailed);
      EXPECT_NE(result.reason.find("code, step 2"), std::string::npos) << result.reason;
    }
  }
  EXPECT_EQ(backward_of_unquantized, 0);
}

TEST(ComponentFault, WithoutTheFaultTheSameTrialCompletes) {
  for (int ranks = 1; ranks <= 3; ++ranks) {
    EXPECT_EQ(run(failing_spec("forward", 1000), ranks).front().outcome, Outcome::kCompleted);
  }
}

}  // namespace
}  // namespace aesweep::test
