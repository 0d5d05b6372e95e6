// Given weights: which tensors of a network start from given values and not from drawn ones.
//
// Names are compared as results store them: '.' and '/' become '_'. Shapes must be equal, but for
// dimensions of 1, so that a bias may be given as [K], [1, K] or [K, 1].
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.hpp"
#include "core/model/named_tensor.hpp"
#include "core/model/network.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

struct GivenSources {
  std::shared_ptr<const std::vector<NamedTensor>> tensors;  // Null: nothing is given.
  // By learned tensor and by running buffer of the network: the index in `tensors`, -1 if drawn.
  std::vector<int> learned;
  std::vector<int> buffers;
};

// A tensor's name as results store it.
[[nodiscard]] std::string stored_tensor_name(std::string_view name);

// Where the network's tensors come from. An input fault, "model.init_from: ...", names what does
// not fit: a name, a shape, a value that is no finite number in T. With `given->layers` empty every
// learned tensor must be there, running buffers may be left out; of what is given beyond that, only
// tensors whose names do not begin with the name of one of the network's layers and an underscore
// are ignored. Else of each of these layers everything must be there, and the rest is ignored.
template <class T>
[[nodiscard]] Result<GivenSources> match_given_weights(const Network<T>& network,
                                                       const std::optional<GivenWeights>& given);

// Values of a tensor that fits, rounded to T.
template <class T>
void copy_given(const NamedTensor& from, std::span<T> to);

}  // namespace aesweep
