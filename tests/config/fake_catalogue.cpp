#include "tests/config/fake_catalogue.hpp"

#include <limits>

#include "core/base/check.hpp"
#include "core/model/abi_types.hpp"

namespace aesweep::test {
namespace {

aesweep_parameter_info info(aesweep_parameter_type type, const char* name, double minimum,
                            double maximum, unsigned flags) {
  aesweep_parameter_info made{};
  made.struct_size = sizeof made;
  made.type = type;
  made.flags = flags;
  made.name = name;
  made.summary = "";
  made.minimum = minimum;
  made.maximum = maximum;
  return made;
}

aesweep_parameter_info integer(const char* name, std::int64_t value, unsigned flags = 0) {
  aesweep_parameter_info made = info(AESWEEP_INTEGER, name, 1, 65536, flags);
  made.default_integer = value;
  return made;
}

aesweep_parameter_info real(const char* name, double value, double maximum, unsigned flags = 0) {
  aesweep_parameter_info made = info(AESWEEP_REAL, name, 0, maximum, flags);
  made.default_real = value;
  return made;
}

aesweep_parameter_info boolean(const char* name, bool value) {
  aesweep_parameter_info made = info(AESWEEP_BOOLEAN, name, 0, 0, 0);
  made.default_integer = value ? 1 : 0;
  return made;
}

aesweep_parameter_info choice(const char* name, const char* const* words) {
  aesweep_parameter_info made = info(AESWEEP_CHOICE, name, 0, 0, 0);
  made.choices = words;
  made.default_text = words[0];
  return made;
}

aesweep_parameter_info word(const char* name, const char* example, unsigned flags) {
  aesweep_parameter_info made = info(AESWEEP_TEXT, name, 0, 0, flags);
  made.default_text = example;
  return made;
}

constexpr double kMax = std::numeric_limits<double>::max();
const char* const kReductions[] = {"sum", "mean", nullptr};
const char* const kInitializers[] = {"xavier", "he", "uniform", nullptr};
const aesweep_parameter_info kDense[] = {integer("units", 64), boolean("bias", true),
                                         choice("initializer", kInitializers)};
const aesweep_parameter_info kTied[] = {word("of", "encoder", AESWEEP_REQUIRED)};
const aesweep_parameter_info kLeaky[] = {real("slope", 0.01, kMax)};
const aesweep_parameter_info kTopk[] = {integer("k", 8, AESWEEP_REQUIRED)};
const aesweep_parameter_info kPenalty[] = {real("coefficient", 0, kMax, AESWEEP_REQUIRED),
                                           choice("reduction", kReductions)};
const aesweep_parameter_info kBinary[] = {real("limit", 1, 100, AESWEEP_ABOVE_MINIMUM)};
const aesweep_parameter_info kHuber[] = {real("delta", 1, kMax)};
const aesweep_parameter_info kAdam[] = {real("lr", 0.001, kMax),
                                        real("beta1", 0.9, 1, AESWEEP_BELOW_MAXIMUM)};
const aesweep_parameter_info kSgd[] = {real("lr", 0.01, kMax), real("momentum", 0, 1)};

// A function that must be there and is never called.
template <class Returned, class... Arguments>
void fill(Returned (*&slot)(Arguments...)) {
  slot = [](Arguments...) -> Returned { return Returned(); };
}

aesweep_lifecycle made_lifecycle() {
  aesweep_lifecycle made{};
  made.struct_size = sizeof made;
  fill(made.create);
  fill(made.destroy);
  fill(made.plan);
  return made;
}

// The table of a kind with the functions that the catalogue asks for.
template <class T>
const void* table_of(aesweep_kind kind) {
  static const auto transform = [] {
    typename Abi<T>::Transform made{};
    made.struct_size = sizeof made;
    fill(made.forward);
    fill(made.backward);
    return made;
  }();
  static const auto regularizer = [] {
    typename Abi<T>::Regularizer made{};
    made.struct_size = sizeof made;
    fill(made.on_activations);
    fill(made.on_parameter_block);
    return made;
  }();
  static const auto quantizer = [] {
    typename Abi<T>::Quantizer made{};
    made.struct_size = sizeof made;
    fill(made.quantize);
    return made;
  }();
  static const auto loss = [] {
    typename Abi<T>::Loss made{};
    made.struct_size = sizeof made;
    fill(made.evaluate);
    return made;
  }();
  static const auto optimizer = [] {
    typename Abi<T>::Optimizer made{};
    made.struct_size = sizeof made;
    fill(made.update);
    return made;
  }();
  switch (kind) {
    case AESWEEP_REGULARIZER:
      return &regularizer;
    case AESWEEP_QUANTIZER:
      return &quantizer;
    case AESWEEP_LOSS:
      return &loss;
    case AESWEEP_OPTIMIZER:
      return &optimizer;
    default:
      return &transform;
  }
}

aesweep_component component(aesweep_kind kind, const char* name,
                            std::span<const aesweep_parameter_info> parameters = {}) {
  static const aesweep_lifecycle lifecycle = made_lifecycle();
  aesweep_component made{};
  made.struct_size = sizeof made;
  made.kind = kind;
  made.name = name;
  made.summary = "";
  made.parameters = parameters.data();
  made.parameter_count = static_cast<std::uint32_t>(parameters.size());
  for (const aesweep_lifecycle*& entry : made.lifecycle) entry = &lifecycle;
  made.table[AESWEEP_F32] = table_of<float>(kind);
  made.table[AESWEEP_F64] = table_of<double>(kind);
  return made;
}

const aesweep_component kComponents[] = {
    component(AESWEEP_LAYER, "dense", kDense),
    component(AESWEEP_LAYER, "tied", kTied),
    component(AESWEEP_ACTIVATION, "relu"),
    component(AESWEEP_ACTIVATION, "tanh"),
    component(AESWEEP_ACTIVATION, "leaky_relu", kLeaky),
    component(AESWEEP_ACTIVATION, "topk", kTopk),
    component(AESWEEP_REGULARIZER, "l1", kPenalty),
    component(AESWEEP_REGULARIZER, "l2", kPenalty),
    component(AESWEEP_QUANTIZER, "binary", kBinary),
    component(AESWEEP_LOSS, "mse"),
    component(AESWEEP_LOSS, "huber", kHuber),
    component(AESWEEP_OPTIMIZER, "adam", kAdam),
    component(AESWEEP_OPTIMIZER, "sgd", kSgd),
};

Catalogue filled() {
  std::vector<const aesweep_component*> pointers;
  for (const aesweep_component& made : kComponents) pointers.push_back(&made);
  aesweep_plugin_entry entry{};
  entry.magic = AESWEEP_ABI_MAGIC;
  entry.struct_size = sizeof entry;
  entry.id = "fake";
  entry.version = "1";
  entry.components = pointers.data();
  entry.component_count = static_cast<std::uint32_t>(pointers.size());
  Catalogue catalogue;
  const Status status = catalogue.add(entry, {"fake", "1", "/fake.so", "00"});
  AESWEEP_CHECK(status.ok(), status.message());
  return catalogue;
}

}  // namespace

const Catalogue& fake_catalogue() {
  static const Catalogue catalogue = filled();
  return catalogue;
}

std::string base_with(int line, std::string_view replacement) {
  std::string yaml;
  std::string_view rest = kBase;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n') + 1;
    yaml += number == line ? replacement : rest.substr(0, end);
    if (number == line && !replacement.ends_with('\n')) yaml += '\n';
    rest.remove_prefix(end);
  }
  if (line == 9) yaml += replacement;
  return yaml;
}

Result<Experiment> resolve(std::string yaml, const std::vector<Override>& overrides,
                           const std::string& data_dir) {
  Result<Document> document = parse_experiment(std::move(yaml), "a.yaml", overrides);
  if (!document.ok()) return document.status();
  return resolve_experiment(*document, fake_catalogue(), data_dir);
}

std::string fault(std::string yaml, const std::vector<Override>& overrides) {
  const Result<Experiment> experiment = resolve(std::move(yaml), overrides);
  return experiment.ok() ? "no fault" : experiment.status().message();
}

}  // namespace aesweep::test
