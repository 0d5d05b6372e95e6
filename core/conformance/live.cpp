#include "core/conformance/live.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace aesweep::conformance {
namespace {

// Copies `count` structs that lie struct_size bytes apart, as the ABI says.
template <class Struct>
std::vector<Struct> copy_array(const Struct* first, std::uint32_t count) {
  std::vector<Struct> copies;
  const auto* at = reinterpret_cast<const std::byte*>(first);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t size = 0;
    std::memcpy(&size, at, sizeof size);
    Struct copy{};
    std::memcpy(&copy, at, std::min<std::size_t>(size, sizeof copy));
    copies.push_back(copy);
    at += size;
  }
  return copies;
}

constexpr std::size_t kLongerBytes = 24;  // Of more members than this version knows.

// Structs `stride` bytes apart, as a host with longer ones would lay them out.
template <class Struct>
std::vector<std::byte> spread(const std::vector<Struct>& structs, std::size_t stride) {
  std::vector<std::byte> bytes(std::max<std::size_t>(structs.size(), 1) * stride,
                               std::byte{Extended<Struct>::kTail});
  for (std::size_t i = 0; i < structs.size(); ++i) {
    Struct copy = structs[i];
    copy.struct_size = static_cast<std::uint32_t>(stride);
    std::memcpy(bytes.data() + i * stride, &copy, sizeof copy);
  }
  return bytes;
}

}  // namespace

std::string status_text(std::int32_t status) {
  constexpr std::array names = {"ok",
                                "invalid parameter",
                                "invalid shape",
                                "unsupported",
                                "out of memory",
                                "numeric failure",
                                "internal failure"};
  const bool known = status >= 0 && static_cast<std::size_t>(status) < names.size();
  return text(known ? names[static_cast<std::size_t>(status)] : "unknown status", " (", status,
              ")");
}

template <class T>
Live<T>::Live(const Subject& subject) : Live(subject, default_example(subject.entry->component)) {}

template <class T>
Live<T>::Live(const Subject& subject, const Example& example, bool longer)
    : subject_(subject), example_(example), longer_(longer) {
  const aesweep_lifecycle& theirs = *component().lifecycle[Abi<T>::kScalar];
  std::memcpy(&lifecycle_, &theirs, std::min<std::size_t>(theirs.struct_size, sizeof theirs));
  create();
}

template <class T>
Live<T>::~Live() {
  if (subject_.watch != nullptr) {
    subject_.watch->before(component().name, "destroy", scalar_name<T>());
  }
  lifecycle_.destroy(instance_);
  if (subject_.watch != nullptr) subject_.watch->after();
}

template <class T>
void Live<T>::create() {
  const Example& example = example_;
  ErrorText error(longer_);
  const std::vector<std::byte> parameters =
      spread(example.parameters, sizeof(aesweep_parameter) + (longer_ ? kLongerBytes : 0));
  const auto create = [&](void* /*none yet*/, aesweep_error* reason) {
    return lifecycle_.create(reinterpret_cast<const aesweep_parameter*>(parameters.data()),
                             static_cast<std::uint32_t>(example.parameters.size()), &instance_,
                             reason);
  };
  const std::int32_t status = try_call("create", error.members.value, create);
  if (status != AESWEEP_OK) {
    fail("create with ", example.name.empty() ? "the declared defaults" : example.name,
         " is refused: ", status_text(status), ", '", error.str(),
         "'; give defaults (for required parameters: an example) that work together");
  }
  if (instance_ == nullptr) fail("create returns ok but sets no instance");
}

