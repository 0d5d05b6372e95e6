/* A whole plugin, the activation y = x under the name ID, in C and C++. The sources of this folder
 * spoil one thing each by a definition before they include it; without one it is a good plugin.
 *
 * IN_FORWARD and IN_BACKWARD are statements that run when the outputs are written; they see the
 * arguments of the call, of either scalar type. They are for training steps: in evaluation and in
 * checks at other steps the plugin should look innocent where the fault allows it.
 */
#ifndef AESWEEP_TESTS_BAD_PLUGINS_IDENTITY_H_
#define AESWEEP_TESTS_BAD_PLUGINS_IDENTITY_H_

#include "core/abi/plugin.h"

#ifndef MAGIC
#define MAGIC AESWEEP_ABI_MAGIC
#endif
#ifndef MAJOR
#define MAJOR AESWEEP_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR AESWEEP_ABI_MINOR
#endif
#ifndef TABLE_BYTES
#define TABLE_BYTES(table) sizeof(table)
#endif
#ifndef FORWARD
#define FORWARD(name) name
#endif
#ifndef IN_FORWARD
#define IN_FORWARD
#endif
#ifndef IN_BACKWARD
#define IN_BACKWARD
#endif
#ifndef FORWARD_STATUS
#define FORWARD_STATUS AESWEEP_OK
#endif
#ifndef SYMBOL
#define SYMBOL aesweep_plugin
#endif

/* In one training step, and only for rows that a second rank has; the purity check knows no such
 * step. */
#define LATE_ON_RANK_1 \
  (context->mode == AESWEEP_TRAIN && context->step == 6 && context->first_row > 0)

static int state_of_all_instances;

static int32_t refuse(aesweep_error* error, const char* words, int32_t status) {
  for (uint32_t i = 0; i < error->capacity; ++i) {
    error->text[i] = i + 1 < error->capacity ? words[i] : '\0';
    if (words[i] == '\0') break;
  }
  return status;
}

static int32_t create(const aesweep_parameter* parameters, uint32_t count, void** instance,
                      aesweep_error* error) {
  if (count > 0) return refuse(error, parameters->name, AESWEEP_INVALID_PARAMETER);
  *instance = &state_of_all_instances;
  return AESWEEP_OK;
}

static void destroy(void* instance) { (void)instance; }

static int32_t plan(void* instance, const aesweep_plan_request* request, aesweep_plan* answer,
                    aesweep_error* error) {
  (void)instance, (void)error;
  answer->output_cols = request->input_cols;
  return AESWEEP_OK;
}

static int32_t init(const aesweep_host* host, aesweep_error* error) {
  if (host->abi_major == AESWEEP_ABI_MAJOR) return AESWEEP_OK;
  return refuse(error, "made for another host", AESWEEP_UNSUPPORTED);
}

static const aesweep_lifecycle kLifecycle = {sizeof kLifecycle, 0, create, destroy, plan};

#define TRANSFORM(type)                                                                     \
  static int32_t forward_##type(void* instance, const aesweep_context* context,             \
                                const aesweep_memory_##type* memory,                        \
                                const aesweep_const_matrix_##type* x,                       \
                                const aesweep_matrix_##type* y, aesweep_error* error) {     \
    (void)instance, (void)context, (void)memory, (void)error;                               \
    for (int64_t i = 0; i < x->rows; ++i) {                                                 \
      for (int64_t k = 0; k < x->cols; ++k) {                                               \
        y->data[i * y->row_stride + k] = x->data[i * x->row_stride + k];                    \
      }                                                                                     \
    }                                                                                       \
    IN_FORWARD;                                                                             \
    return FORWARD_STATUS;                                                                  \
  }                                                                                         \
  static int32_t backward_##type(                                                           \
      void* instance, const aesweep_context* context, const aesweep_memory_##type* memory,  \
      const aesweep_const_matrix_##type* x, const aesweep_const_matrix_##type* y,           \
      const aesweep_const_matrix_##type* dy, const aesweep_matrix_##type* dx,               \
      aesweep_error* error) {                                                               \
    (void)instance, (void)context, (void)memory, (void)x, (void)y, (void)error;             \
    if (dx == NULL) return AESWEEP_OK;                                                      \
    for (int64_t i = 0; i < dy->rows; ++i) {                                                \
      for (int64_t k = 0; k < dy->cols; ++k) {                                              \
        dx->data[i * dx->row_stride + k] = dy->data[i * dy->row_stride + k];                \
      }                                                                                     \
    }                                                                                       \
    IN_BACKWARD;                                                                            \
    return AESWEEP_OK;                                                                      \
  }                                                                                         \
  static const aesweep_transform_##type kTable_##type = {                                   \
      TABLE_BYTES(kTable_##type), 0, NULL, FORWARD(forward_##type), backward_##type, NULL}; \
  void aesweep_unused_##type(void);                                                         \
  void aesweep_unused_##type(void) { (void)forward_##type; }
TRANSFORM(f32)
TRANSFORM(f64)

static const aesweep_component kComponent = {sizeof kComponent,
                                             AESWEEP_ACTIVATION,
                                             AESWEEP_ELEMENTWISE,
                                             0,
                                             ID,
                                             "y = x",
                                             NULL,
                                             0,
                                             0,
                                             {&kLifecycle, &kLifecycle},
                                             {&kTable_f32, &kTable_f64}};
static const aesweep_component* const kComponents[] = {&kComponent};

#ifdef __cplusplus
#define EXPORT extern "C" __attribute__((visibility("default")))
#else
#define EXPORT __attribute__((visibility("default")))
#endif
EXPORT const aesweep_plugin_entry SYMBOL;
const aesweep_plugin_entry SYMBOL = {
    MAGIC, sizeof(aesweep_plugin_entry), MAJOR, MINOR, 0, 0, ID, "1.0", kComponents, 1, 0, init,
    NULL};

#endif /* AESWEEP_TESTS_BAD_PLUGINS_IDENTITY_H_ */
