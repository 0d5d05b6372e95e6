// Proves, for every built-in component, its declarations and that create refuses each kind of bad
// parameter; and what the SDK does for any library: init, error texts and their capacity.
#include <algorithm>
#include <string_view>

#include "tests/plugins/harness.hpp"

namespace aesweep::test {
namespace {

// [a-z][a-z0-9_]*
bool is_name(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz", kOthers = "0123456789_";
  const auto in = [](std::string_view set, char c) { return set.find(c) != set.npos; };
  return !name.empty() && in(kLetters, name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return in(kLetters, c) || in(kOthers, c); });
}

// Defaults, and the declared examples of required parameters.
std::vector<aesweep_parameter> valid_parameters(const aesweep_component& component) {
  std::vector<aesweep_parameter> all;
  for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
    const aesweep_parameter_info& info = component.parameters[i];
    aesweep_parameter p{};
    p.struct_size = sizeof p;
    p.type = info.type;
    p.name = info.name;
    p.integer = info.default_integer;
    p.real = info.default_real;
    p.text = info.default_text;
    all.push_back(p);
  }
  return all;
}

// Status and text of create; an instance that should not be there is destroyed.
std::pair<std::int32_t, std::string> try_create(const aesweep_component& component,
                                                const std::vector<aesweep_parameter>& given) {
  ErrorText error;
  void* instance = nullptr;
  const aesweep_lifecycle& lifecycle = *component.lifecycle[AESWEEP_F32];
  const std::int32_t status = lifecycle.create(
      given.data(), static_cast<std::uint32_t>(given.size()), &instance, &error.error);
  EXPECT_EQ(instance != nullptr, status == AESWEEP_OK);
  if (instance != nullptr) lifecycle.destroy(instance);
  return {status, error.str()};
}

TEST(Parameters, EveryBuiltinDeclaresThemWell) {
  EXPECT_GE(builtins().entries().size(), 60u);
  for (const CatalogueEntry& entry : builtins().entries()) {
    const aesweep_component& component = entry.component;
    SCOPED_TRACE(component.name);
    EXPECT_TRUE(is_name(component.name));
    EXPECT_GT(std::strlen(component.summary), 3u);
    // The library is named after the component, and after its kind, too, where two kinds share the
    // name.
    const std::string name = component.name,
                      with_kind = name + "_" +
                                  std::string(kind_name(static_cast<aesweep_kind>(component.kind)));
    EXPECT_TRUE(entry.library->id == name || entry.library->id == with_kind) << entry.library->id;
    for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
      const aesweep_parameter_info& info = component.parameters[i];
      SCOPED_TRACE(info.name);
      EXPECT_EQ(info.struct_size, sizeof info);
      EXPECT_TRUE(is_name(info.name));
      EXPECT_GT(std::strlen(info.summary), 3u);
    }
    EXPECT_EQ(try_create(component, valid_parameters(component)),
              std::pair(std::int32_t{AESWEEP_OK}, std::string()));
  }
}

TEST(Parameters, EveryBuiltinRefusesMissingDoubledUnknownAndMistyped) {
  for (const CatalogueEntry& entry : builtins().entries()) {
    const aesweep_component& component = entry.component;
    SCOPED_TRACE(component.name);
    const std::vector<aesweep_parameter> valid = valid_parameters(component);
    const auto expect = [&](const std::vector<aesweep_parameter>& given, const std::string& text) {
      EXPECT_EQ(try_create(component, given),
                std::pair(std::int32_t{AESWEEP_INVALID_PARAMETER}, text));
    };
    for (std::size_t i = 0; i < valid.size(); ++i) {
      const std::string name = valid[i].name;
      auto given = valid;
      given.erase(given.begin() + static_cast<std::ptrdiff_t>(i));
      expect(given, name + ": no value given");
      given = valid;
      given.push_back(valid[i]);
      expect(given, name + ": given twice");
      given = valid;
      given[i].type = AESWEEP_TEXT + 1;
      EXPECT_EQ(try_create(component, given).first, AESWEEP_INVALID_PARAMETER);
    }
    auto given = valid;
    given.push_back({sizeof(aesweep_parameter), AESWEEP_REAL, "no_such", 0, 0.0, nullptr});
    expect(given, "no_such: no parameter has this name");
  }
}

