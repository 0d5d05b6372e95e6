/* The aesweep plugin ABI: the C11 interface between the host and every component, built-in or not.
 *
 * A plugin is one shared library that exports one data symbol, `aesweep_plugin`, of type
 * aesweep_plugin_entry. It lists components; a component is one activation, layer, regularizer,
 * quantizer, loss or optimizer, in single and in double precision.
 *
 * Memory   All memory is the host's, except an instance (made by create, freed by destroy) and the
 *          constant tables and strings of the library. Pointers given to a call end with the call.
 * Purity   A call's outputs are a function of its arguments and of the instance as created. They
 *          do not depend on addresses, earlier calls, time, threads or the environment.
 * Errors   Every function that can fail returns an aesweep_status and, unless it is AESWEEP_OK,
 *          writes one line of text into `error`. No exception and no longjmp leaves a plugin.
 * Threads  [any-thread]: concurrent calls on one instance must be safe; [main]: one at a time.
 *          Plugins start no threads, call no MPI, write nothing to stdout.
 * Growth   While the major version is 0, minors must be equal. From 1.0: structs that start with
 *          struct_size grow only at the end; the host copies min(struct_size, its own size) into
 *          a zeroed struct and treats null members as absent. Arrays of such structs are walked
 *          with the stride of their struct_size. Structs said to be frozen never change.
 */
#ifndef AESWEEP_CORE_ABI_PLUGIN_H_
#define AESWEEP_CORE_ABI_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AESWEEP_ABI_MAGIC 0x50574541u /* "AEWP", little-endian. */
#define AESWEEP_ABI_MAJOR 0
#define AESWEEP_ABI_MINOR 2
#define AESWEEP_PLUGIN_SYMBOL "aesweep_plugin"

/* Codes are never renumbered. */
typedef enum aesweep_status {
  AESWEEP_OK = 0,
  AESWEEP_INVALID_PARAMETER = 1, /* A configured value is refused. */
  AESWEEP_INVALID_SHAPE = 2,     /* The component cannot work with these dimensions. */
  AESWEEP_UNSUPPORTED = 3,       /* The request is legal but this component does not offer it. */
  AESWEEP_OUT_OF_MEMORY = 4,
  AESWEEP_NUMERIC = 5,           /* The numbers make the operation impossible. */
  AESWEEP_INTERNAL = 6           /* A bug in the plugin, an exception among them. */
} aesweep_status;

/* Where a failing call puts its reason. The host owns text[0, capacity). */
typedef struct aesweep_error {
  uint32_t struct_size;
  uint32_t capacity;
  char* text; /* Zero-terminated by the writer, cut at capacity. */
} aesweep_error;

typedef enum aesweep_kind {
  AESWEEP_ACTIVATION = 0,
  AESWEEP_LAYER = 1,
  AESWEEP_REGULARIZER = 2,
  AESWEEP_QUANTIZER = 3,
  AESWEEP_LOSS = 4,
  AESWEEP_OPTIMIZER = 5
} aesweep_kind;

typedef enum aesweep_scalar { AESWEEP_F32 = 0, AESWEEP_F64 = 1 } aesweep_scalar;
typedef enum aesweep_mode { AESWEEP_TRAIN = 0, AESWEEP_EVAL = 1 } aesweep_mode;

/* --- Parameters ------------------------------------------------------------------------------ */

typedef enum aesweep_parameter_type {
  AESWEEP_BOOLEAN = 0,
  AESWEEP_INTEGER = 1,
  AESWEEP_REAL = 2,
  AESWEEP_CHOICE = 3, /* One of a fixed list of words. */
  AESWEEP_TEXT = 4    /* A name: [A-Za-z0-9_./-]{1,200}. */
} aesweep_parameter_type;

enum { /* Flags of a declaration. */
  /* The experiment must give a value; the default is an example, used by the conformance check. */
  AESWEEP_REQUIRED = 1u << 0,
  AESWEEP_ABOVE_MINIMUM = 1u << 1,  /* The minimum itself is refused. */
  AESWEEP_BELOW_MAXIMUM = 1u << 2   /* The maximum itself is refused. */
};

