#include "core/conformance/example.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "core/base/text.hpp"

namespace aesweep::conformance {
namespace {

aesweep_parameter default_of(const aesweep_parameter_info& info) {
  aesweep_parameter parameter{};
  parameter.struct_size = sizeof parameter;
  parameter.type = info.type;
  parameter.name = info.name;
  parameter.integer = info.default_integer;
  parameter.real = info.default_real;
  parameter.text = info.default_text;
  return parameter;
}

// A value other than 0 inside the range of a real: 0.5, or what lies between the finite bounds.
double other_than_zero(const aesweep_parameter_info& info) {
  if (info.minimum < 0.5 && info.maximum > 0.5) return 0.5;
  if (std::isfinite(info.minimum) && std::isfinite(info.maximum)) {
    return info.minimum + (info.maximum - info.minimum) * 0.75;
  }
  return std::isfinite(info.minimum) ? info.minimum + 0.5 : info.maximum - 0.5;
}

Example changed(const Example& example, std::uint32_t i, const std::string& shown) {
  Example other = example;
  other.name = text(example.parameters[i].name, " = ", shown);
  return other;
}

void add_variants(const aesweep_parameter_info& info, std::uint32_t i, std::vector<Example>& all) {
  if (info.type == AESWEEP_BOOLEAN) {
    const bool flipped = info.default_integer == 0;
    Example other = changed(all.front(), i, flipped ? "true" : "false");
    other.parameters[i].integer = flipped ? 1 : 0;
    all.push_back(std::move(other));
  } else if (info.type == AESWEEP_CHOICE) {
    for (const char* const* word = info.choices; *word != nullptr; ++word) {
      if (std::strcmp(*word, info.default_text) == 0) continue;
      Example other = changed(all.front(), i, *word);
      other.parameters[i].text = *word;
      all.push_back(std::move(other));
    }
  } else if (info.type == AESWEEP_REAL && info.default_real == 0.0) {
    const double value = other_than_zero(info);
    Example other = changed(all.front(), i, format_real(value));
    other.parameters[i].real = value;
    all.push_back(std::move(other));
  }
}

aesweep_known_tensor known(const char* name, std::int64_t rows, std::int64_t cols,
                           std::uint32_t flags) {
  aesweep_known_tensor tensor{};
  tensor.struct_size = sizeof tensor;
  tensor.flags = flags;
  tensor.name = name;
  tensor.rows = rows;
  tensor.cols = cols;
  return tensor;
}

}  // namespace

const aesweep_parameter_info& parameter_info(const aesweep_component& component, std::uint32_t i) {
  const auto* first = reinterpret_cast<const std::byte*>(component.parameters);
  return *reinterpret_cast<const aesweep_parameter_info*>(
      first + std::size_t{i} * component.parameters->struct_size);
}

Example default_example(const aesweep_component& component) {
  Example example;
  for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
    example.parameters.push_back(default_of(parameter_info(component, i)));
  }
  return example;
}

std::vector<Example> examples(const aesweep_component& component) {
  std::vector<Example> all = {default_example(component)};
  for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
    add_variants(parameter_info(component, i), i, all);
  }
  return all;
}

std::vector<aesweep_known_tensor> example_tensors(std::uint32_t kind, std::int64_t input_cols,
                                                  std::int64_t other_cols) {
  constexpr std::uint32_t kWeights = AESWEEP_MAY_DECAY | AESWEEP_MAY_QUANTIZE;
  if (kind == AESWEEP_LAYER) return {known("encoder/weights", other_cols, input_cols, kWeights)};
  if (kind == AESWEEP_QUANTIZER) return {known("code/weights", other_cols, input_cols, kWeights)};
  if (kind == AESWEEP_REGULARIZER) {
    return {known("code/weights", other_cols, input_cols, kWeights),
            known("code/bias", 1, input_cols, 0)};
  }
  return {};
}

}  // namespace aesweep::conformance
