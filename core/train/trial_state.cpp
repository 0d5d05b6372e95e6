#include "core/train/trial_state.hpp"

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace aesweep {
namespace {

// Values one after another, from one rank of this program to another.
class Packer {
 public:
  template <class V>
  void put(const V& value) {
    put_list(std::span(&value, 1));
  }
  template <class Values>
  void put_list(const Values& values) {
    const auto bytes = std::as_bytes(std::span(values));
    bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  template <class Values>
  void put_sized(const Values& values) {
    put(std::uint64_t{values.size()});
    put_list(values);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(bytes_));
  }

 private:
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : left_(bytes) {}

  template <class V>
  V take() {
    V value{};
    take_list(std::span(&value, 1));
    return value;
  }
  template <class Values>
  void take_sized(Values& values) {
    values.resize(take<std::uint64_t>());
    take_list(std::span(values));
  }

 private:
  template <class V>
  void take_list(std::span<V> values) {
    if (!values.empty()) std::memcpy(values.data(), left_.data(), values.size_bytes());
    left_ = left_.subspan(values.size_bytes());
  }

  std::span<const std::byte> left_;
};

// All but the tensors' bytes.
Packer pack(const TrialState& state) {
  Packer packer;
  packer.put(std::array{state.epochs, state.steps, state.batches});
  packer.put_sized(state.history);
  packer.put(state.sums.rows);
  packer.put(std::array{state.sums.error, state.sums.code_sum});
  packer.put_sized(state.sums.terms);
  packer.put_sized(state.sums.unit_counts);
  packer.put_sized(state.sums.flips);
  packer.put(std::uint64_t{state.tensors.size()});
  for (const NamedTensor& tensor : state.tensors) {
    packer.put_sized(tensor.name);
    packer.put_sized(tensor.shape);
    packer.put(tensor.scalar);
    packer.put(std::uint64_t{tensor.bytes.size()});
  }
  return packer;
}

TrialState unpack(std::span<const std::byte> bytes) {
  Unpacker unpacker(bytes);
  TrialState state;
  const auto counters = unpacker.take<std::array<std::int64_t, 3>>();
  state.epochs = counters[0];
  state.steps = counters[1];
  state.batches = counters[2];
  unpacker.take_sized(state.history);
  state.sums.rows = unpacker.take<std::int64_t>();
  const auto values = unpacker.take<std::array<double, 2>>();
  state.sums.error = values[0];
  state.sums.code_sum = values[1];
  unpacker.take_sized(state.sums.terms);
  unpacker.take_sized(state.sums.unit_counts);
  unpacker.take_sized(state.sums.flips);
  state.tensors.resize(unpacker.take<std::uint64_t>());
  for (NamedTensor& tensor : state.tensors) {
    unpacker.take_sized(tensor.name);
    unpacker.take_sized(tensor.shape);
    tensor.scalar = unpacker.take<Scalar>();
    tensor.bytes.resize(unpacker.take<std::uint64_t>());
  }
  return state;
}

}  // namespace

std::uint64_t state_bytes(const TrialState& state) {
  const SplitSums& sums = state.sums;
  std::uint64_t bytes = sizeof sums.rows + sizeof sums.error + sizeof sums.code_sum +
                        sums.terms.size() * sizeof(double) +
                        sums.unit_counts.size() * sizeof(std::uint64_t) +
                        sums.flips.size() * sizeof(FlipCount);
  for (const NamedTensor& tensor : state.tensors) bytes += tensor.bytes.size();
  return bytes;
}

bool share_state(const TrialState* from, Exchange& exchange, TrialState& state) {
  const bool leader = exchange.rank() == 0;
  const Packer packed = leader && from != nullptr ? pack(*from) : Packer();
  const std::uint64_t mine = packed.bytes().size();  // 0: there is no state.
  std::uint64_t size = 0;
  share_from_leader(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(&size, 1)),
                    exchange);
  if (size == 0) return false;
  std::vector<std::byte> bytes(size);
  share_from_leader(packed.bytes(), bytes, exchange);
  state = unpack(bytes);
  for (std::size_t t = 0; t < state.tensors.size(); ++t) {
    share_from_leader(
        leader ? std::span<const std::byte>(from->tensors[t].bytes) : std::span<const std::byte>(),
        state.tensors[t].bytes, exchange);
  }
  return true;
}

}  // namespace aesweep
