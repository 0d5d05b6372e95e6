/* A small plugin whose every member can be spoilt by a definition: CMakeLists.txt compiles it once
 * per fault, plugin_host_test.cpp has a row for each. Without definitions it is a plugin that must
 * load.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

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
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef ENTRY_BYTES
#define ENTRY_BYTES sizeof(aesweep_plugin_entry)
#endif
#ifndef ID
#define ID "sample"
#endif
#ifndef COMPONENTS
#define COMPONENTS kComponents
#endif
#ifndef SECOND /* A second component. */
#define SECOND
#endif
#ifndef FIRST
#define FIRST &kFirst
#endif
#ifndef COMPONENT_BYTES
#define COMPONENT_BYTES sizeof(aesweep_component)
#endif
#ifndef KIND
#define KIND AESWEEP_ACTIVATION
#endif
#ifndef NAME
#define NAME "sample"
#endif
#ifndef PARAMETER_COUNT
#define PARAMETER_COUNT 0
#endif
#ifndef PLAN
#define PLAN plan
#endif
#ifndef TABLE64
#define TABLE64 &kTable_f64
#endif
#ifndef INIT_STATUS
#define INIT_STATUS AESWEEP_OK
#endif
#ifndef SYMBOL
#define SYMBOL aesweep_plugin
#endif

#define EXPORT __attribute__((visibility("default")))
#define UNUSED __attribute__((unused)) /* Some variants leave a member out. */

/* Never called: the host only asks whether they are there. */
static int32_t create(const aesweep_parameter* parameters, uint32_t count, void** instance,
                      aesweep_error* error) {
  (void)parameters, (void)count, (void)instance, (void)error;
  return AESWEEP_UNSUPPORTED;
}
static void destroy(void* instance) { (void)instance; }
UNUSED static int32_t plan(void* instance, const aesweep_plan_request* request,
                           aesweep_plan* answer, aesweep_error* error) {
  (void)instance, (void)request, (void)answer, (void)error;
  return AESWEEP_UNSUPPORTED;
}

UNUSED static int32_t init(const aesweep_host* host, aesweep_error* error) {
  static const char kText[] = "no licence found";
  (void)host;
  for (uint32_t i = 0; i < sizeof kText && i < error->capacity; ++i) error->text[i] = kText[i];
  return INIT_STATUS;
}

static const aesweep_lifecycle kLifecycle = {sizeof kLifecycle, 0, create, destroy, PLAN};
#define TRANSFORM(type)                                                                            \
  UNUSED static int32_t forward_##type(                                                            \
      void* instance, const aesweep_context* context, const aesweep_memory_##type* memory,         \
      const aesweep_const_matrix_##type* x, const aesweep_matrix_##type* y,                        \
      aesweep_error* error) {                                                                      \
    (void)instance, (void)context, (void)memory, (void)x, (void)y, (void)error;                    \
    return AESWEEP_UNSUPPORTED;                                                                    \
  }                                                                                                \
  UNUSED static int32_t backward_##type(                                                           \
      void* instance, const aesweep_context* context, const aesweep_memory_##type* memory,         \
      const aesweep_const_matrix_##type* x, const aesweep_const_matrix_##type* y,                  \
      const aesweep_const_matrix_##type* dy, const aesweep_matrix_##type* dx,                      \
      aesweep_error* error) {                                                                      \
    (void)instance, (void)context, (void)memory, (void)x, (void)y, (void)dy, (void)dx;             \
    (void)error;                                                                                   \
    return AESWEEP_UNSUPPORTED;                                                                    \
  }                                                                                                \
  UNUSED static const aesweep_transform_##type kTable_##type = {                                   \
      .struct_size = sizeof kTable_##type,                                                         \
      .forward = forward_##type,                                                                   \
      .backward = backward_##type,                                                                 \
  };
TRANSFORM(f32)
TRANSFORM(f64)

UNUSED static const aesweep_component kFirst = {
    .struct_size = COMPONENT_BYTES,
    .kind = KIND,
    .name = NAME,
    .summary = "y = x",
    .parameter_count = PARAMETER_COUNT,
    .lifecycle = {&kLifecycle, &kLifecycle},
    .table = {&kTable_f32, TABLE64},
};
UNUSED static const aesweep_component* const kComponents[] = {FIRST, SECOND};

#ifdef FLOAT_MODE
/* What linking with -ffast-math does: denormal numbers count as zero from here on. */
__attribute__((constructor)) static void flush_denormals(void) {
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u);
}
#endif

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void misbehave(void) { CONSTRUCTOR; }
#endif

#ifdef TEXT_RELOCATION
/* An address among the instructions, which only the linker can fill in. */
__asm__(".text\n0: .quad 0b");
#endif

#ifdef UNRESOLVED
extern int nobody_defines_this(void);
EXPORT int (*const aesweep_test_unresolved)(void) = nobody_defines_this;
#endif

#if defined(EXPORT_FUNCTION)
EXPORT void aesweep_plugin(void);
EXPORT void aesweep_plugin(void) {}
#elif defined(EXPORT_NUMBER)
EXPORT const uint64_t aesweep_plugin = AESWEEP_ABI_MAGIC;
#else
EXPORT const aesweep_plugin_entry SYMBOL = {
    .magic = MAGIC,
    .struct_size = ENTRY_BYTES,
    .abi_major = MAJOR,
    .abi_minor = MINOR,
    .flags = FLAGS,
    .id = ID,
    .version = "1.0",
    .components = COMPONENTS,
    .component_count = sizeof kComponents / sizeof kComponents[0],
    .init = init,
};
#endif
