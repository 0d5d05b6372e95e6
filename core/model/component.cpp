#include "core/model/component.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/checked.hpp"
#include "core/model/parameters.hpp"

namespace aesweep {
namespace {

// The complete values of a component in the ABI's form, in declared order; strings stay with
// `values`.
std::vector<aesweep_parameter> abi_parameters(const aesweep_component& component,
                                              const std::vector<NamedParameter>& values) {
  const std::vector<aesweep_parameter_info> declared = declared_parameters(component);
  std::vector<aesweep_parameter> parameters;
  for (const auto& [name, value] : values) {
    aesweep_parameter parameter{};
    parameter.struct_size = sizeof parameter;
    parameter.name = name.c_str();
    if (const auto* flag = std::get_if<bool>(&value)) {
      parameter.type = AESWEEP_BOOLEAN;
      parameter.integer = *flag ? 1 : 0;
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      parameter.type = AESWEEP_INTEGER;
      parameter.integer = *integer;
    } else if (const auto* real = std::get_if<double>(&value)) {
      parameter.type = AESWEEP_REAL;
      parameter.real = *real;
    } else {
      parameter.type = declared[parameters.size()].type;  // CHOICE or TEXT.
      parameter.text = std::get<std::string>(value).c_str();
    }
    parameters.push_back(parameter);
  }
  return parameters;
}

// [a-z][a-z0-9_]*, as the ABI has it: full names join these with slashes.
bool is_tensor_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && lower(name.front()) && std::all_of(name.begin(), name.end(), inner);
}

const char* code_name(std::int32_t code) {
  constexpr std::array names = {"ok",
                                "invalid parameter",
                                "invalid shape",
                                "unsupported",
                                "out of memory",
                                "numeric failure",
                                "internal failure"};
  return code >= 0 && static_cast<std::size_t>(code) < names.size()
             ? names[static_cast<std::size_t>(code)]
             : "unknown failure";
}

}  // namespace

std::int32_t describe_exception(std::span<char> reason) {
  const auto write = [reason](const char* words) {
    std::snprintf(reason.data(), reason.size(), "an exception left the plugin: %s", words);
    return AESWEEP_INTERNAL;
  };
  try {
    throw;
  } catch (const std::exception& error) {
    return write(error.what());
  } catch (...) {
    return write("not a std::exception");
  }
}

template <class T>
Result<Component<T>> Component<T>::create(const Catalogue& catalogue, aesweep_kind kind,
                                          const ComponentSpec& spec) {
  const CatalogueEntry* entry = catalogue.find(kind, spec.name);
  if (entry == nullptr) {
    return Status::input(
        text(kind_name(kind), " ", spec.name, ": no such component; `aesweep plugins` lists them"));
  }
  Result<std::vector<NamedParameter>> values =
      complete_parameters(entry->component, spec.parameters);
  if (!values.ok()) return values.status();
  const std::vector<aesweep_parameter> parameters = abi_parameters(entry->component, *values);

  Component made;
  made.component_ = entry->component;
  made.library_ = entry->library;
  made.lifecycle_ = host_copy<aesweep_lifecycle>(entry->component.lifecycle[Abi<T>::kScalar]);

  std::array<char, 512> reason{};
  aesweep_error error = {sizeof(aesweep_error), reason.size(), reason.data()};
  void* instance = nullptr;
  std::int32_t code = AESWEEP_OK;
  try {
    const AtWork at_work(made.component_, *made.library_, "create");
    code = made.lifecycle_.create(parameters.data(), static_cast<std::uint32_t>(parameters.size()),
                                  &instance, &error);
  } catch (...) {
    code = describe_exception(reason);
  }
  if (code == AESWEEP_OK) {
    made.instance_ = std::unique_ptr<void, Destroy>(instance, Destroy{made.lifecycle_.destroy});
    if (float_mode_intact()) return made;
  }
  return Status::input(made.failure("create", code, reason.data()).message());
}

template <class T>
Status Component<T>::plan(std::int64_t shard_rows_max, std::int64_t input_cols,
                          std::int64_t target_cols, std::span<const aesweep_known_tensor> known) {
  aesweep_plan_request request{};
  request.struct_size = sizeof request;
  request.scalar = Abi<T>::kScalar;
  request.shard_rows_max = shard_rows_max;
  request.input_cols = input_cols;
  request.target_cols = target_cols;
  request.tensors = known.data();
  request.tensor_count = static_cast<std::uint32_t>(known.size());
  plan_ = {};
  plan_.struct_size = sizeof plan_;
  const Status planned = call("plan", lifecycle_.plan, &request, &plan_);
  if (!planned.ok()) return Status::input(planned.message());
  if ((plan_.tensor_count > 0 && plan_.tensors == nullptr) ||
      (plan_.round_count > 0 && plan_.rounds == nullptr)) {
    return Status::input(label() + ": plans tensors or rounds at null");
  }
  tensors_ = host_copies(plan_.tensors, plan_.tensor_count);
  rounds_ = host_copies(plan_.rounds, plan_.round_count);
  return check_plan();
}