/* A parameter as a component declares it. The value, and so the default, is in the member that fits
 * the type: `integer` for BOOLEAN (0 or 1) and INTEGER, `real` for REAL, `text` for CHOICE and
 * TEXT. */
typedef struct aesweep_parameter_info {
  uint32_t struct_size;
  uint32_t type; /* aesweep_parameter_type */
  uint32_t flags;
  uint32_t reserved;
  const char* name;    /* [a-z][a-z0-9_]* */
  const char* summary; /* One line: meaning, unit. */
  int64_t default_integer;
  double default_real;
  const char* default_text;
  double minimum; /* INTEGER and REAL: the closed range, unless flags say otherwise. */
  double maximum;
  const char* const* choices; /* CHOICE: ends with NULL. */
} aesweep_parameter_info;

/* A parameter's value, given at create. The host gives every declared parameter exactly once,
 * defaults filled in and ranges checked; create checks what ranges cannot say. */
typedef struct aesweep_parameter {
  uint32_t struct_size;
  uint32_t type;
  const char* name;
  int64_t integer;
  double real;
  const char* text;
} aesweep_parameter;

/* --- Shape and memory needs ------------------------------------------------------------------- */

typedef enum aesweep_role {
  AESWEEP_LEARNED = 0, /* Trained; has a gradient. Of rows*cols elements, row-major, no padding. */
  AESWEEP_BUFFER = 1,  /* Running state. Changed only in end_step. */
  AESWEEP_STATE = 2,   /* Optimizers: one slot per parameter element; rows, cols are ignored. */
  /* Layers: a LEARNED tensor of an earlier layer, the owner, which this one computes with, too. Its
   * name is the full one, as in the plan request; rows and cols must be the owner's. */
  AESWEEP_VIEWED = 3
} aesweep_role;

enum { /* Flags of a tensor, and of a block of it. */
  AESWEEP_MAY_DECAY = 1u << 0,   /* Weight regularizers apply. */
  AESWEEP_MAY_QUANTIZE = 1u << 1 /* A quantizer applies. */
};

typedef enum aesweep_initializer {
  AESWEEP_INIT_CONSTANT = 0, /* Every element is a. */
  AESWEEP_INIT_UNIFORM = 1,  /* Uniform in [a, b); rounding to f32 can give b. */
  AESWEEP_INIT_NORMAL = 2    /* Mean a, standard deviation b. */
} aesweep_initializer;

typedef struct aesweep_tensor {
  uint32_t struct_size;
  uint32_t role; /* aesweep_role */
  uint32_t flags;
  uint32_t init;    /* aesweep_initializer */
  const char* name; /* [a-z][a-z0-9_]*, unique in the component. */
  int64_t rows;
  int64_t cols;
  double init_a;
  double init_b;
} aesweep_tensor;

typedef enum aesweep_phase {
  AESWEEP_BEFORE_FORWARD = 0,
  AESWEEP_BEFORE_BACKWARD = 1
} aesweep_phase;
typedef enum aesweep_reduction { AESWEEP_SUM = 0, AESWEEP_MAX = 1 } aesweep_reduction;

/* A statistics round: every shard accumulates `length` doubles, the host reduces them over the
 * whole batch along its fixed tree, and the result is in memory.statistics[round] from then on.
 * Rounds of one phase run in order. A regularizer's rounds all run after its layer's forward. */
typedef struct aesweep_round {
  uint32_t struct_size;
  uint32_t phase;     /* aesweep_phase */
  uint32_t reduction; /* aesweep_reduction */
  uint32_t flags;     /* AESWEEP_TRAIN_ONLY */
  uint64_t length;
} aesweep_round;

enum { /* Flags of a round. */
  /* Not run in evaluation, where its statistics are NaN. Rounds before backward never are. */
  AESWEEP_TRAIN_ONLY = 1u << 0
};

/* A learned tensor that is there already when a component is planned. */
typedef struct aesweep_known_tensor {
  uint32_t struct_size;
  uint32_t flags;
  const char* name; /* "encoder/weights": layer, slash, tensor. */
  int64_t rows;
  int64_t cols;
} aesweep_known_tensor;

