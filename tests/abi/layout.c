/* Prints how the plugin ABI lies in memory: each struct's size, each member's offset and size, and
 * the value of each constant. In C, since that is what the ABI is written in.
 *
 * Ends with 1 if the members listed here do not fill their struct without a gap: then one is
 * missing from the list, or the compiler has put padding where the ABI wants a reserved member. */
#include <stdio.h>

#include "core/abi/plugin.h"

static const char* current = "";
static size_t current_size = 0;
static size_t filled = 0;
static int gaps = 0;

static void end_struct(void) {
  if (filled == current_size) return;
  fprintf(stderr, "%s: its members end at %zu, the struct at %zu\n", current, filled, current_size);
  gaps = 1;
}

static void begin_struct(const char* name, size_t size) {
  end_struct();
  printf("\nstruct %s %zu\n", name, size);
  current = name;
  current_size = size;
  filled = 0;
}

static void member(const char* name, size_t offset, size_t size) {
  printf("  %zu %zu %s\n", offset, size, name);
  if (offset != filled) {
    fprintf(stderr, "%s: nothing is listed between %zu and %s at %zu\n", current, filled, name,
            offset);
    gaps = 1;
  }
  filled = offset + size;
}

#define BEGIN(type) begin_struct(#type, sizeof(type))
#define MEMBER(type, name) member(#name, offsetof(type, name), sizeof(((type*)0)->name))
#define CONSTANT(name) printf("%s %lld\n", #name, (long long)(name))

static void constants(void) {
  CONSTANT(AESWEEP_ABI_MAGIC);
  CONSTANT(AESWEEP_ABI_MAJOR);
  CONSTANT(AESWEEP_ABI_MINOR);
  CONSTANT(AESWEEP_OK);
  CONSTANT(AESWEEP_INVALID_PARAMETER);
  CONSTANT(AESWEEP_INVALID_SHAPE);
  CONSTANT(AESWEEP_UNSUPPORTED);
  CONSTANT(AESWEEP_OUT_OF_MEMORY);
  CONSTANT(AESWEEP_NUMERIC);
  CONSTANT(AESWEEP_INTERNAL);
  CONSTANT(AESWEEP_ACTIVATION);
  CONSTANT(AESWEEP_LAYER);
  CONSTANT(AESWEEP_REGULARIZER);
  CONSTANT(AESWEEP_QUANTIZER);
  CONSTANT(AESWEEP_LOSS);
  CONSTANT(AESWEEP_OPTIMIZER);
  CONSTANT(AESWEEP_F32);
  CONSTANT(AESWEEP_F64);
  CONSTANT(AESWEEP_TRAIN);
  CONSTANT(AESWEEP_EVAL);
  CONSTANT(AESWEEP_BOOLEAN);
  CONSTANT(AESWEEP_INTEGER);
  CONSTANT(AESWEEP_REAL);
  CONSTANT(AESWEEP_CHOICE);
  CONSTANT(AESWEEP_TEXT);
  CONSTANT(AESWEEP_REQUIRED);
  CONSTANT(AESWEEP_ABOVE_MINIMUM);
  CONSTANT(AESWEEP_BELOW_MAXIMUM);
  CONSTANT(AESWEEP_LEARNED);
  CONSTANT(AESWEEP_BUFFER);
  CONSTANT(AESWEEP_STATE);
  CONSTANT(AESWEEP_VIEWED);
  CONSTANT(AESWEEP_MAY_DECAY);
  CONSTANT(AESWEEP_MAY_QUANTIZE);
  CONSTANT(AESWEEP_INIT_CONSTANT);
  CONSTANT(AESWEEP_INIT_UNIFORM);
  CONSTANT(AESWEEP_INIT_NORMAL);
  CONSTANT(AESWEEP_BEFORE_FORWARD);
  CONSTANT(AESWEEP_BEFORE_BACKWARD);
  CONSTANT(AESWEEP_SUM);
  CONSTANT(AESWEEP_MAX);
  CONSTANT(AESWEEP_TRAIN_ONLY);
}

