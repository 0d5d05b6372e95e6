/* The scalar-typed part of the plugin ABI. plugin.h includes it twice, with AESWEEP_REAL float and
 * double and AESWEEP_TYPED(x) x_f32 and x_f64; nobody else includes it, hence no include guard.
 *
 * Matrices are row-major with unit column stride; row_stride counts elements, row_stride >= cols;
 * rows may be 0; data is never null. The host's own buffers start at 64 bytes and have
 * row_stride % 16 == 0, but a plugin relies on neither. What lies between cols and row_stride is
 * neither read nor written. */

/* The non-zeros of a matrix, row by row: row i has entries [row_offsets[i], row_offsets[i + 1]),
 * with columns in rising order. Host-owned; a sparse activation fills it beside the matrix. */
typedef struct AESWEEP_TYPED(aesweep_active) {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t capacity;     /* Entries that columns and values can hold. */
  int64_t* row_offsets; /* rows + 1 */
  int32_t* columns;
  AESWEEP_REAL* values;
} AESWEEP_TYPED(aesweep_active);

/* Frozen. */
typedef struct AESWEEP_TYPED(aesweep_matrix) {
  AESWEEP_REAL* data;
  AESWEEP_TYPED(aesweep_active) * active; /* Null, or to be filled together with data. */
  int64_t rows;
  int64_t cols;
  int64_t row_stride;
} AESWEEP_TYPED(aesweep_matrix);

/* Frozen. */
typedef struct AESWEEP_TYPED(aesweep_const_matrix) {
  const AESWEEP_REAL* data;
  const AESWEEP_TYPED(aesweep_active) * active; /* Null, or the non-zeros of data. */
  int64_t rows;
  int64_t cols;
  int64_t row_stride;
} AESWEEP_TYPED(aesweep_const_matrix);

/* The memory of one call. Arrays are in the order of the plan's tensors of that role. */
typedef struct AESWEEP_TYPED(aesweep_memory) {
  uint32_t struct_size;
  uint32_t reserved;
  const AESWEEP_REAL* const* parameters; /* LEARNED, quantized where a quantizer is set. */
  AESWEEP_REAL* const* gradients;  /* backward writes (does not add to) this shard's gradients. */
  AESWEEP_REAL* const* buffers;    /* BUFFER; constant except in end_step. */
  const double* const* statistics; /* By round; valid once the round is reduced. */
  double* statistic;               /* accumulate only: this shard's values; the host sets them to 0
                                      (SUM) or minus infinity (MAX) first. */
  void* kept;      /* kept_bytes, 64-byte aligned: this shard's, from forward to backward. */
  void* workspace; /* workspace_bytes, 64-byte aligned. */
  /* By VIEWED tensor: the owner's values, quantized where the owner's are, and where backward
   * writes this shard's gradient with respect to them, in the owner's layout. The host adds up the
   * contributions of all users. */
  const AESWEEP_REAL* const* viewed;
  AESWEEP_REAL* const* viewed_gradients;
} AESWEEP_TYPED(aesweep_memory);

/* Layers and activations: y[B,K] = f(x[B,D]). Null members: no statistics, no end_step.
 * All functions [any-thread] except end_step [main]. */
typedef struct AESWEEP_TYPED(aesweep_transform) {
  uint32_t struct_size;
  uint32_t reserved;
  /* One shard's part of a statistics round. dy is null in rounds before forward. */
  int32_t (*accumulate)(void* instance, const aesweep_context* context, uint32_t round,
                        const AESWEEP_TYPED(aesweep_memory) * memory,
                        const AESWEEP_TYPED(aesweep_const_matrix) * x,
                        const AESWEEP_TYPED(aesweep_const_matrix) * dy, aesweep_error* error);
  /* Writes all of y, and y->active where it is not null. y does not alias x unless IN_PLACE. */
  int32_t (*forward)(void* instance, const aesweep_context* context,
                     const AESWEEP_TYPED(aesweep_memory) * memory,
                     const AESWEEP_TYPED(aesweep_const_matrix) * x,
                     const AESWEEP_TYPED(aesweep_matrix) * y, aesweep_error* error);
  /* From dy = dL/dy: writes the parameter gradients and dx = dL/dx. A layer may read y only if it
   * declares READS_OUTPUT. dx is null where nobody needs it. If dx->active is not null, dx is zero
   * at entry and only the positions listed there are needed. */
  int32_t (*backward)(void* instance, const aesweep_context* context,
                      const AESWEEP_TYPED(aesweep_memory) * memory,
                      const AESWEEP_TYPED(aesweep_const_matrix) * x,
                      const AESWEEP_TYPED(aesweep_const_matrix) * y,
                      const AESWEEP_TYPED(aesweep_const_matrix) * dy,
                      const AESWEEP_TYPED(aesweep_matrix) * dx, aesweep_error* error);
  /* Once per training step on every rank: the only place where buffers change. Parameters,
   * gradients, viewed tensors and kept are null. */
  int32_t (*end_step)(void* instance, const aesweep_context* context,
                      const AESWEEP_TYPED(aesweep_memory) * memory, aesweep_error* error);
} AESWEEP_TYPED(aesweep_transform);

