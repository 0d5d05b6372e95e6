// Updater<T>: the part of a step that happens once per weight, on the rank that owns it.
//
// prepare() takes a reduced block: through the quantizer's gradient, plus the weight penalties,
// each element clipped, and notes the block's squared norm and penalty values in double. After the
// step's agreement, update() scales the gradient down to the norm that it may have, lets the
// tensor's optimizer change the weights and applies their constraints. Order of the whole: quantize
// (Parameters), forward, backward, [prepare: quantizer gradient, penalties, value clip], norm clip,
// optimizer, constraint.
//
// Clipping, with train.clip; 0 leaves either out:
//   value c > 0: every element of the gradient becomes max(-c, min(c, g)).
//   norm n > 0:  every element becomes g * min(1, n / |g|), |g| the L2 norm over all learned
//                tensors after the value clip. A norm too large for a double gives the factor 0.
// A block with an element that is not finite is not clipped: its norm tells that to the agreement,
// and nobody updates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/base/status.hpp"
#include "core/model/network.hpp"
#include "core/train/gradients.hpp"
#include "core/train/optimizers.hpp"
#include "core/train/parameters.hpp"
#include "core/train/partition.hpp"

namespace aesweep {

// A weight penalty: regularizer `index` of layer `layer`'s on_weights.
struct PenaltyTerm {
  int layer = 0;
  int index = 0;
};

template <class T>
[[nodiscard]] std::vector<PenaltyTerm> penalty_terms(const Network<T>& network);

// Value of one penalty over the network's present weights: block values added in index order.
template <class T>
[[nodiscard]] Status penalty_value(const Network<T>& network, const Parameters<T>& parameters,
                                   PenaltyTerm term, const aesweep_context& context, double& value);

// A failing call on a block of weights: its number among the blocks of all tensors is the same on
// any number of ranks.
struct WeightFault {
  Status status;
  std::uint64_t block = 0;
};

template <class T>
class Updater {
 public:
  // All must outlive it. Of `train`, schedule, clip and epochs matter. The optimizers' STATE
  // tensors become slots of owned elements.
  Updater(const Network<T>& network, const Partition& partition, const Optimizers<T>& optimizers,
          const TrainSpec& train, Parameters<T>& parameters, Gradients<T>& gradients, int rank);

  // Elements of optimizer state, and of the copies that after_update compares with.
  [[nodiscard]] static std::size_t state_elements(const Network<T>& network,
                                                  const Partition& partition,
                                                  const Optimizers<T>& optimizers, int rank);

  // Merges and prepares all owned blocks of a tensor whose gradient has arrived.
  [[nodiscard]] WeightFault prepare(int tensor, const aesweep_context& context);

  // One entry per owned block, in tensor order: squared gradient norm, then one value per penalty
  // of the tensor's layer (0 where the tensor does not decay). What the ranks share.
  [[nodiscard]] std::span<const double> block_values() const { return block_values_.span(); }
  // Doubles that `rank` has in block_values().
  [[nodiscard]] std::size_t block_value_count(int rank) const;
  // From all ranks' block values, concatenated in rank order: per tensor the squared norm, per
  // penalty term the value, both summed in block order.
  void sum_blocks(std::span<const double> all, std::span<double> tensor_norms_sq,
                  std::span<double> penalties) const;

  // Starts the updates of a step whose gradients have these squared norms, by tensor: the
  // schedule's factor and the clip's become known.
  void begin_update(const aesweep_context& context, std::span<const double> tensor_norms_sq);
  [[nodiscard]] ElementRange owned(int tensor) const { return partition_->owned(tensor, rank_); }
  // A slot of the tensor's optimizer state: of the elements that this rank owns.
  [[nodiscard]] std::span<T> state(int tensor, std::size_t slot);

  // Updates what this rank owns of a tensor, up to the first fault.
  [[nodiscard]] WeightFault update(int tensor, const aesweep_context& context);

 private:
  [[nodiscard]] Status prepare_block(int tensor, ElementRange block, double* values,
                                     const aesweep_context& context);
  [[nodiscard]] Status update_block(int tensor, ElementRange block, aesweep_context& context);
  [[nodiscard]] std::size_t values_per_block(int tensor) const;

  const Network<T>* network_;
  const Partition* partition_;
  const Optimizers<T>* optimizers_;
  ScheduleSpec schedule_;
  ClipSpec clip_;
  std::uint64_t epochs_;
  Parameters<T>* parameters_;
  Gradients<T>* gradients_;
  int rank_;
  Buffer<double> block_values_;
  std::vector<std::size_t> block_values_offset_;  // Per tensor.
  Buffer<T> state_;
  std::vector<std::size_t> state_offset_;  // Per tensor: slots one after another.
  std::vector<T*> state_pointers_;         // Scratch: one per slot.
  Buffer<T> previous_;                     // Scratch: a block's weights before the update.
  double rate_factor_ = 1.0;               // Of the present step.
  double clip_factor_ = 1.0;
  mutable std::vector<double> by_block_;  // Scratch of sum_blocks.
};

}  // namespace aesweep