static void component_flags(void) {
  CONSTANT(AESWEEP_ELEMENTWISE);
  CONSTANT(AESWEEP_IN_PLACE);
  CONSTANT(AESWEEP_GRADIENT_AT_ACTIVE);
  CONSTANT(AESWEEP_SURROGATE);
  CONSTANT(AESWEEP_BLOCKWISE);
  CONSTANT(AESWEEP_RANDOM);
  CONSTANT(AESWEEP_READS_OUTPUT);
  CONSTANT(AESWEEP_READS_PREVIOUS);
  CONSTANT(AESWEEP_MOVING_SCALE);
  CONSTANT(AESWEEP_VIEW_INPUT);
  CONSTANT(AESWEEP_VIEW_PRE_ACTIVATION);
  CONSTANT(AESWEEP_VIEW_OUTPUT);
  CONSTANT(AESWEEP_VIEW_PARAMETERS);
}

static void parameter_and_plan_structs(void) {
  BEGIN(aesweep_error);
  MEMBER(aesweep_error, struct_size);
  MEMBER(aesweep_error, capacity);
  MEMBER(aesweep_error, text);
  BEGIN(aesweep_parameter_info);
  MEMBER(aesweep_parameter_info, struct_size);
  MEMBER(aesweep_parameter_info, type);
  MEMBER(aesweep_parameter_info, flags);
  MEMBER(aesweep_parameter_info, reserved);
  MEMBER(aesweep_parameter_info, name);
  MEMBER(aesweep_parameter_info, summary);
  MEMBER(aesweep_parameter_info, default_integer);
  MEMBER(aesweep_parameter_info, default_real);
  MEMBER(aesweep_parameter_info, default_text);
  MEMBER(aesweep_parameter_info, minimum);
  MEMBER(aesweep_parameter_info, maximum);
  MEMBER(aesweep_parameter_info, choices);
  BEGIN(aesweep_parameter);
  MEMBER(aesweep_parameter, struct_size);
  MEMBER(aesweep_parameter, type);
  MEMBER(aesweep_parameter, name);
  MEMBER(aesweep_parameter, integer);
  MEMBER(aesweep_parameter, real);
  MEMBER(aesweep_parameter, text);
  BEGIN(aesweep_tensor);
  MEMBER(aesweep_tensor, struct_size);
  MEMBER(aesweep_tensor, role);
  MEMBER(aesweep_tensor, flags);
  MEMBER(aesweep_tensor, init);
  MEMBER(aesweep_tensor, name);
  MEMBER(aesweep_tensor, rows);
  MEMBER(aesweep_tensor, cols);
  MEMBER(aesweep_tensor, init_a);
  MEMBER(aesweep_tensor, init_b);
  BEGIN(aesweep_round);
  MEMBER(aesweep_round, struct_size);
  MEMBER(aesweep_round, phase);
  MEMBER(aesweep_round, reduction);
  MEMBER(aesweep_round, flags);
  MEMBER(aesweep_round, length);
  BEGIN(aesweep_known_tensor);
  MEMBER(aesweep_known_tensor, struct_size);
  MEMBER(aesweep_known_tensor, flags);
  MEMBER(aesweep_known_tensor, name);
  MEMBER(aesweep_known_tensor, rows);
  MEMBER(aesweep_known_tensor, cols);
  BEGIN(aesweep_plan_request);
  MEMBER(aesweep_plan_request, struct_size);
  MEMBER(aesweep_plan_request, scalar);
  MEMBER(aesweep_plan_request, shard_rows_max);
  MEMBER(aesweep_plan_request, input_cols);
  MEMBER(aesweep_plan_request, target_cols);
  MEMBER(aesweep_plan_request, tensors);
  MEMBER(aesweep_plan_request, tensor_count);
  MEMBER(aesweep_plan_request, reserved);
  BEGIN(aesweep_plan);
  MEMBER(aesweep_plan, struct_size);
  MEMBER(aesweep_plan, reserved);
  MEMBER(aesweep_plan, output_cols);
  MEMBER(aesweep_plan, tensors);
  MEMBER(aesweep_plan, rounds);
  MEMBER(aesweep_plan, tensor_count);
  MEMBER(aesweep_plan, round_count);
  MEMBER(aesweep_plan, kept_bytes);
  MEMBER(aesweep_plan, workspace_bytes);
  MEMBER(aesweep_plan, active_per_row);
}

