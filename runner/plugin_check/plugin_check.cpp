#include "runner/plugin_check/plugin_check.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>
#include <thread>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/conformance/cases.hpp"
#include "runner/plugin_check/child.hpp"
#include "runner/plugin_check/library_cases.hpp"
#include "runner/plugin_host/printable.hpp"

namespace aesweep {
namespace {

using conformance::Grade;
using conformance::Verdict;

// After so many crashes and timeouts of a component the rest of its cases is left out.
constexpr int kBreakdownsMax = 3;

std::vector<std::string> split(const std::string& words, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : words) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// --- Verdicts as messages of a child ---

// Texts of plugins come in here: whatever they hold, each stays one line.
std::string encode(const Verdict& verdict) {
  return text(static_cast<int>(verdict.grade), "\n", printable_line(verdict.scalar), "\n",
              printable_line(verdict.violation), "\n", printable_line(verdict.text));
}

Verdict decode(const std::string& message) {
  const std::vector<std::string> lines = split(message, '\n');
  if (lines.size() != 4 || lines[0].size() != 1) {
    return {Grade::kFail, "an unreadable verdict", ""};
  }
  return {static_cast<Grade>(lines[0][0] - '0'), lines[3], lines[1], lines[2]};
}

std::string timeout_text(const ChildOutcome& outcome, double seconds_max) {
  if (outcome.place.empty()) return text("loading did not return within ", seconds_max, " s");
  // A call that took most of the time hangs; else there are many, and time is what is missing.
  if (outcome.in_call && outcome.call_seconds > seconds_max / 2) {
    return text(outcome.place, " did not return within ", seconds_max, " s");
  }
  return text("the case took longer than ", seconds_max, " s, its last call was ", outcome.place,
              "; make the component faster or give the case more time by --seconds");
}

std::string ended_how(const ChildOutcome& outcome, double seconds_max) {
  if (outcome.end == ChildEnd::kTimeout) return timeout_text(outcome, seconds_max);
  std::string where = outcome.place.empty() ? "loading" : outcome.place;
  if (!outcome.place.empty() && !outcome.in_call) where = "the check, after " + where + ",";
  if (outcome.end == ChildEnd::kSignal) {
    return text(where, " was ended by signal ", outcome.number, " (SIG",
                ::sigabbrev_np(outcome.number), "); run with --in-process under a debugger");
  }
  return text(where, " ended the process with status ", outcome.number,
              "; plugins return a status, they do not exit");
}

// The verdict of a case that was played, whatever became of it.
Verdict verdict_of(const ChildOutcome& outcome, double seconds_max) {
  Verdict verdict = {Grade::kFail, "", outcome.scalar};
  if (outcome.end == ChildEnd::kDone) {
    verdict = decode(outcome.message);
  } else {
    verdict.text = printable_line(ended_how(outcome, seconds_max));
  }
  if (outcome.left_behind == 0 || verdict.grade == Grade::kFail) return verdict;
  return {Grade::kFail,
          text("leaves ", outcome.left_behind, outcome.left_behind == 1 ? " process" : " processes",
               " behind; plugins start none"),
          "", "processes"};
}

// --- The list of cases ---

enum class Scope { kFile, kLibrary, kComponent };

struct Entry {
  std::string name;
  Scope scope = Scope::kComponent;
};

std::vector<Entry> all_cases() {
  std::vector<Entry> all = {{"manifest", Scope::kFile},
                            {"one-symbol", Scope::kFile},
                            {"unresolved", Scope::kLibrary},
                            {"load", Scope::kLibrary},
                            {"abi-shorter", Scope::kLibrary}};
  for (const conformance::Case& which : conformance::cases()) all.push_back({which.name});
  const auto lifecycle =
      std::find_if(all.begin(), all.end(), [](const Entry& e) { return e.name == "lifecycle"; });
  all.insert(lifecycle, {"manners", Scope::kComponent});
  return all;
}

Verdict numeric_case(const std::string& name, const CatalogueEntry& entry, ChildPlace& place) {
  for (const conformance::Case& which : conformance::cases()) {
    if (name == which.name) return conformance::run_case(which, {&entry, &place});
  }
  return {Grade::kFail, "no such case", ""};
}

// Absurd requests must not take the machine's memory, only be refused.
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__)
  constexpr rlim_t kBytes = rlim_t{16} << 30;
  const struct rlimit limit = {kBytes, kBytes};
  ::setrlimit(RLIMIT_AS, &limit);
#endif
}

