#include "core/conformance/purity.hpp"

#include <exception>
#include <optional>
#include <thread>
#include <vector>

#include "core/conformance/compare.hpp"
#include "core/conformance/purity_check.hpp"
#include "core/conformance/scene.hpp"

namespace aesweep {
namespace conformance {
namespace {

constexpr std::int64_t kRows = 11;

Layout base_layout() {
  Layout layout;
  layout.shards = {6, 5};
  return layout;
}

// The same arguments elsewhere: one element off the line, other garbage in scratch memory.
Layout moved_layout() {
  Layout layout = base_layout();
  layout.offset = 1;
  layout.garbage = 0xFF;  // NaN in both precisions.
  return layout;
}

// Widths that an ordinary component takes; the first that this one takes.
template <class T>
bool plan_for_purity(Live<T>& live) {
  const bool loss = live.component().kind == AESWEEP_LOSS;
  for (const std::int64_t cols : {37, 7, 64, 8, 1}) {
    if (live.plan({kRows, cols, loss ? cols : 5})) return true;
  }
  return false;
}

// Two threads at once on one instance, with different numbers; what thread 0 got.
template <class T>
std::string threads_difference(const Live<T>& live, const Inputs& inputs, const Inputs& others,
                               const Outcome& expected, const Outcome& expected_others) {
  constexpr int kRepeats = 3;
  std::vector<std::string> found(2);
  const auto repeat = [&](const Inputs& mine, const Outcome& mine_expected, std::string& out) {
    for (int i = 0; i < kRepeats && out.empty(); ++i) {
      try {
        out = first_difference(mine_expected, run(live, mine, base_layout()));
      } catch (const Finding& finding) {
        out = finding.text;
      }
    }
  };
  std::thread other([&] { repeat(others, expected_others, found[1]); });
  repeat(inputs, expected, found[0]);
  other.join();
  return found[0].empty() ? found[1] : found[0];
}

template <class T>
std::string thread_difference(const Live<T>& live, const Inputs& inputs, const Outcome& expected) {
  std::string found;
  std::thread other([&] {
    try {
      found = first_difference(expected, run(live, inputs, base_layout()));
    } catch (const Finding& finding) {
      found = finding.text;
    }
  });
  other.join();
  return found;
}

std::string named(const char* what, const std::string& difference) {
  return difference.empty() ? difference : text(what, ": ", difference);
}

template <class T>
std::string impurity_of(const Subject& subject, const Example& example) {
  Live<T> live(subject, example);
  if (!plan_for_purity(live)) return {};
  const Inputs inputs = make_inputs(live, kRows, 1);
  const Inputs others = make_inputs(live, kRows, 50);
  const Outcome expected = run(live, inputs, base_layout());
  const auto again = [&](const char* what, const Live<T>& on, const Layout& layout) {
    return named(what, first_difference(expected, run(on, inputs, layout)));
  };
  std::string found = again("the same shard again", live, base_layout());
  if (!found.empty()) return found;
  const Outcome expected_others = run(live, others, base_layout());
  found = again("the same shard after another", live, base_layout());
  if (!found.empty()) return found;
  found = again("the same shard at another address", live, moved_layout());
  if (!found.empty()) return found;
  Live<T> second(subject, example);
  if (!second.plan(live.shape())) return "a second instance refuses what the first one took";
  found = again("the same shard on another instance", second, base_layout());
  if (!found.empty()) return found;
  found = named("the same shard in another thread", thread_difference(live, inputs, expected));
  if (!found.empty()) return found;
  return named("two threads at once",
               threads_difference(live, inputs, others, expected, expected_others));
}

template <class T>
std::string impurity(const Subject& subject) {
  for (const Example& example : examples(subject.entry->component)) {
    std::string found;
    try {
      found = impurity_of<T>(subject, example);
    } catch (const Finding&) {
      continue;  // It does not run: other cases say so.
    }
    if (found.empty()) continue;
    return text(scalar_name<T>(), example.name.empty() ? "" : " with ", example.name, ": ", found);
  }
  return {};
}

}  // namespace

std::string impurity(const Subject& subject) {
  const std::string single = impurity<float>(subject);
  return single.empty() ? impurity<double>(subject) : single;
}

}  // namespace conformance

PurityVerdict check_purity(const CatalogueEntry& entry) {
  try {
    return {conformance::impurity({&entry, nullptr})};
  } catch (const std::exception&) {  // Out of memory or threads: says nothing about the component.
    return {};
  }
}

}  // namespace aesweep
