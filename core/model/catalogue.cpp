#include "core/model/catalogue.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

#include "core/base/text.hpp"
#include "core/math/gemm.hpp"
#include "core/model/abi_array.hpp"
#include "core/model/abi_types.hpp"
#include "core/model/parameters.hpp"

namespace aesweep {
namespace {

constexpr std::array<std::string_view, 6> kKindNames = {"activation", "layer", "regularizer",
                                                        "quantizer",  "loss",  "optimizer"};

template <class T>
void gemm_service(int transpose_a, int transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  T alpha, const T* a, std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c,
                  std::int64_t ldc) {
  gemm<T>(transpose_a != 0, transpose_b != 0, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// The functions without which a kind is nothing, by name; null in `table` where absent.
template <class Table, class... Members>
bool has_all(const void* table, Members... members) {
  const auto ours = host_copy<Table>(table);
  return ((ours.*members != nullptr) && ...);
}

template <class T>
bool is_complete(const aesweep_component& component) {
  const aesweep_lifecycle* lifecycle = component.lifecycle[Abi<T>::kScalar];
  const void* table = component.table[Abi<T>::kScalar];
  if (lifecycle == nullptr || table == nullptr) return false;
  if (!has_all<aesweep_lifecycle>(lifecycle, &aesweep_lifecycle::create,
                                  &aesweep_lifecycle::destroy, &aesweep_lifecycle::plan)) {
    return false;
  }
  switch (component.kind) {
    case AESWEEP_QUANTIZER:
      return has_all<typename Abi<T>::Quantizer>(table, &Abi<T>::Quantizer::quantize);
    case AESWEEP_LOSS:
      return has_all<typename Abi<T>::Loss>(table, &Abi<T>::Loss::evaluate);
    case AESWEEP_OPTIMIZER:
      return has_all<typename Abi<T>::Optimizer>(table, &Abi<T>::Optimizer::update);
    case AESWEEP_REGULARIZER:
      return has_all<typename Abi<T>::Regularizer>(table, &Abi<T>::Regularizer::on_activations) ||
             has_all<typename Abi<T>::Regularizer>(table, &Abi<T>::Regularizer::on_parameter_block);
    default:
      return has_all<typename Abi<T>::Transform>(table, &Abi<T>::Transform::forward,
                                                 &Abi<T>::Transform::backward);
  }
}

Status check_component(const aesweep_component& component) {
  if (component.name == nullptr || component.kind > AESWEEP_OPTIMIZER) {
    return Status::world(text("a component has no name or the unknown kind ", component.kind));
  }
  if (!is_complete<float>(component) || !is_complete<double>(component)) {
    return Status::world(text("component ", component.name, " lacks a function that every ",
                              kind_name(static_cast<aesweep_kind>(component.kind)),
                              " has, for f32 or f64"));
  }
  return check_declarations(component).in(text("the declaration of ",
                                               kind_name(static_cast<aesweep_kind>(component.kind)),
                                               " ", component.name));
}

}  // namespace

std::string_view kind_name(aesweep_kind kind) { return kKindNames.at(kind); }

const aesweep_host& plugin_host_services() {
  static const aesweep_host host = {sizeof(aesweep_host), AESWEEP_ABI_MAJOR, AESWEEP_ABI_MINOR,
                                    &gemm_service<float>, &gemm_service<double>};
  return host;
}

Status Catalogue::add(const aesweep_plugin_entry& entry, const PluginLibrary& library) {
  std::array<char, 512> reason{};
  aesweep_error error = {sizeof(aesweep_error), reason.size(), reason.data()};
  if (entry.init != nullptr && entry.init(&plugin_host_services(), &error) != AESWEEP_OK) {
    return Status::world(text(library.path, ": init failed: ", reason.data()));
  }
  for (const auto& other : libraries_) {
    if (library.builtin || other->builtin || other->id != library.id) continue;
    return Status::input(text(library.path, ": calls itself ", library.id, ", as ", other->path,
                              " does; list one of them, or give one another id"));
  }
  const auto shared = std::make_shared<const PluginLibrary>(library);
  for (const aesweep_component* theirs : std::span(entry.components, entry.component_count)) {
    const auto component = host_copy<aesweep_component>(theirs);
    AESWEEP_RETURN_IF_ERROR(check_component(component).in(library.path));
    const auto kind = static_cast<aesweep_kind>(component.kind);
    CatalogueEntry* present = find_entry(kind, component.name);
    if (present != nullptr && present->library->builtin && !library.builtin) {
      *present = {component, shared, present->library};
      continue;
    }
    if (present != nullptr) {
      return Status::input(text(library.path, ": ", kind_name(kind), " ", component.name,
                                " is already defined by ", present->library->path,
                                "; rename one of them"));
    }
    entries_.push_back({component, shared});
  }
  libraries_.push_back(shared);
  std::sort(entries_.begin(), entries_.end(), [](const CatalogueEntry& a, const CatalogueEntry& b) {
    return std::make_tuple(a.component.kind, std::string_view(a.component.name)) <
           std::make_tuple(b.component.kind, std::string_view(b.component.name));
  });
  return {};
}

const CatalogueEntry* Catalogue::find(aesweep_kind kind, std::string_view name) const {
  return const_cast<Catalogue*>(this)->find_entry(kind, name);
}

CatalogueEntry* Catalogue::find_entry(aesweep_kind kind, std::string_view name) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const CatalogueEntry& e) {
    return e.component.kind == static_cast<std::uint32_t>(kind) && name == e.component.name;
  });
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace aesweep