/* What a regularizer on activations sees of its layer; views it did not declare have null data. */
typedef struct AESWEEP_TYPED(aesweep_views) {
  uint32_t struct_size;
  uint32_t reserved;
  AESWEEP_TYPED(aesweep_const_matrix) input;
  AESWEEP_TYPED(aesweep_const_matrix) pre_activation;
  AESWEEP_TYPED(aesweep_const_matrix) output;
} AESWEEP_TYPED(aesweep_views);

/* A penalty on activations, on parameters, or on either: a null member is not offered.
 * All functions [any-thread]. */
typedef struct AESWEEP_TYPED(aesweep_regularizer) {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*accumulate)(void* instance, const aesweep_context* context, uint32_t round,
                        const AESWEEP_TYPED(aesweep_memory) * memory,
                        const AESWEEP_TYPED(aesweep_views) * views, aesweep_error* error);
  /* *value = this shard's share of the batch's penalty (shares add up over shards; a batch-wide
   * term is counted on the shard with first_row == 0). Adds d penalty / d output to gradient if not
   * null. */
  int32_t (*on_activations)(void* instance, const aesweep_context* context,
                            const AESWEEP_TYPED(aesweep_memory) * memory,
                            const AESWEEP_TYPED(aesweep_views) * views, double* value,
                            const AESWEEP_TYPED(aesweep_matrix) * gradient, aesweep_error* error);
  /* *value = the block's share; adds its gradient to gradient[count] if not null. Element-wise. */
  int32_t (*on_parameter_block)(void* instance, const aesweep_context* context,
                                const aesweep_block* block, const AESWEEP_REAL* w, double* value,
                                AESWEEP_REAL* gradient, aesweep_error* error);
  /* For penalties on activations that depend on the layer's parameters (VIEW_PARAMETERS), after the
   * layer's backward: adds d penalty / d parameter to memory.gradients, which lie as
   * memory.parameters do. */
  int32_t (*on_layer_parameters)(void* instance, const aesweep_context* context,
                                 const AESWEEP_TYPED(aesweep_memory) * memory,
                                 const AESWEEP_TYPED(aesweep_views) * views, aesweep_error* error);
} AESWEEP_TYPED(aesweep_regularizer);

/* Maps real weights to the weights the network computes with. All functions [any-thread]. */
typedef struct AESWEEP_TYPED(aesweep_quantizer) {
  uint32_t struct_size;
  uint32_t reserved;
  /* q = Q(w) for a whole tensor (block->first == 0, count == rows * cols); q does not alias w.
   * kept (plan's kept_bytes per tensor) carries scales to backward. */
  int32_t (*quantize)(void* instance, const aesweep_context* context, const aesweep_block* block,
                      const AESWEEP_REAL* w, AESWEEP_REAL* q, void* kept, aesweep_error* error);
  /* gradient: in dL/dq, out dL/dw, of one block. Null: the gradient passes unchanged. */
  int32_t (*backward)(void* instance, const aesweep_context* context, const aesweep_block* block,
                      const AESWEEP_REAL* w, AESWEEP_REAL* gradient, const void* kept,
                      aesweep_error* error);
  /* Constrains one block of the real weights after the optimizer, such as clipping. previous[count]
   * are the weights before the update if READS_PREVIOUS is declared, else null. May be null. */
  int32_t (*after_update)(void* instance, const aesweep_context* context,
                          const aesweep_block* block, const AESWEEP_REAL* previous,
                          AESWEEP_REAL* w, aesweep_error* error);
} AESWEEP_TYPED(aesweep_quantizer);

/* [any-thread] */
typedef struct AESWEEP_TYPED(aesweep_loss) {
  uint32_t struct_size;
  uint32_t reserved;
  /* *value = this shard's share of the batch's loss. Writes dL/dprediction to gradient if not null.
   * labels[rows] is null for data without labels. */
  int32_t (*evaluate)(void* instance, const aesweep_context* context,
                      const AESWEEP_TYPED(aesweep_memory) * memory,
                      const AESWEEP_TYPED(aesweep_const_matrix) * prediction,
                      const AESWEEP_TYPED(aesweep_const_matrix) * target, const int32_t* labels,
                      double* value, const AESWEEP_TYPED(aesweep_matrix) * gradient,
                      aesweep_error* error);
} AESWEEP_TYPED(aesweep_loss);

/* [any-thread] */
typedef struct AESWEEP_TYPED(aesweep_optimizer) {
  uint32_t struct_size;
  uint32_t reserved;
  /* One step on one block (BLOCKWISE) or tensor, at context->rate_factor times the learning rate.
   * state[i] is the i-th STATE tensor's slot. */
  int32_t (*update)(void* instance, const aesweep_context* context, const aesweep_block* block,
                    AESWEEP_REAL* w, const AESWEEP_REAL* gradient, AESWEEP_REAL* const* state,
                    aesweep_error* error);
} AESWEEP_TYPED(aesweep_optimizer);