typedef struct aesweep_plan_request {
  uint32_t struct_size;
  uint32_t scalar;        /* aesweep_scalar */
  int64_t shard_rows_max; /* No call will have more rows. */
  int64_t input_cols;     /* Width of x; 0 for optimizers and quantizers. */
  int64_t target_cols;    /* Width of what the network is to predict. */
  /* Layers: all learned tensors of earlier layers. Regularizers: those of their own layer, in the
   * order of memory.parameters. Quantizers: those that they will quantize. Others: none. The array
   * and its strings end with the call. */
  const aesweep_known_tensor* tensors;
  uint32_t tensor_count;
  uint32_t reserved;
} aesweep_plan_request;

/* What a component needs. The host zeroes it and sets struct_size; plan fills it. Arrays and
 * strings belong to the instance and live until destroy. */
typedef struct aesweep_plan {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t output_cols; /* Layers: width of y. Activations: must equal input_cols. */
  const aesweep_tensor* tensors;
  const aesweep_round* rounds;
  uint32_t tensor_count;
  uint32_t round_count;
  uint64_t kept_bytes;      /* Per shard (quantizers: per tensor), from forward to backward. */
  uint64_t workspace_bytes; /* Scratch of one call; contents undefined at entry. */
  int64_t active_per_row;   /* Above 0: y gets an active set of at most this many entries a row. */
} aesweep_plan;

/* --- Call context ----------------------------------------------------------------------------- */

/* Where in the run a call happens. Randomness is Philox4x32-10 with key stream (mixed with a
 * purpose) and counter (step, first_row + row, unit / 4): the SDK's philox.hpp is the reference. */
typedef struct aesweep_context {
  uint32_t struct_size;
  uint32_t mode;        /* aesweep_mode */
  uint64_t step;        /* TRAIN: steps finished before this one. EVAL: batch of the split. */
  uint64_t epoch;       /* Finished epochs. */
  uint64_t total_steps; /* Training steps of the whole trial. */
  uint64_t seed;        /* train.seed */
  uint64_t stream;      /* Hash of (seed, component path, mode); with the tensor in its calls. */
  uint64_t first_row;   /* Index in the global batch of the shard's row 0. */
  uint64_t shard_rows;
  uint64_t batch_rows; /* Rows of the global batch: losses and means divide by it. */
  uint64_t train_step; /* Training steps finished, in either mode. */
  double rate_factor;  /* Optimizers multiply their learning rate by it: the schedule. Else 1. */
} aesweep_context;

/* A run of elements of one tensor: the unit of optimizer, weight-penalty and quantizer calls. The
 * pointers that come with a block point at its first element. */
typedef struct aesweep_block {
  uint32_t struct_size;
  uint32_t flags; /* Of the tensor: AESWEEP_MAY_DECAY, AESWEEP_MAY_QUANTIZE. */
  uint64_t first; /* Index of the block's first element in the tensor. */
  uint64_t count;
  int64_t rows; /* Shape of the whole tensor. */
  int64_t cols;
} aesweep_block;

enum { /* Flags of a component. */
  AESWEEP_ELEMENTWISE = 1u << 0, /* Each output element depends on its own input element alone. */
  /* Activations: forward allows y == x, backward allows dx == dy and does not read x. */
  AESWEEP_IN_PLACE = 1u << 1,
  /* Activations with active set: backward reads dy at the active positions only. */
  AESWEEP_GRADIENT_AT_ACTIVE = 1u << 2,
  /* The gradient is a declared surrogate, not the derivative of forward. */
  AESWEEP_SURROGATE = 1u << 3,
  /* Optimizers: update is called on blocks; without it, on whole tensors. */
  AESWEEP_BLOCKWISE = 1u << 4,
  /* Forward depends on the context's random stream. */
  AESWEEP_RANDOM = 1u << 5,
  /* Layers: backward reads y. Without it, y may hold what the activation made of it by then. */
  AESWEEP_READS_OUTPUT = 1u << 6,
  /* Quantizers: after_update gets the weights from before the update. */
  AESWEEP_READS_PREVIOUS = 1u << 7,
  /* Quantizers: levels are multiples of a scale that moves with the weights, so that a weight has
   * changed its level when its sign has, not when its value has. */
  AESWEEP_MOVING_SCALE = 1u << 8
};

