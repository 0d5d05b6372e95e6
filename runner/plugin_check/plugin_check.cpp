#include "runner/plugin_check/plugin_check.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstring>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/conformance/cases.hpp"
#include "runner/plugin_check/child.hpp"
#include "runner/plugin_check/library_cases.hpp"

namespace aesweep {
namespace {

using conformance::Grade;
using conformance::Verdict;

// After so many crashes and timeouts of a component the rest of its cases is left out.
constexpr int kBreakdownsMax = 3;

// --- Verdicts as messages of a child ---

std::string encode(const Verdict& verdict) {
  return text(static_cast<int>(verdict.grade), "\n", verdict.scalar, "\n", verdict.text);
}

Verdict decode(const std::string& message) {
  const std::size_t first = message.find('\n');
  const std::size_t second = message.find('\n', first + 1);
  if (first != 1 || second == std::string::npos) return {Grade::kFail, "an unreadable verdict", ""};
  return {static_cast<Grade>(message[0] - '0'), message.substr(second + 1),
          message.substr(first + 1, second - first - 1)};
}

std::string ended_how(const ChildOutcome& outcome, double seconds_max) {
  const std::string where = outcome.place.empty() ? "loading" : outcome.place;
  switch (outcome.end) {
    case ChildEnd::kTimeout:
      return text(where, " did not return within ", seconds_max, " s");
    case ChildEnd::kSignal:
      return text(where, " was ended by signal ", outcome.number, " (SIG",
                  ::sigabbrev_np(outcome.number), "); run with --in-process under a debugger");
    default:
      return text(where, " ended the process with status ", outcome.number,
                  "; plugins return a status, they do not exit");
  }
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

// Runs in a child.
Verdict component_case(const CheckPlan& plan, const std::string& name, std::size_t index,
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
  void add(const std::string& name, const std::string& component, const Verdict& verdict,
           double seconds);
  Status file_cases();
  Status load_cases();
  Status library_case();
  Status component_cases();
  Status one(const Entry& which, std::size_t index);
  void judge_purity(const std::string& component, const Verdict& verdict);

  const CheckPlan& plan_;
  const std::function<void(const CheckedCase&)>& done_;
  CheckReport report_;
  bool loadable_ = false;
  std::vector<std::string> components_;
  std::vector<int> breakdowns_;
};

Result<ChildOutcome> Checker::play(const ChildBody& body) {
  if (plan_.in_process) return run_in_process(body);
  return run_in_child(body, plan_.seconds_max);
}

void Checker::add(const std::string& name, const std::string& component, const Verdict& verdict,
                  double seconds) {
  if (!wanted(name)) return;
  report_.cases.push_back({name, component, verdict, seconds});
  done_(report_.cases.back());
}

// Without any code of the library.
Status Checker::file_cases() {
  const Result<CheckedLibrary> library =
      check_library(plan_.library, place_of_library(plan_.library));
  if (!library.ok()) {
    if (library.status().fault() == Fault::kInput) return library.status();
    add("manifest", "", {Grade::kFail, library.status().message(), ""}, 0.0);
    return {};
  }
  report_.id = library->manifest.id;
  report_.sha256 = library->sha256;
  add("manifest", "",
      {Grade::kOk,
       text("SHA-256 ", library->sha256.substr(0, 12), "..., ABI ", library->manifest.abi_major,
            ".", library->manifest.abi_minor, ", CPU level ",
            library->manifest.cpu_level.empty() ? "default" : library->manifest.cpu_level),
       ""},
      0.0);
  add("one-symbol", "", check_one_symbol(library.value()), 0.0);
  return load_cases();
}

// What the dynamic linker says, then what the library itself does when it is loaded.
Status Checker::load_cases() {
  const Result<ChildOutcome> played = play([this](ChildPlace&) {
    const Result<Opened> library = open_library(plan_.library);
    if (!library.ok()) return "-" + library.status().message();
    std::string names = "+";
    for (const CatalogueEntry& entry : library->catalogue.entries()) {
      names += text(entry.component.name, "\n");
    }
    return names;
  });
  if (!played.ok()) return played.status();
  const std::string& message = played->message;
  const bool unresolved = message.find("cannot be linked") != std::string::npos;
  if (unresolved) {
    add("unresolved", "", {Grade::kFail, message.substr(1), ""}, played->seconds);
    return {};
  }
  add("unresolved", "", {Grade::kOk, "every symbol and needed library is there", ""}, 0.0);
  if (played->end != ChildEnd::kDone) {
    add("load", "", {Grade::kFail, ended_how(played.value(), plan_.seconds_max), ""},
        played->seconds);
    return {};
  }
  if (message[0] == '-') {
    add("load", "", {Grade::kFail, message.substr(1), ""}, played->seconds);
    return {};
  }
  loadable_ = true;
  for (std::size_t at = 1; at < message.size();) {
    const std::size_t end = message.find('\n', at);
    components_.push_back(message.substr(at, end - at));
    at = end + 1;
  }
  breakdowns_.assign(components_.size(), 0);
  add("load", "",
      {Grade::kOk,
       text(components_.size(), components_.size() == 1 ? " component" : " components",
            ", floating-point mode untouched"),
       ""},
      played->seconds);
  return {};
}

Status Checker::library_case() {
  if (!wanted("abi-shorter")) return {};
  const Result<ChildOutcome> played = play([this](ChildPlace& place) {
    const Result<Opened> library = open_library(plan_.library);
    if (!library.ok()) return encode({Grade::kFail, library.status().message(), ""});
    return encode(check_older_host(library.value(), place));
  });
  if (!played.ok()) return played.status();
  const Verdict verdict =
      played->end == ChildEnd::kDone
          ? decode(played->message)
          : Verdict{Grade::kFail, ended_how(played.value(), plan_.seconds_max), ""};
  add("abi-shorter", "", verdict, played->seconds);
  return {};
}

Status Checker::one(const Entry& which, std::size_t index) {
  const std::string& component = components_[index];
  if (breakdowns_[index] >= kBreakdownsMax) {
    add(which.name, component,
        {Grade::kSkip, text("left out: it broke down in ", kBreakdownsMax, " cases already"), ""},
        0.0);
    return {};
  }
  const Result<ChildOutcome> played = play(
      [&](ChildPlace& place) { return encode(component_case(plan_, which.name, index, place)); });
  if (!played.ok()) return played.status();
  Verdict verdict;
  if (played->end == ChildEnd::kDone) {
    verdict = decode(played->message);
  } else {
    ++breakdowns_[index];
    verdict = {Grade::kFail, ended_how(played.value(), plan_.seconds_max), ""};
  }
  if (which.name == "purity") judge_purity(component, verdict);
  add(which.name, component, verdict, played->seconds);
  return {};
}

void Checker::judge_purity(const std::string& component, const Verdict& verdict) {
  const bool pure = verdict.grade != Grade::kFail;
  if (!report_.reproducible) report_.reproducible = true;
  if (pure || !report_.reproducible.value()) return;
  report_.reproducible = false;
  report_.impure = component + ": " + verdict.text;
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
  const std::string reason = "the library cannot be loaded";
  for (const Entry& which : all_cases()) {
    const bool seen = std::any_of(report_.cases.begin(), report_.cases.end(),
                                  [&](const CheckedCase& c) { return c.name == which.name; });
    if (!seen) add(which.name, "", {Grade::kSkip, reason, ""}, 0.0);
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
    return Status::input(text("--only ", plan.only, ": no such case",
                              did_you_mean(plan.only, names), "; there are ", list));
  }
  return Checker(plan, done).check();
}

}  // namespace aesweep