Verdict played_case(const CheckPlan& plan, const std::string& name, std::size_t index,
                    ChildPlace& place) {
  Result<Opened> library = open_library(plan.library);
  if (!library.ok()) return {Grade::kFail, library.status().message(), ""};
  const CatalogueEntry& entry = library->catalogue.entries().at(index);
  if (name == "manners") return check_manners(entry, place);
  if (name == "exceptions" && !plan.in_process) limit_memory();
  if (name == "abi-longer") {
    const Verdict host = check_newer_host(library.value());
    if (host.grade == Grade::kFail) return host;
  }
  return numeric_case(name, entry, place);
}

std::ptrdiff_t threads() {
  std::error_code error;
  const std::filesystem::directory_iterator all("/proc/self/task", error);
  return error ? 0 : std::distance(begin(all), end(all));
}

// Runs in a child.
Verdict component_case(const CheckPlan& plan, const std::string& name, std::size_t index,
                       ChildPlace& place) {
  // One that has ended can be listed for a moment.
  constexpr int kLooks = 100;
  const std::ptrdiff_t before = threads();
  const Verdict verdict = played_case(plan, name, index, place);
  std::ptrdiff_t more = threads() - before;
  for (int look = 0; more > 0 && look < kLooks; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    more = threads() - before;
  }
  if (more <= 0 || verdict.grade == Grade::kFail) return verdict;
  return {Grade::kFail,
          text("leaves ", more, more == 1 ? " thread" : " threads", " running; plugins start none"),
          "", "threads"};
}

// A component as the library's own process listed it.
struct Listed {
  std::string kind;
  std::string name;
  int breakdowns = 0;
  bool impure = false;
  std::map<std::string, std::string> violations{};  // To the case that failed by it.
};

// The functions that a component offers beyond those that its kind must have.
template <class Table>
Table table_of(const aesweep_component& component) {
  Table ours{};
  const void* theirs = component.table[AESWEEP_F64];
  std::uint32_t size = 0;
  std::memcpy(&size, theirs, sizeof size);
  std::memcpy(&ours, theirs, std::min<std::size_t>(size, sizeof ours));
  return ours;
}

std::string offered(const aesweep_component& component) {
  std::string list;
  const auto add = [&list](bool there, const char* name) {
    if (there) list += (list.empty() ? "" : ", ") + std::string(name);
  };
  if (component.kind == AESWEEP_ACTIVATION || component.kind == AESWEEP_LAYER) {
    const auto table = table_of<aesweep_transform_f64>(component);
    add(table.accumulate != nullptr, "accumulate");
    add(table.end_step != nullptr, "end_step");
  } else if (component.kind == AESWEEP_REGULARIZER) {
    const auto table = table_of<aesweep_regularizer_f64>(component);
    add(table.accumulate != nullptr, "accumulate");
    add(table.on_activations != nullptr, "on_activations");
    add(table.on_parameter_block != nullptr, "on_parameter_block");
    add(table.on_layer_parameters != nullptr, "on_layer_parameters");
  } else if (component.kind == AESWEEP_QUANTIZER) {
    const auto table = table_of<aesweep_quantizer_f64>(component);
    add(table.backward != nullptr, "backward");
    add(table.after_update != nullptr, "after_update");
  } else {
    return "";
  }
  return list.empty() ? " (no optional function)" : " (offers " + list + ")";
}

class Checker {
 public:
  Checker(const CheckPlan& plan, const std::function<void(const CheckedCase&)>& done)
      : plan_(plan), done_(done) {}

  Result<CheckReport> check();

 private:
  [[nodiscard]] bool wanted(const std::string& name) const {
    return plan_.only.empty() || plan_.only == name;
  }
  Result<ChildOutcome> play(const ChildBody& body);
  void add(const std::string& name, const Listed& component, const Verdict& verdict,
           double seconds);
  Status file_cases();
  Status load_cases();
  Status library_case();
  Status component_cases();
  Status one(const Entry& which, std::size_t index);
  void add_loaded(const std::string& list, double seconds);
  void judge_purity(Listed& component, const Verdict& verdict);
  void refer(Listed& component, const std::string& name, Verdict& verdict) const;