static void call_and_entry_structs(void) {
  BEGIN(aesweep_context);
  MEMBER(aesweep_context, struct_size);
  MEMBER(aesweep_context, mode);
  MEMBER(aesweep_context, step);
  MEMBER(aesweep_context, epoch);
  MEMBER(aesweep_context, total_steps);
  MEMBER(aesweep_context, seed);
  MEMBER(aesweep_context, stream);
  MEMBER(aesweep_context, first_row);
  MEMBER(aesweep_context, shard_rows);
  MEMBER(aesweep_context, batch_rows);
  MEMBER(aesweep_context, train_step);
  MEMBER(aesweep_context, rate_factor);
  BEGIN(aesweep_block);
  MEMBER(aesweep_block, struct_size);
  MEMBER(aesweep_block, flags);
  MEMBER(aesweep_block, first);
  MEMBER(aesweep_block, count);
  MEMBER(aesweep_block, rows);
  MEMBER(aesweep_block, cols);
  BEGIN(aesweep_lifecycle);
  MEMBER(aesweep_lifecycle, struct_size);
  MEMBER(aesweep_lifecycle, reserved);
  MEMBER(aesweep_lifecycle, create);
  MEMBER(aesweep_lifecycle, destroy);
  MEMBER(aesweep_lifecycle, plan);
  BEGIN(aesweep_component);
  MEMBER(aesweep_component, struct_size);
  MEMBER(aesweep_component, kind);
  MEMBER(aesweep_component, flags);
  MEMBER(aesweep_component, views);
  MEMBER(aesweep_component, name);
  MEMBER(aesweep_component, summary);
  MEMBER(aesweep_component, parameters);
  MEMBER(aesweep_component, parameter_count);
  MEMBER(aesweep_component, reserved);
  MEMBER(aesweep_component, lifecycle);
  MEMBER(aesweep_component, table);
  BEGIN(aesweep_host);
  MEMBER(aesweep_host, struct_size);
  MEMBER(aesweep_host, abi_major);
  MEMBER(aesweep_host, abi_minor);
  MEMBER(aesweep_host, gemm_f32);
  MEMBER(aesweep_host, gemm_f64);
  BEGIN(aesweep_plugin_entry);
  MEMBER(aesweep_plugin_entry, magic);
  MEMBER(aesweep_plugin_entry, struct_size);
  MEMBER(aesweep_plugin_entry, abi_major);
  MEMBER(aesweep_plugin_entry, abi_minor);
  MEMBER(aesweep_plugin_entry, min_host_minor);
  MEMBER(aesweep_plugin_entry, flags);
  MEMBER(aesweep_plugin_entry, id);
  MEMBER(aesweep_plugin_entry, version);
  MEMBER(aesweep_plugin_entry, components);
  MEMBER(aesweep_plugin_entry, component_count);
  MEMBER(aesweep_plugin_entry, reserved);
  MEMBER(aesweep_plugin_entry, init);
  MEMBER(aesweep_plugin_entry, extension);
}

