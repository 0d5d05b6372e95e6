// Samples: the first test samples with their codes and reconstructions, for people to look at.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/dataset.hpp"
#include "core/model/network.hpp"
#include "core/train/parameters.hpp"
#include "core/train/result.hpp"

namespace aesweep {

// A tensor's values by copy.
template <class T>
[[nodiscard]] NamedTensor named_tensor(std::string name, std::vector<std::int64_t> shape,
                                       std::span<const T> values);

// Runs the first spec.record.samples test samples through the network in evaluation mode, on this
// rank alone, and puts inputs[S,D], codes[S,K] and reconstructions[S,D], or with
// label targets predictions[S,C], into the result, with labels where the data has them.
template <class T>
[[nodiscard]] Status take_samples(const TrialSpec& spec, const Dataset& dataset,
                                  const Network<T>& network, Parameters<T>& parameters,
                                  TrialResult& result);

}  // namespace aesweep
