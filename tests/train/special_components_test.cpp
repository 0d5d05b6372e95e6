// Proves two promises of the host that no built-in leans on: a layer that declares READS_OUTPUT
// gets its own output back in backward, whatever the activation does in place; and a penalty
// failing on blocks of weights gives the same reason on any number of ranks. Components are written
// on the bare ABI.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "core/train/trial.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"
#include "tests/train/thread_group.hpp"

namespace aesweep::test {
namespace {

int32_t create(const aesweep_parameter*, uint32_t, void** instance, aesweep_error*) {
  static int nothing = 0;
  *instance = &nothing;
  return AESWEEP_OK;
}

void destroy(void*) {}

int32_t plan(void*, const aesweep_plan_request* request, aesweep_plan* plan, aesweep_error*) {
  plan->output_cols = request->input_cols;
  return AESWEEP_OK;
}

const aesweep_lifecycle kLifecycle = {sizeof(aesweep_lifecycle), 0, create, destroy, plan};

// y = exp(x); backward insists that y is what forward wrote.
template <class Memory, class Const, class Matrix>
int32_t forward(void*, const aesweep_context*, const Memory*, const Const* x, const Matrix* y,
                aesweep_error*) {
  for (int64_t i = 0; i < x->rows; ++i) {
    for (int64_t j = 0; j < x->cols; ++j) {
      y->data[i * y->row_stride + j] = std::exp(x->data[i * x->row_stride + j]);
    }
  }
  return AESWEEP_OK;
}

template <class Memory, class Const, class Matrix>
int32_t backward(void*, const aesweep_context*, const Memory*, const Const* x, const Const* y,
                 const Const* dy, const Matrix* dx, aesweep_error* error) {
  for (int64_t i = 0; i < x->rows; ++i) {
    for (int64_t j = 0; j < x->cols; ++j) {
      const auto value = y->data[i * y->row_stride + j];
      if (value != std::exp(x->data[i * x->row_stride + j])) {
        std::snprintf(error->text, error->capacity, "y is not what forward wrote");
        return AESWEEP_INTERNAL;
      }
      if (dx != nullptr) {
        dx->data[i * dx->row_stride + j] = dy->data[i * dy->row_stride + j] * value;
      }
    }
  }
  return AESWEEP_OK;
}

const aesweep_transform_f32 kExp32 = {
    sizeof(aesweep_transform_f32),
    0,
    nullptr,
    forward<aesweep_memory_f32, aesweep_const_matrix_f32, aesweep_matrix_f32>,
    backward<aesweep_memory_f32, aesweep_const_matrix_f32, aesweep_matrix_f32>,
    nullptr};
const aesweep_transform_f64 kExp64 = {
    sizeof(aesweep_transform_f64),
    0,
    nullptr,
    forward<aesweep_memory_f64, aesweep_const_matrix_f64, aesweep_matrix_f64>,
    backward<aesweep_memory_f64, aesweep_const_matrix_f64, aesweep_matrix_f64>,
    nullptr};

// Refuses every block but a tensor's first.
template <class Real>
int32_t cursed(void*, const aesweep_context*, const aesweep_block* block, const Real*,
               double* value, Real*, aesweep_error* error) {
  *value = 0.0;
  if (block->first == 0) return AESWEEP_OK;
  std::snprintf(error->text, error->capacity, "block at %llu",
                static_cast<unsigned long long>(block->first));
  return AESWEEP_NUMERIC;
}

const aesweep_regularizer_f32 kCursed32 = {
    sizeof(aesweep_regularizer_f32), 0, nullptr, nullptr, cursed<float>, nullptr};
const aesweep_regularizer_f64 kCursed64 = {
    sizeof(aesweep_regularizer_f64), 0, nullptr, nullptr, cursed<double>, nullptr};

const aesweep_component kExp = {sizeof(aesweep_component),
                                AESWEEP_LAYER,
                                AESWEEP_READS_OUTPUT,
                                0,
                                "exp",
                                "y = exp(x)",
                                nullptr,
                                0,
                                0,
                                {&kLifecycle, &kLifecycle},
                                {&kExp32, &kExp64}};
const aesweep_component kCursed = {sizeof(aesweep_component),
                                   AESWEEP_REGULARIZER,
                                   0,
                                   0,
                                   "cursed",
                                   "0, or an error",
                                   nullptr,
                                   0,
                                   0,
                                   {&kLifecycle, &kLifecycle},
                                   {&kCursed32, &kCursed64}};
const aesweep_component* const kComponents[] = {&kExp, &kCursed};
const aesweep_plugin_entry kEntry = {AESWEEP_ABI_MAGIC,
                                     sizeof(aesweep_plugin_entry),
                                     AESWEEP_ABI_MAJOR,
                                     AESWEEP_ABI_MINOR,
                                     0,
                                     0,
                                     "special",
                                     "1",
                                     kComponents,
                                     2,
                                     0,
                                     nullptr,
                                     nullptr};

TrialResult run(const TrialSpec& spec, int ranks) {
  static const Catalogue catalogue = [] {
    Catalogue c = builtins();
    const Status added = c.add(kEntry, {"special", "1", "test", ""});
    EXPECT_TRUE(added.ok()) << added.message();
    return c;
  }();
  const SmallData data(60, 12, 100);
  std::vector<TrialResult> results(static_cast<std::size_t>(ranks));
  run_thread_group(ranks, 5, [&](Exchange& exchange) {
    TrialControl quiet;
    results[static_cast<std::size_t>(exchange.rank())] =
        run_trial(spec, catalogue, data.dataset(), exchange, quiet);
  });
  return results.front();
}

TrialSpec base() {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  spec.model.layers = {dense("code", 100, "tanh"), dense("output", 0, "sigmoid")};
  spec.optimizer = {"adam", {}};
  spec.train.batch_rows = 30;
  spec.train.shard_rows = 4;
  return spec;
}

TEST(SpecialComponents, ALayerThatReadsItsOutputGetsItBack) {
  for (const std::string activation : {"tanh", "relu", "sigmoid", ""}) {
    SCOPED_TRACE(activation);
    TrialSpec spec = base();
    LayerSpec layer = dense("warp", 0, activation);
    layer.layer = {"exp", {}};
    spec.model.layers.insert(spec.model.layers.begin() + 1, layer);
    const TrialResult result = run(spec, 2);
    EXPECT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
  }
}

TEST(SpecialComponents, APenaltyFailingOnWeightsGivesOneReasonOnAnyRanks) {
  TrialSpec spec = base();
  for (LayerSpec& layer : spec.model.layers) {
    layer.regularizers = {regularizer("cursed", RegularizerTarget::kWeights, {})};
  }
  const TrialResult one = run(spec, 1);
  EXPECT_EQ(one.outcome, Outcome::kFailed);
  EXPECT_NE(one.reason.find("code/weights, step 0"), std::string::npos) << one.reason;
  EXPECT_NE(one.reason.find("block at 4096"), std::string::npos) << one.reason;
  for (int ranks = 2; ranks <= 4; ++ranks) EXPECT_EQ(run(spec, ranks).reason, one.reason) << ranks;
}

}  // namespace
}  // namespace aesweep::test