  const CheckPlan& plan_;
  const std::function<void(const CheckedCase&)>& done_;
  CheckReport report_;
  bool loadable_ = false;
  std::string manifest_kind_;
  std::vector<Listed> components_;
};

Result<ChildOutcome> Checker::play(const ChildBody& body) {
  if (plan_.in_process) return run_in_process(body);
  return run_in_child(body, plan_.seconds_max);
}

void Checker::add(const std::string& name, const Listed& component, const Verdict& verdict,
                  double seconds) {
  if (!wanted(name)) return;
  report_.cases.push_back({name, component.kind, component.name, verdict, seconds});
  done_(report_.cases.back());
}

// Without any code of the library.
Status Checker::file_cases() {
  const Result<CheckedLibrary> library =
      check_library(plan_.library, place_of_library(plan_.library));
  if (!library.ok()) {
    if (library.status().fault() == Fault::kInput) return library.status();
    add("manifest", {}, {Grade::kFail, library.status().message(), ""}, 0.0);
    return {};
  }
  report_.id = library->manifest.id;
  report_.sha256 = library->sha256;
  manifest_kind_ = library->manifest.kind;
  add("manifest", {},
      {Grade::kOk,
       text("SHA-256 ", library->sha256.substr(0, 12), "..., ABI ", library->manifest.abi_major,
            ".", library->manifest.abi_minor, ", CPU level ",
            library->manifest.cpu_level.empty() ? "default" : library->manifest.cpu_level),
       ""},
      0.0);
  add("one-symbol", {}, check_one_symbol(library.value()), 0.0);
  return load_cases();
}

// What the dynamic linker says, then what the library itself does when it is loaded.
Status Checker::load_cases() {
  const Result<ChildOutcome> played = play([this](ChildPlace&) {
    const Result<Opened> library = open_library(plan_.library);
    if (!library.ok()) return "-" + printable_line(library.status().message());
    std::string list = "+";
    for (const CatalogueEntry& entry : library->catalogue.entries()) {
      const aesweep_component& component = entry.component;
      list += text(kind_name(static_cast<aesweep_kind>(component.kind)), "\n",
                   printable_line(component.name), "\n", offered(component), "\n");
    }
    return list;
  });
  if (!played.ok()) return played.status();
  const std::string& message = played->message;
  const bool unresolved = message.find("cannot be linked") != std::string::npos;
  if (unresolved) {
    add("unresolved", {}, {Grade::kFail, message.substr(1), ""}, played->seconds);
    return {};
  }
  add("unresolved", {}, {Grade::kOk, "every symbol and needed library is there", ""}, 0.0);
  if (played->end != ChildEnd::kDone) {
    add("load", {}, {Grade::kFail, ended_how(played.value(), plan_.seconds_max), ""},
        played->seconds);
  } else if (message[0] == '-') {
    add("load", {}, {Grade::kFail, message.substr(1), ""}, played->seconds);
  } else if (played->left_behind > 0) {
    add("load", {}, {Grade::kFail, "loading leaves a process behind; plugins start none", ""},
        played->seconds);
  } else {
    add_loaded(message.substr(1), played->seconds);
  }
  return {};
}

// What the library offers, so that a misspelt function is seen to be missing.
void Checker::add_loaded(const std::string& list, double seconds) {
  loadable_ = true;
  const std::vector<std::string> words = split(list, '\n');
  std::string names;
  for (std::size_t i = 0; i + 2 < words.size(); i += 3) {
    components_.push_back({words[i], words[i + 1]});
    names += text(i == 0 ? "" : ", ", words[i], " ", words[i + 1], words[i + 2]);
  }
  Verdict verdict = {Grade::kOk, names + "; floating-point mode untouched", ""};
  for (const Listed& component : components_) {
    if (manifest_kind_.empty() || component.kind == manifest_kind_) continue;
    verdict = {Grade::kFail,
               text("the manifest says kind: ", manifest_kind_, ", but ", component.kind, " ",
                    component.name, " is none; correct or leave out KIND in aesweep_add_plugin"),
               ""};
  }
  add("load", {}, verdict, seconds);
}

Status Checker::library_case() {
  if (!wanted("abi-shorter")) return {};
  const Result<ChildOutcome> played = play([this](ChildPlace& place) {
    const Result<Opened> library = open_library(plan_.library);
    if (!library.ok()) return encode({Grade::kFail, library.status().message(), ""});
    return encode(check_older_host(library.value(), place));
  });
  if (!played.ok()) return played.status();
  add("abi-shorter", {}, verdict_of(played.value(), plan_.seconds_max), played->seconds);
  return {};
}