enum { /* What a regularizer on activations reads. */
  AESWEEP_VIEW_INPUT = 1u << 0,          /* The layer's x. */
  AESWEEP_VIEW_PRE_ACTIVATION = 1u << 1, /* What the activation receives. */
  AESWEEP_VIEW_OUTPUT = 1u << 2,         /* What the activation gives. */
  AESWEEP_VIEW_PARAMETERS = 1u << 3      /* The layer's learned tensors, in memory.parameters. */
};

/* --- Typed part: matrices and function tables, once for float and once for double ------------- */

#define AESWEEP_REAL float
#define AESWEEP_TYPED(name) name##_f32
#include "core/abi/typed.h"
#undef AESWEEP_REAL
#undef AESWEEP_TYPED

#define AESWEEP_REAL double
#define AESWEEP_TYPED(name) name##_f64
#include "core/abi/typed.h"
#undef AESWEEP_REAL
#undef AESWEEP_TYPED

/* --- Component, entry, host ------------------------------------------------------------------- */

/* Instance life, per scalar. create [main], plan [main], destroy [main]. */
typedef struct aesweep_lifecycle {
  uint32_t struct_size;
  uint32_t reserved;
  /* Makes an instance from all declared parameters. On failure *instance is untouched. */
  int32_t (*create)(const aesweep_parameter* parameters, uint32_t count, void** instance,
                    aesweep_error* error);
  void (*destroy)(void* instance);
  /* Fixes shapes and memory needs. May be called again with another request. */
  int32_t (*plan)(void* instance, const aesweep_plan_request* request, aesweep_plan* plan,
                  aesweep_error* error);
} aesweep_lifecycle;

typedef struct aesweep_component {
  uint32_t struct_size;
  uint32_t kind;  /* aesweep_kind */
  uint32_t flags; /* AESWEEP_ELEMENTWISE ... */
  uint32_t views; /* Regularizers: AESWEEP_VIEW_... that on_activations reads. */
  const char* name;    /* As experiments name it: [a-z][a-z0-9_]*, unique in its kind. */
  const char* summary; /* One line: formula. */
  const aesweep_parameter_info* parameters;
  uint32_t parameter_count;
  uint32_t reserved;
  const aesweep_lifecycle* lifecycle[2]; /* By aesweep_scalar. */
  /* By aesweep_scalar: aesweep_transform_f32/_f64 for activations and layers, else
   * aesweep_regularizer_*, aesweep_quantizer_*, aesweep_loss_*, aesweep_optimizer_*. */
  const void* table[2];
} aesweep_component;

/* Services of the host. gemm is c[m,n] = alpha * op(a) * op(b) + beta * c, row-major, leading
 * dimensions in elements, op(a) = a[m,k] or, if transpose_a, the transpose of a[k,m]; with
 * beta = 0, c is not read. Same shape and operands, same bits. Single-threaded; [any-thread]. */
typedef struct aesweep_host {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  void (*gemm_f32)(int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
                   const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                   int64_t ldc);
  void (*gemm_f64)(int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
                   const double* a, int64_t lda, const double* b, int64_t ldb, double beta,
                   double* c, int64_t ldc);
} aesweep_host;

/* The exported object. Its first 16 bytes never move: a host of any version can read them. */
typedef struct aesweep_plugin_entry {
  uint32_t magic;
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint16_t min_host_minor;
  uint16_t flags; /* 0. */
  const char* id;      /* Reverse-domain or short name of the library. */
  const char* version; /* Of the plugin, free text. */
  const aesweep_component* const* components;
  uint32_t component_count;
  uint32_t reserved;
  /* Called after loading and before any create; may be called again. The host outlives the
   * plugins. [main] */
  int32_t (*init)(const aesweep_host* host, aesweep_error* error);
  /* Optional powers by id, such as "aesweep.fused_backward/1"; NULL for an unknown id. May be
   * null. */
  const void* (*extension)(const char* id);
} aesweep_plugin_entry;

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* AESWEEP_CORE_ABI_PLUGIN_H_ */
