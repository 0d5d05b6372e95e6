// Parameters<T>: the values of a network's tensors on one rank: real weights, the quantized images
// that the network computes with, and running buffers.
//
// Every rank holds all real weights. After an update each owner publishes its elements; a layer's
// weights are waited for just before the layer is needed, so that they travel behind the forward
// pass of earlier layers.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/buffer.hpp"
#include "core/base/status.hpp"
#include "core/model/given_weights.hpp"
#include "core/model/network.hpp"
#include "core/train/exchange.hpp"
#include "core/train/flip_count.hpp"
#include "core/train/partition.hpp"

namespace aesweep {

template <class T>
class Parameters {
 public:
  // Initial values. Network and partition must outlive it.
  Parameters(const Network<T>& network, const Partition& partition, int rank);

  [[nodiscard]] T* real(int tensor) { return real_.data() + offset(tensor); }
  [[nodiscard]] const T* real(int tensor) const { return real_.data() + offset(tensor); }
  // What the network computes with: the quantized image where there is one.
  [[nodiscard]] const T* effective(int tensor) const;
  [[nodiscard]] T* buffer(int buffer);
  [[nodiscard]] const T* buffer(int buffer) const;
  // Puts given values in the place of the initial ones, of the tensors and buffers that have a
  // source.
  void take(const GivenSources& given);
  // What a quantizer keeps per tensor from quantize to backward.
  [[nodiscard]] void* kept(int tensor);

  // Starts receiving what other ranks own, of all tensors; then publish starts sending what this
  // rank owns of one tensor, as soon as it is updated.
  void expect(Exchange& exchange);
  void publish(int tensor, Exchange& exchange);
  // Waits until the layer's published weights are complete.
  void wait(int layer, Exchange& exchange);
  // Makes the quantized images of a layer's tensors, on every rank. In training, counts what has
  // changed since the last training step; the first has nothing to compare with.
  [[nodiscard]] Status quantize(int layer, const aesweep_context& context);

  // By quantized layer, since the last clear.
  [[nodiscard]] std::span<const FlipCount> flips() const { return flips_; }
  void clear_flips();
  // Goes on from such counts.
  void set_flips(std::span<const FlipCount> flips);
  // A quantized tensor's image in the last training step; good to compare with, and to be kept,
  // once there was one.
  [[nodiscard]] std::span<T> last_image(int tensor);
  // Says that all last images are there: they were filled in from elsewhere.
  void restored_last_images();

  // Bytes that a Parameters takes: what the plan command reports.
  [[nodiscard]] static std::size_t bytes(const Network<T>& network);

 private:
  void count_flips(int tensor);
  [[nodiscard]] std::size_t offset(int tensor) const {
    return network_->tensors()[static_cast<std::size_t>(tensor)].offset;
  }

  const Network<T>* network_;
  const Partition* partition_;
  int rank_;
  Buffer<T> real_;
  Buffer<T> quantized_;  // As large as real_ if anything is quantized, else empty.
  // Quantized tensors, one after another, as the last training step had them: evaluation may
  // quantize otherwise.
  Buffer<T> last_image_;
  std::vector<std::size_t> last_image_offset_;  // Per tensor.
  std::vector<bool> has_last_image_;            // Per quantized layer.
  std::vector<FlipCount> flips_;                // Per quantized layer.
  std::vector<std::size_t> quantized_index_;    // Per layer: its number among quantized ones.
  Buffer<T> buffers_;
  Buffer<std::byte> kept_;
  std::vector<std::size_t> kept_offset_;   // Per tensor.
  std::vector<Exchange::Ticket> tickets_;  // [tensor, other rank]
  std::vector<int> ticket_count_;          // Per tensor.
};

}  // namespace aesweep