Status Checker::one(const Entry& which, std::size_t index) {
  Listed& component = components_[index];
  if (component.breakdowns >= kBreakdownsMax) {
    add(which.name, component,
        {Grade::kSkip, text("left out: it broke down in ", kBreakdownsMax, " cases already"), ""},
        0.0);
    return {};
  }
  const Result<ChildOutcome> played = play(
      [&](ChildPlace& place) { return encode(component_case(plan_, which.name, index, place)); });
  if (!played.ok()) return played.status();
  Verdict verdict = verdict_of(played.value(), plan_.seconds_max);
  if (played->end != ChildEnd::kDone) ++component.breakdowns;
  if (which.name == "purity") judge_purity(component, verdict);
  if (verdict.grade == Grade::kFail && played->end == ChildEnd::kDone) {
    refer(component, which.name, verdict);
  }
  add(which.name, component, verdict, played->seconds);
  return {};
}

// One fault is told once: other cases that it makes fail refer to the one that told it.
void Checker::refer(Listed& component, const std::string& name, Verdict& verdict) const {
  if (!verdict.violation.empty()) {
    const auto [known, first] = component.violations.emplace(verdict.violation, name);
    if (!first) verdict = {Grade::kSkip, "see " + known->second + ", which it fails by", ""};
    return;
  }
  if (!component.impure || name == "purity" || name == "manners") return;
  // The usual advice would be wrong.
  verdict.text.resize(std::min(verdict.text.rfind("; "), verdict.text.size()));
  verdict.text += "; see purity first, equal calls give other results";
}

void Checker::judge_purity(Listed& component, const Verdict& verdict) {
  component.impure = verdict.grade == Grade::kFail;
  if (!report_.reproducible) report_.reproducible = true;
  if (!component.impure || !report_.reproducible.value()) return;
  report_.reproducible = false;
  report_.impure = text(component.kind, " ", component.name, ": ", verdict.text);
}

Status Checker::component_cases() {
  AESWEEP_RETURN_IF_ERROR(library_case());
  for (const Entry& which : all_cases()) {
    if (which.scope != Scope::kComponent || !wanted(which.name)) continue;
    for (std::size_t index = 0; index < components_.size(); ++index) {
      AESWEEP_RETURN_IF_ERROR(one(which, index));
    }
  }
  return {};
}

Result<CheckReport> Checker::check() {
  report_.library = plan_.library;
  AESWEEP_RETURN_IF_ERROR(file_cases());
  if (loadable_) {
    AESWEEP_RETURN_IF_ERROR(component_cases());
    return report_;
  }
  // A reason is there; the other cases had nothing to look at.
  std::size_t left = 0;
  for (const Entry& which : all_cases()) {
    const bool seen = std::any_of(report_.cases.begin(), report_.cases.end(),
                                  [&](const CheckedCase& c) { return c.name == which.name; });
    if (seen || !wanted(which.name)) continue;
    ++left;
    report_.cases.push_back(
        {which.name, "", "", {Grade::kSkip, "the library cannot be loaded", ""}, 0.0});
  }
  if (left > 0) {
    const std::string why =
        text(left, left == 1 ? " other case" : " other cases", ": the library cannot be loaded");
    done_({left == 1 ? report_.cases.back().name : "...", "", "", {Grade::kSkip, why, ""}, 0.0});
  }
  return report_;
}

}  // namespace

bool CheckReport::passed() const {
  return std::none_of(cases.begin(), cases.end(),
                      [](const CheckedCase& c) { return c.verdict.grade == Grade::kFail; });
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const Entry& which : all_cases()) names.push_back(which.name);
  return names;
}

Result<CheckReport> check_library_file(const CheckPlan& plan,
                                       const std::function<void(const CheckedCase&)>& done) {
  const std::vector<std::string> names = case_names();
  if (!plan.only.empty() && std::find(names.begin(), names.end(), plan.only) == names.end()) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return Status::input(text("--case ", plan.only, ": no such case",
                              did_you_mean(plan.only, names), "; there are ", list));
  }
  return Checker(plan, done).check();
}

}  // namespace aesweep
