// Encoder<T>: codes of samples, and reconstructions from codes, by a network whose weights are
// there: evaluation mode, whole batches on this rank alone.
//
// A batch is cut into shards like one of training, so that a sample's code has the same bits
// wherever that batch is computed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/base/status.hpp"
#include "core/codes/binarizer.hpp"
#include "core/data/dataset.hpp"
#include "core/model/network.hpp"
#include "core/model/spec.hpp"
#include "core/train/parameters.hpp"

namespace aesweep {

template <class T>
class Encoder {
 public:
  // All must outlive it. `train_step`: finished training steps, for components that ask.
  Encoder(const TrialSpec& spec, const Network<T>& network, Parameters<T>& parameters,
          std::int64_t train_step);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  [[nodiscard]] std::int64_t batch_rows() const;

  // Codes and pre-activations of rows [first, first + count) of the split into the same rows of
  // `out`, which has room for the split. Batches begin at multiples of batch_rows(); so must
  // `first`, and count reaches to a batch's or the split's end.
  [[nodiscard]] Status encode(const Split& split, std::int64_t first, std::int64_t count,
                              RealCodes& out);

  // Sum over rows and columns of (reconstruction - value)^2 where the decoder is given
  // levels[rows, units] for these rows of the split in place of their codes; first and count as in
  // encode. Added row by row, in double.
  [[nodiscard]] Result<double> squared_error(const Split& split, std::int64_t first,
                                             std::int64_t count, std::span<const double> levels);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aesweep