template <class T>
bool Live<T>::plan(const Shape& shape) {
  shape_ = shape;
  // Quantizers meet tensors of up to rows_max rows.
  const bool quantizer = component().kind == AESWEEP_QUANTIZER;
  known_ = example_tensors(component().kind, shape.input_cols,
                           quantizer ? shape.rows_max : shape.target_cols);
  std::vector<std::string> names;  // They end with the call, as the ABI says.
  for (const aesweep_known_tensor& tensor : known_) names.emplace_back(tensor.name);
  std::vector<aesweep_known_tensor> listed = known_;
  for (std::size_t i = 0; i < listed.size(); ++i) listed[i].name = names[i].c_str();
  const std::vector<std::byte> known =
      spread(listed, sizeof(aesweep_known_tensor) + (longer_ ? kLongerBytes : 0));
  Extended<aesweep_plan_request> request(longer_);
  request.value.scalar = Abi<T>::kScalar;
  request.value.shard_rows_max = shape.rows_max;
  request.value.input_cols = shape.input_cols;
  request.value.target_cols = shape.target_cols;
  request.value.tensors = reinterpret_cast<const aesweep_known_tensor*>(known.data());
  request.value.tensor_count = static_cast<std::uint32_t>(known_.size());
  Extended<aesweep_plan> planned(longer_);
  ErrorText error(longer_);
  const std::int32_t status =
      try_call("plan", error.members.value, lifecycle_.plan, &request.value, &planned.value);
  for (std::string& name : names) std::fill(name.begin(), name.end(), '?');
  if (!planned.tail_intact() || !request.tail_intact()) {
    fail("plan writes behind the members of a struct that it knows");
  }
  if (status != AESWEEP_OK) {
    refusal_ = error.str();
    const bool polite = status == AESWEEP_INVALID_SHAPE || status == AESWEEP_UNSUPPORTED ||
                        status == AESWEEP_INVALID_PARAMETER;
    if (polite && !refusal_.empty()) return false;
    failed("plan", status, refusal_);
  }
  plan_ = planned.value;
  tensors_ = copy_array(plan_.tensors, plan_.tensor_count);
  rounds_ = copy_array(plan_.rounds, plan_.round_count);
  check_plan();
  return true;
}

template <class T>
void Live<T>::check_plan() const {
  const bool transform =
      component().kind == AESWEEP_LAYER || component().kind == AESWEEP_ACTIVATION;
  if (transform && plan_.output_cols < 1) fail("plan: output_cols is ", plan_.output_cols);
  if (component().kind == AESWEEP_ACTIVATION && plan_.output_cols != shape_.input_cols) {
    fail("plan: output_cols is ", plan_.output_cols, ", an activation's is its input_cols, ",
         shape_.input_cols);
  }
  for (const aesweep_tensor& tensor : tensors_) {
    const std::string name = tensor.name == nullptr ? "" : tensor.name;
    if (name.empty()) fail("plan: a tensor has no name");
    if (tensor.role != AESWEEP_STATE && (tensor.rows < 1 || tensor.cols < 1)) {
      fail("plan: tensor ", name, " is ", tensor.rows, " x ", tensor.cols);
    }
    if (tensor.role != AESWEEP_VIEWED) continue;
    const bool there =
        std::any_of(known_.begin(), known_.end(), [&](const aesweep_known_tensor& known) {
          return name == known.name && tensor.rows == known.rows && tensor.cols == known.cols;
        });
    if (!there) {
      fail("plan: views ", name, " [", tensor.rows, " x ", tensor.cols,
           "], which the request does not list");
    }
  }
}

template <class T>
void Live<T>::escaped(const char* what, const std::string& how) const {
  fail(what, ": an exception leaves the plugin: ", how,
       "; catch it and return AESWEEP_INTERNAL with text");
}

template <class T>
void Live<T>::failed(const char* what, std::int32_t status, const std::string& reason) const {
  if (reason.empty()) {
    fail(what, ": ", status_text(status),
         ": the plugin gave no reason; write one into error->text");
  }
  throw Finding{Grade::kFail, text(what, ": ", status_text(status), ": ", reason), status};
}

template class Live<float>;
template class Live<double>;

}  // namespace aesweep::conformance
