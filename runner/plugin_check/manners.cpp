// Manners: what a call may not leave changed behind it.
#include <unistd.h>
#include <xmmintrin.h>

#include <array>
#include <clocale>
#include <csignal>
#include <cstring>
#include <ios>
#include <optional>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "core/conformance/cases.hpp"
#include "core/conformance/scene.hpp"
#include "runner/plugin_check/library_cases.hpp"

namespace aesweep {
namespace {

using conformance::Grade;
using conformance::Verdict;

// Of the process; a plugin has none of its own. SIGKILL and SIGSTOP have none.
constexpr int kSignals = 32;

struct Handler {
  void (*function)(int);
  int flags;
};

// The state of the process that belongs to the host.
struct Surroundings {
  unsigned mxcsr = 0;
  std::uint16_t x87 = 0;
  std::string locale;
  std::string folder;
  long printed = 0;
  std::array<Handler, kSignals> handlers{};  // By signal.
};

Surroundings look(ChildPlace& place) {
  Surroundings now;
  now.mxcsr = ::_mm_getcsr() & ~0x3fu;  // Without the sticky exception flags.
  __asm__ volatile("fnstcw %0" : "=m"(now.x87));
  now.locale = std::setlocale(LC_ALL, nullptr);
  std::array<char, 4096> folder{};
  if (::getcwd(folder.data(), folder.size()) != nullptr) now.folder = folder.data();
  now.printed = place.printed();
  for (int signal = 1; signal < kSignals; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    now.handlers.at(static_cast<std::size_t>(signal)) = {action.sa_handler, action.sa_flags};
  }
  return now;
}

std::string difference(const Surroundings& before, const Surroundings& after) {
  if (before.mxcsr != after.mxcsr) {
    return text("changes the floating-point mode (MXCSR 0x", std::hex, before.mxcsr, " to 0x",
                after.mxcsr, "); leave rounding and denormals as they are");
  }
  if (before.x87 != after.x87) {
    return text("changes the x87 control word (0x", std::hex, before.x87, " to 0x", after.x87,
                "); restore it");
  }
  if (before.locale != after.locale) {
    return text("changes the locale (", before.locale, " to ", after.locale,
                "); it belongs to the program");
  }
  if (before.folder != after.folder) {
    return text("changes the working directory (", before.folder, " to ", after.folder, ")");
  }
  for (std::size_t signal = 0; signal < before.handlers.size(); ++signal) {
    const Handler& was = before.handlers.at(signal);
    const Handler& is = after.handlers.at(signal);
    if (was.function == is.function && was.flags == is.flags) continue;
    return text("changes what happens at signal ", signal, " (SIG",
                ::sigabbrev_np(static_cast<int>(signal)), "); signals belong to the program");
  }
  if (before.printed != after.printed) {
    return text("prints ", after.printed - before.printed,
                " bytes to stdout or stderr; plugins speak through error->text");
  }
  return {};
}

// Looks around before and after every call; keeps the first thing it finds.
class Guest : public conformance::CallWatch {
 public:
  explicit Guest(ChildPlace& place) : place_(place) {}
  void before(const char* component, const char* function, const char* scalar) override {
    place_.before(component, function, scalar);
    function_ = function;
    before_ = look(place_);
  }
  void after() override {
    const Surroundings now = look(place_);
    ::_mm_setcsr(before_.mxcsr);  // The rest of the case is our arithmetic, too.
    const std::string found = difference(before_, now);
    if (!found.empty() && found_.empty()) found_ = function_ + ": " + found;
    place_.after();
  }
  [[nodiscard]] const std::string& found() const { return found_; }

 private:
  ChildPlace& place_;
  std::string function_;
  Surroundings before_;
  std::string found_;
};

template <class T>
void play_all(const CatalogueEntry& entry, Guest& guest) {
  const std::vector<std::vector<std::int64_t>> shapes = {{6, 5}, {37}, {1, 0, 4}};
  for (const conformance::Example& example : conformance::examples(entry.component)) {
    try {
      conformance::Live<T> live({&entry, &guest}, example);
      for (const std::int64_t cols : {7, 64}) {
        const bool loss = entry.component.kind == AESWEEP_LOSS;
        if (!live.plan({37, cols, loss ? cols : 5})) continue;
        for (const std::vector<std::int64_t>& shards : shapes) {
          conformance::Layout layout;
          layout.shards = shards;
          const conformance::Inputs inputs = conformance::make_inputs(live, layout.rows());
          static_cast<void>(conformance::run(live, inputs, layout));
        }
      }
    } catch (const conformance::Finding&) {
      continue;  // Another case's business; what it changed was seen.
    }
  }
}

// Failing calls have manners, too.
void play_failures(const CatalogueEntry& entry, Guest& guest) {
  for (const conformance::Case& which : conformance::cases()) {
    const std::string name = which.name;
    if (name != "parameters" && name != "exceptions" && name != "special-values") continue;
    static_cast<void>(conformance::run_case(which, {&entry, &guest}));
  }
}

}  // namespace

Verdict check_manners(const CatalogueEntry& entry, ChildPlace& place) {
  Guest guest(place);
  play_all<float>(entry, guest);
  play_all<double>(entry, guest);
  play_failures(entry, guest);
  if (!guest.found().empty()) return {Grade::kFail, guest.found(), "f32, f64"};
  if (place.printed() > 0) {
    return {Grade::kFail,
            text("loading the library prints ", place.printed(), " bytes to stdout or stderr"), ""};
  }
  return {Grade::kOk,
          place.printed() < 0
              ? "floating-point mode, locale, folder, signals untouched; output not looked at"
              : "floating-point mode, locale, folder, signals, stdout untouched by any call",
          "f32, f64"};
}

}  // namespace aesweep