TEST(Parameters, EveryBuiltinRefusesValuesOutOfRange) {
  for (const CatalogueEntry& entry : builtins().entries()) {
    const aesweep_component& component = entry.component;
    const std::vector<aesweep_parameter> valid = valid_parameters(component);
    for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
      const aesweep_parameter_info& info = component.parameters[i];
      SCOPED_TRACE(std::string(component.name) + " " + info.name);
      const auto refuse = [&](std::int64_t integer, double real, const char* text) {
        auto given = valid;
        given[i].integer = integer;
        given[i].real = real;
        given[i].text = text;
        const auto [status, message] = try_create(component, given);
        EXPECT_EQ(status, AESWEEP_INVALID_PARAMETER);
        EXPECT_EQ(message.rfind(std::string(info.name) + ": ", 0), 0u) << message;
      };
      if (info.type == AESWEEP_CHOICE) {
        refuse(0, 0.0, "nothing");
      } else if (info.type == AESWEEP_TEXT) {
        refuse(0, 0.0, "");
      } else if (info.type == AESWEEP_REAL) {
        for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) refuse(0, bad, nullptr);
        const bool open_below = (info.flags & AESWEEP_ABOVE_MINIMUM) != 0;
        const bool open_above = (info.flags & AESWEEP_BELOW_MAXIMUM) != 0;
        if (std::isfinite(info.minimum)) {
          refuse(0, open_below ? info.minimum : std::nextafter(info.minimum, -HUGE_VAL), nullptr);
        }
        if (std::isfinite(info.maximum)) {
          refuse(0, open_above ? info.maximum : std::nextafter(info.maximum, HUGE_VAL), nullptr);
        }
      } else {
        refuse(static_cast<std::int64_t>(info.minimum) - 1, 0.0, nullptr);
        refuse(static_cast<std::int64_t>(info.maximum) + 1, 0.0, nullptr);
      }
    }
  }
}

TEST(Sdk, ErrorTextsFitTheirBuffer) {
  const aesweep_component& dense = find_component(AESWEEP_LAYER, "dense");
  for (const std::uint32_t capacity : {0u, 1u, 7u}) {
    char text[8] = {'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'};
    aesweep_error error = {sizeof error, capacity, text};
    void* instance = nullptr;
    EXPECT_EQ(dense.lifecycle[0]->create(nullptr, 0, &instance, &error), AESWEEP_INVALID_PARAMETER);
    EXPECT_EQ(text[7], 'x') << "wrote past the capacity";
    const std::string cut = std::string("units: no").substr(0, capacity == 0 ? 0 : capacity - 1);
    EXPECT_EQ(std::string(text, cut.size()), cut);
    EXPECT_EQ(text[cut.size()], capacity == 0 ? 'x' : '\0');
  }
  void* instance = nullptr;
  EXPECT_EQ(dense.lifecycle[0]->create(nullptr, 0, &instance, nullptr), AESWEEP_INVALID_PARAMETER);
}

TEST(Sdk, InitRefusesAnotherAbiAndAcceptsAShorterHost) {
  const aesweep_plugin_entry& entry = builtin_entry("dense");
  ErrorText error;
  aesweep_host host = plugin_host_services();
  host.abi_minor = AESWEEP_ABI_MINOR + 1;
  EXPECT_EQ(entry.init(&host, &error.error), AESWEEP_UNSUPPORTED);
  const auto version = [](int minor) { return "0." + std::to_string(minor); };
  EXPECT_EQ(error.str(), "the host's ABI " + version(AESWEEP_ABI_MINOR + 1) + " does not fit " +
                             version(AESWEEP_ABI_MINOR) +
                             ", for which this plugin was built: rebuild it");
  host = plugin_host_services();
  host.abi_major = AESWEEP_ABI_MAJOR + 1;
  EXPECT_EQ(entry.init(&host, &error.error), AESWEEP_UNSUPPORTED);
  EXPECT_EQ(entry.init(nullptr, &error.error), AESWEEP_INTERNAL);

  // A host without products: dense says so when it needs one.
  host = plugin_host_services();
  host.struct_size = offsetof(aesweep_host, gemm_f32);
  EXPECT_EQ(entry.init(&host, &error.error), AESWEEP_OK);
  Live<float> live(AESWEEP_LAYER, "dense", {{"units", 1}});
  ASSERT_EQ(entry.init(&host, &error.error), AESWEEP_OK);  // Live may have loaded the real host.
  live.plan(1, 1);
  Grid<float> x(1, 1), y(1, 1);
  x.fill([](auto, auto) { return 1.0; });
  const aesweep_context context = make_context(1);
  const auto in = x.in();
  const auto out = y.out();
  EXPECT_EQ(
      live.transform().forward(live.instance(), &context, &live.memory(), &in, &out, &error.error),
      AESWEEP_UNSUPPORTED);
  EXPECT_EQ(error.str(), "the host offers no gemm_f32");
  EXPECT_EQ(entry.init(&plugin_host_services(), &error.error), AESWEEP_OK);
}

}  // namespace
}  // namespace aesweep::test