/* The structs of typed.h, for one scalar. */
#define DEFINE_TYPED(suffix)                                   \
  static void typed_##suffix(void) {                           \
    BEGIN(aesweep_active_##suffix);                            \
    MEMBER(aesweep_active_##suffix, struct_size);              \
    MEMBER(aesweep_active_##suffix, reserved);                 \
    MEMBER(aesweep_active_##suffix, capacity);                 \
    MEMBER(aesweep_active_##suffix, row_offsets);              \
    MEMBER(aesweep_active_##suffix, columns);                  \
    MEMBER(aesweep_active_##suffix, values);                   \
    BEGIN(aesweep_matrix_##suffix);                            \
    MEMBER(aesweep_matrix_##suffix, data);                     \
    MEMBER(aesweep_matrix_##suffix, active);                   \
    MEMBER(aesweep_matrix_##suffix, rows);                     \
    MEMBER(aesweep_matrix_##suffix, cols);                     \
    MEMBER(aesweep_matrix_##suffix, row_stride);               \
    BEGIN(aesweep_const_matrix_##suffix);                      \
    MEMBER(aesweep_const_matrix_##suffix, data);               \
    MEMBER(aesweep_const_matrix_##suffix, active);             \
    MEMBER(aesweep_const_matrix_##suffix, rows);               \
    MEMBER(aesweep_const_matrix_##suffix, cols);               \
    MEMBER(aesweep_const_matrix_##suffix, row_stride);         \
    BEGIN(aesweep_memory_##suffix);                            \
    MEMBER(aesweep_memory_##suffix, struct_size);              \
    MEMBER(aesweep_memory_##suffix, reserved);                 \
    MEMBER(aesweep_memory_##suffix, parameters);               \
    MEMBER(aesweep_memory_##suffix, gradients);                \
    MEMBER(aesweep_memory_##suffix, buffers);                  \
    MEMBER(aesweep_memory_##suffix, statistics);               \
    MEMBER(aesweep_memory_##suffix, statistic);                \
    MEMBER(aesweep_memory_##suffix, kept);                     \
    MEMBER(aesweep_memory_##suffix, workspace);                \
    MEMBER(aesweep_memory_##suffix, viewed);                   \
    MEMBER(aesweep_memory_##suffix, viewed_gradients);         \
    BEGIN(aesweep_transform_##suffix);                         \
    MEMBER(aesweep_transform_##suffix, struct_size);           \
    MEMBER(aesweep_transform_##suffix, reserved);              \
    MEMBER(aesweep_transform_##suffix, accumulate);            \
    MEMBER(aesweep_transform_##suffix, forward);               \
    MEMBER(aesweep_transform_##suffix, backward);              \
    MEMBER(aesweep_transform_##suffix, end_step);              \
    BEGIN(aesweep_views_##suffix);                             \
    MEMBER(aesweep_views_##suffix, struct_size);               \
    MEMBER(aesweep_views_##suffix, reserved);                  \
    MEMBER(aesweep_views_##suffix, input);                     \
    MEMBER(aesweep_views_##suffix, pre_activation);            \
    MEMBER(aesweep_views_##suffix, output);                    \
    BEGIN(aesweep_regularizer_##suffix);                       \
    MEMBER(aesweep_regularizer_##suffix, struct_size);         \
    MEMBER(aesweep_regularizer_##suffix, reserved);            \
    MEMBER(aesweep_regularizer_##suffix, accumulate);          \
    MEMBER(aesweep_regularizer_##suffix, on_activations);      \
    MEMBER(aesweep_regularizer_##suffix, on_parameter_block);  \
    MEMBER(aesweep_regularizer_##suffix, on_layer_parameters); \
    BEGIN(aesweep_quantizer_##suffix);                         \
    MEMBER(aesweep_quantizer_##suffix, struct_size);           \
    MEMBER(aesweep_quantizer_##suffix, reserved);              \
    MEMBER(aesweep_quantizer_##suffix, quantize);              \
    MEMBER(aesweep_quantizer_##suffix, backward);              \
    MEMBER(aesweep_quantizer_##suffix, after_update);          \
    BEGIN(aesweep_loss_##suffix);                              \
    MEMBER(aesweep_loss_##suffix, struct_size);                \
    MEMBER(aesweep_loss_##suffix, reserved);                   \
    MEMBER(aesweep_loss_##suffix, evaluate);                   \
    BEGIN(aesweep_optimizer_##suffix);                         \
    MEMBER(aesweep_optimizer_##suffix, struct_size);           \
    MEMBER(aesweep_optimizer_##suffix, reserved);              \
    MEMBER(aesweep_optimizer_##suffix, update);                \
  }
DEFINE_TYPED(f32)
DEFINE_TYPED(f64)

int main(void) {
  constants();
  component_flags();
  parameter_and_plan_structs();
  call_and_entry_structs();
  typed_f32();
  typed_f64();
  end_struct();
  return gaps;
}
