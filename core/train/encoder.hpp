// Encoder<T>: codes of samples, and reconstructions from codes, by a network whose weights are
// there: evaluation mode, whole batches on this rank alone.
//
// A batch is cut into shards like one of training, so that a sample's code has the same bits
// wherever that batch is computed.
#pragma once

#include <cstdint>
#include <functional>
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
  // All must outlive it. The network is planned for all batches of the splits to be encoded: no
  // shard of theirs has more rows than network.shard_rows_max(). `train_step`: finished training
  // steps, for components that ask. `rows_max`: no split has more rows; 0: a full batch may come.
  // `progress` is called between batches and may be empty.
  Encoder(const TrialSpec& spec, const Network<T>& network, Parameters<T>& parameters,
          std::int64_t train_step, std::int64_t rows_max = 0, std::function<void()> progress = {});
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Of a trial that ended before its last step: what components are told of epochs finished and of
  // the steps that it was to have.
  void ended_early(std::int64_t epochs, std::int64_t total_steps);

  [[nodiscard]] std::int64_t batch_rows() const;

  // Bytes that one takes beside network and parameters.
  [[nodiscard]] static std::size_t bytes(const TrialSpec& spec, const Network<T>& network,
                                         std::int64_t rows_max);

  // Codes and pre-activations of rows [first, first + count) of the split into the same rows of
  // `out`, which has room for them; pre may be empty, then only codes are given. Batches begin at
  // multiples of batch_rows(); so must `first`, and count reaches to a batch's or the split's end.
  [[nodiscard]] Status encode(const Split& split, std::int64_t first, std::int64_t count,
                              RealCodes& out);

  // The same into rows [0, count) of `out`. The split may be a part of a larger one, of which
  // rows_before, whole batches, come before it; then it begins and ends where batches do.
  [[nodiscard]] Status encode_part(const Split& split, std::int64_t first, std::int64_t count,
                                   std::int64_t rows_before, RealCodes& out);

  // errors[i] = sum over columns of (reconstruction - value)^2 of row first + i of the split where
  // the decoder is given levels[i] of levels[count, units] in place of its code; first and count as
  // in encode. Added column by column, in double.
  [[nodiscard]] Status squared_errors(const Split& split, std::int64_t first, std::int64_t count,
                                      std::span<const double> levels, std::span<double> errors);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aesweep
