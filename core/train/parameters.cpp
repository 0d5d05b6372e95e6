#include "core/train/parameters.hpp"

#include <algorithm>

#include "core/model/call_trace.hpp"

namespace aesweep {
namespace {

// Elements of the quantized tensors.
template <class T>
std::size_t image_elements(const Network<T>& network) {
  std::size_t elements = 0;
  for (const Tensor& tensor : network.tensors()) elements += tensor.quantized ? tensor.elements : 0;
  return elements;
}

// What the tensor's quantizer keeps for it.
template <class T>
std::size_t kept_bytes(const Network<T>& network, const Tensor& tensor) {
  if (!tensor.quantized) return 0;
  const auto& quantizer = network.layers()[static_cast<std::size_t>(tensor.layer)].quantizer;
  return padded_to_line<std::byte>(quantizer->component.plan().kept_bytes);
}

// -1, 0, 1, or 2 for what is no number.
template <class T>
int sign_class(T value) {
  return value != value ? 2 : (value > T(0)) - (value < T(0));
}

template <class T, class Differ>
std::uint64_t count_differing(const T* a, const T* b, std::size_t count, Differ differ) {
  std::uint64_t differing = 0;
  for (std::size_t i = 0; i < count; ++i) differing += differ(a[i], b[i]) ? 1u : 0u;
  return differing;
}

}  // namespace

template <class T>
std::size_t Parameters<T>::bytes(const Network<T>& network) {
  const std::size_t image = image_elements(network);
  const std::size_t elements =
      network.elements() * (image > 0 ? 2 : 1) + network.buffer_elements() + image;
  std::size_t bytes = elements * sizeof(T);
  for (const Tensor& tensor : network.tensors()) bytes += kept_bytes(network, tensor);
  return bytes;
}

template <class T>
Parameters<T>::Parameters(const Network<T>& network, const Partition& partition, int rank)
    : network_(&network),
      partition_(&partition),
      rank_(rank),
      real_(network.elements()),
      buffers_(network.buffer_elements()) {
  network.initialize(real_.span(), buffers_.span());
  std::size_t kept = 0;
  std::size_t image = 0;
  for (const Tensor& tensor : network.tensors()) {
    kept_offset_.push_back(kept);
    last_image_offset_.push_back(image);
    image += tensor.quantized ? tensor.elements : 0;
    kept += kept_bytes(network, tensor);
  }
  kept_ = Buffer<std::byte>(kept);
  if (image > 0) quantized_ = Buffer<T>(network.elements());
  last_image_ = Buffer<T>(image);
  for (const Layer<T>& layer : network.layers()) {
    quantized_index_.push_back(flips_.size());
    if (layer.quantizer) flips_.emplace_back();
  }
  has_last_image_.resize(flips_.size(), false);
  tickets_.resize(network.tensors().size() * static_cast<std::size_t>(partition.ranks()));
  ticket_count_.resize(network.tensors().size());
}

template <class T>
const T* Parameters<T>::effective(int tensor) const {
  const Tensor& t = network_->tensors()[static_cast<std::size_t>(tensor)];
  return (t.quantized ? quantized_.data() : real_.data()) + t.offset;
}

template <class T>
T* Parameters<T>::buffer(int buffer) {
  return buffers_.data() + network_->buffers()[static_cast<std::size_t>(buffer)].offset;
}

template <class T>
const T* Parameters<T>::buffer(int buffer) const {
  return buffers_.data() + network_->buffers()[static_cast<std::size_t>(buffer)].offset;
}

template <class T>
void Parameters<T>::take(const GivenSources& given) {
  const auto take_one = [&](const Tensor& tensor, int index, T* values) {
    if (index < 0) return;
    copy_given((*given.tensors)[static_cast<std::size_t>(index)],
               std::span(values, tensor.elements));
  };
  for (std::size_t t = 0; t < given.learned.size(); ++t) {
    take_one(network_->tensors()[t], given.learned[t], real(static_cast<int>(t)));
  }
  for (std::size_t b = 0; b < given.buffers.size(); ++b) {
    take_one(network_->buffers()[b], given.buffers[b], buffer(static_cast<int>(b)));
  }
}

template <class T>
void* Parameters<T>::kept(int tensor) {
  return kept_.data() + kept_offset_[static_cast<std::size_t>(tensor)];
}

template <class T>
void Parameters<T>::expect(Exchange& exchange) {
  std::fill(ticket_count_.begin(), ticket_count_.end(), 0);
  if (exchange.ranks() == 1 || partition_->ownership() == Ownership::kReplicated) return;
  for (int t = 0; t < static_cast<int>(network_->tensors().size()); ++t) {
    for (int r = 0; r < exchange.ranks(); ++r) {
      const ElementRange theirs = partition_->owned(t, r);
      if (r == rank_ || theirs.count == 0) continue;
      const auto first = static_cast<std::size_t>(t * exchange.ranks());
      int& posted = ticket_count_[static_cast<std::size_t>(t)];
      tickets_[first + static_cast<std::size_t>(posted++)] = exchange.receive(
          r, t, std::as_writable_bytes(std::span(real(t) + theirs.first, theirs.count)));
    }
  }
}

template <class T>
void Parameters<T>::publish(int tensor, Exchange& exchange) {
  const ElementRange mine = partition_->owned(tensor, rank_);
  if (mine.count == 0 || partition_->ownership() == Ownership::kReplicated) return;
  for (int r = 0; r < exchange.ranks(); ++r) {
    if (r == rank_) continue;
    exchange.send(r, tensor, std::as_bytes(std::span(real(tensor) + mine.first, mine.count)));
  }
}

template <class T>
void Parameters<T>::wait(int layer, Exchange& exchange) {
  const TensorRange learned = network_->layers()[static_cast<std::size_t>(layer)].learned;
  for (int t = learned.first; t < learned.first + learned.count; ++t) {
    const auto first = static_cast<std::size_t>(t * exchange.ranks());
    int& pending = ticket_count_[static_cast<std::size_t>(t)];
    for (int i = 0; i < pending; ++i) {
      exchange.wait(tickets_[first + static_cast<std::size_t>(i)]);
    }
    pending = 0;
  }
}

template <class T>
Status Parameters<T>::quantize(int layer, const aesweep_context& context) {
  const Layer<T>& of = network_->layers()[static_cast<std::size_t>(layer)];
  if (!of.quantizer) return {};
  aesweep_context call_context = context;
  call_trace().layer = of.traced;
  for (int t = of.learned.first; t < of.learned.first + of.learned.count; ++t) {
    const Tensor& tensor = network_->tensors()[static_cast<std::size_t>(t)];
    if (!tensor.quantized) continue;
    call_context.stream = tensor_stream(of.quantizer->streams[context.mode], tensor);
    const aesweep_block whole = {sizeof(aesweep_block), tensor.flags, 0,
                                 tensor.elements,       tensor.rows,  tensor.cols};
    AESWEEP_RETURN_IF_ERROR(of.quantizer->component.call(
        "quantize", of.quantizer->table.quantize, &call_context, &whole,
        static_cast<const T*>(real(t)), quantized_.data() + tensor.offset, kept(t)));
    if (context.mode == AESWEEP_TRAIN) count_flips(t);
  }
  if (context.mode == AESWEEP_TRAIN) {
    has_last_image_[quantized_index_[static_cast<std::size_t>(layer)]] = true;
  }
  return {};
}

template <class T>
void Parameters<T>::count_flips(int tensor) {
  const Tensor& of = network_->tensors()[static_cast<std::size_t>(tensor)];
  const std::size_t index = quantized_index_[static_cast<std::size_t>(of.layer)];
  const T* image = quantized_.data() + of.offset;
  T* last = last_image_.data() + last_image_offset_[static_cast<std::size_t>(tensor)];
  if (has_last_image_[index]) {
    const auto& quantizer = network_->layers()[static_cast<std::size_t>(of.layer)].quantizer;
    flips_[index].changed +=
        quantizer->component.has(AESWEEP_MOVING_SCALE)
            ? count_differing(image, last, of.elements,
                              [](T a, T b) { return sign_class(a) != sign_class(b); })
            : count_differing(image, last, of.elements, [](T a, T b) { return a != b; });
    flips_[index].compared += of.elements;
  }
  std::copy_n(image, of.elements, last);
}

template <class T>
void Parameters<T>::clear_flips() {
  std::fill(flips_.begin(), flips_.end(), FlipCount{});
}

template <class T>
void Parameters<T>::set_flips(std::span<const FlipCount> flips) {
  flips_.assign(flips.begin(), flips.end());
}

template <class T>
std::span<T> Parameters<T>::last_image(int tensor) {
  const Tensor& of = network_->tensors()[static_cast<std::size_t>(tensor)];
  return last_image_.span().subspan(last_image_offset_[static_cast<std::size_t>(tensor)],
                                    of.quantized ? of.elements : 0);
}

template <class T>
void Parameters<T>::restored_last_images() {
  has_last_image_.assign(has_last_image_.size(), true);
}

template class Parameters<float>;
template class Parameters<double>;

}  // namespace aesweep
