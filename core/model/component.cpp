#include "core/model/component.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>

#include "core/model/parameters.hpp"

namespace aesweep {
namespace {

// The complete values of a component in the ABI's form, in declared order; strings stay with
// `values`.
std::vector<aesweep_parameter> abi_parameters(const aesweep_component& component,
                                              const std::vector<NamedParameter>& values) {
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
      parameter.type = component.parameters[parameters.size()].type;  // CHOICE or TEXT.
      parameter.text = std::get<std::string>(value).c_str();
    }
    parameters.push_back(parameter);
  }
  return parameters;
}

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
  const aesweep_lifecycle& theirs = *entry->component.lifecycle[Abi<T>::kScalar];
  std::memcpy(&made.lifecycle_, &theirs, std::min<std::size_t>(theirs.struct_size, sizeof theirs));

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
  tensors_ = copy_array(plan_.tensors, plan_.tensor_count);
  rounds_ = copy_array(plan_.rounds, plan_.round_count);
  return {};
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
  // The library's id, not its path: results hold this text and no paths.
  return Status::world(text(kind_name(static_cast<aesweep_kind>(component_.kind)), " ",
                            component_.name, " (plugin ", library_->id, "), ", what, ": ", shown));
}

template class Component<float>;
template class Component<double>;

}  // namespace aesweep