template <class T>
Status Component<T>::check_plan() const {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const aesweep_tensor& tensor = tensors_[i];
    if (tensor.name == nullptr || tensor.role > AESWEEP_VIEWED) {
      return Status::input(text(label(), ": plans tensor ", i, " without a name or of role ",
                                tensor.role, ", not in [0, ", int{AESWEEP_VIEWED}, "]"));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (std::string_view(tensor.name) == tensors_[j].name) {
        return Status::input(text(label(), ": plans tensor ", tensor.name, " twice"));
      }
    }
    AESWEEP_RETURN_IF_ERROR(check_tensor(tensor));
  }
  AESWEEP_RETURN_IF_ERROR(check_rounds());
  for (const auto& [bytes, what] :
       {std::pair(plan_.kept_bytes, "kept bytes"), {plan_.workspace_bytes, "bytes of workspace"}}) {
    if (bytes <= kPlannedMax) continue;
    return Status::input(
        text(label(), ": plans ", bytes, " ", what, "; at most ", kPlannedMax, " can be"));
  }
  if (plan_.output_cols > kColumnsMax) {
    return Status::input(text(label(), ": plans ", plan_.output_cols, " output columns; at most ",
                              kColumnsMax, " can be"));
  }
  if (plan_.active_per_row < 0 ||
      plan_.active_per_row > std::max<std::int64_t>(plan_.output_cols, 0)) {
    return Status::input(text(label(), ": plans an active set of ", plan_.active_per_row,
                              " entries a row, not in [0, ", plan_.output_cols,
                              "], the columns of its output"));
  }
  return {};
}

template <class T>
Status Component<T>::check_tensor(const aesweep_tensor& tensor) const {
  if (tensor.role == AESWEEP_VIEWED) return {};  // Its name and shape are the owner's.
  const auto refused = [&](const auto&... why) {
    return Status::input(text(label(), ": plans tensor ", tensor.name, why...));
  };
  if (!is_tensor_name(tensor.name)) {
    return refused(", which is no name of lower-case letters, digits and _ after a letter");
  }
  if (tensor.init > AESWEEP_INIT_NORMAL) {
    return refused(" with initializer ", tensor.init, ", not in [0, ", int{AESWEEP_INIT_NORMAL},
                   "]");
  }
  if (tensor.role == AESWEEP_STATE || tensor.rows < 1 || tensor.cols < 1) return {};
  const std::optional<std::uint64_t> elements = checked_multiply(
      static_cast<std::uint64_t>(tensor.rows), static_cast<std::uint64_t>(tensor.cols));
  if (!elements || *elements > kPlannedMax) {
    return refused(" of ", tensor.rows, " x ", tensor.cols, " elements; at most ", kPlannedMax,
                   " can be");
  }
  return {};
}

template <class T>
Status Component<T>::check_rounds() const {
  std::uint64_t total = 0;
  for (std::size_t r = 0; r < rounds_.size(); ++r) {
    const aesweep_round& round = rounds_[r];
    if (round.phase > AESWEEP_BEFORE_BACKWARD || round.reduction > AESWEEP_MAX) {
      return Status::input(text(label(), ": plans a statistics round of unknown phase ",
                                round.phase, " or reduction ", round.reduction));
    }
    if (round.length > kPlannedMax - total) {
      return Status::input(text(label(), ": plans statistics round ", r, " of ", round.length,
                                " doubles; at most ", kPlannedMax, " can be, over all its rounds"));
    }
    total += round.length;
  }
  return {};
}

template <class T>
std::string Component<T>::label() const {
  return text(kind_name(kind()), " ", component_.name, " (plugin ", library_->id, ")");
}

template <class T>
Status Component<T>::failure(const char* what, std::int32_t code, const char* reason) const {
  const std::string mode = restore_float_mode();
  std::string shown =
      text(code_name(code), ": ", reason[0] == '\0' ? "the plugin gave no reason" : reason);
  if (!mode.empty()) {
    const std::string changed = text("changed the floating-point mode (", mode, ")");
    shown = code == AESWEEP_OK ? changed : text(shown, "; it also ", changed);
  }
  return Status::world(text(label(), ", ", what, ": ", shown));
}

template class Component<float>;
template class Component<double>;

}  // namespace aesweep
