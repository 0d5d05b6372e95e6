// Cases about what is asked and answered: parameters, absurd requests, lives of instances.
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <thread>

#include "core/conformance/checks.hpp"
#include "core/conformance/compare.hpp"
#include "core/conformance/stopwatch.hpp"

namespace aesweep::conformance {
namespace {

// One attempt to create an instance that must fail.
struct Attempt {
  std::string what;  // "slope = -1, below its range"
  std::string name;  // The parameter that the text must name.
  std::vector<aesweep_parameter> parameters;
};

constexpr const char* kNoSuchWord = "no_such_word";

template <class F>
void add(std::vector<Attempt>& attempts, const Example& example, std::uint32_t i,
         const std::string& what, F change) {
  Attempt attempt{text(example.parameters[i].name, what), example.parameters[i].name,
                  example.parameters};
  change(attempt.parameters[i]);
  attempts.push_back(std::move(attempt));
}

void add_reals(std::vector<Attempt>& attempts, const Example& example, std::uint32_t i,
               const aesweep_parameter_info& info) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto real = [&](double value, const char* why) {
    add(attempts, example, i, text(" = ", format_real(value), why),
        [value](aesweep_parameter& p) { p.real = value; });
  };
  real(std::numeric_limits<double>::quiet_NaN(), "");
  real(kInfinity, "");
  real(-kInfinity, "");
  if (std::isfinite(info.minimum)) {
    const bool open = (info.flags & AESWEEP_ABOVE_MINIMUM) != 0;
    real(open ? info.minimum : std::nextafter(info.minimum, -kInfinity), ", below its range");
  }
  if (std::isfinite(info.maximum) && info.maximum < std::numeric_limits<double>::max()) {
    const bool open = (info.flags & AESWEEP_BELOW_MAXIMUM) != 0;
    real(open ? info.maximum : std::nextafter(info.maximum, kInfinity), ", above its range");
  }
}

void add_integers(std::vector<Attempt>& attempts, const Example& example, std::uint32_t i,
                  const aesweep_parameter_info& info) {
  const auto integer = [&](std::int64_t value, const char* why) {
    add(attempts, example, i, text(" = ", value, why),
        [value](aesweep_parameter& p) { p.integer = value; });
  };
  if (info.type == AESWEEP_BOOLEAN) {
    integer(2, ", no boolean");
    integer(-1, ", no boolean");
    return;
  }
  constexpr double kExact = 0x1p53;
  if (std::abs(info.minimum) < kExact) {
    const bool open = (info.flags & AESWEEP_ABOVE_MINIMUM) != 0;
    integer(static_cast<std::int64_t>(info.minimum) - (open ? 0 : 1), ", below its range");
  }
  if (std::abs(info.maximum) < kExact) {
    const bool open = (info.flags & AESWEEP_BELOW_MAXIMUM) != 0;
    integer(static_cast<std::int64_t>(info.maximum) + (open ? 0 : 1), ", above its range");
  }
}

void add_declared(std::vector<Attempt>& attempts, const Example& example, std::uint32_t i,
                  const aesweep_parameter_info& info) {
  Attempt missing{text(info.name, " left out"), info.name, example.parameters};
  missing.parameters.erase(missing.parameters.begin() + i);
  attempts.push_back(std::move(missing));
  Attempt twice{text(info.name, " given twice"), info.name, example.parameters};
  twice.parameters.push_back(twice.parameters[i]);
  attempts.push_back(std::move(twice));
  add(attempts, example, i, " of another type", [&](aesweep_parameter& p) {
    p.type = info.type == AESWEEP_REAL ? AESWEEP_INTEGER : AESWEEP_REAL;
  });
  if (info.type == AESWEEP_REAL) {
    add_reals(attempts, example, i, info);
  } else if (info.type == AESWEEP_CHOICE) {
    add(attempts, example, i, text(" = ", kNoSuchWord),
        [](aesweep_parameter& p) { p.text = kNoSuchWord; });
  } else if (info.type == AESWEEP_TEXT) {
    add(attempts, example, i, " = '', an empty name", [](aesweep_parameter& p) { p.text = ""; });
  } else {
    add_integers(attempts, example, i, info);
  }
}

std::vector<Attempt> wrong_parameters(const aesweep_component& component) {
  constexpr const char* kUnknown = "no_such_parameter";
  const Example example = default_example(component);
  std::vector<Attempt> attempts;
  Attempt unknown{text(kUnknown, " = 1, which is not declared"), kUnknown, example.parameters};
  aesweep_parameter parameter{};
  parameter.struct_size = sizeof parameter;
  parameter.type = AESWEEP_REAL;
  parameter.name = kUnknown;
  parameter.real = 1.0;
  unknown.parameters.push_back(parameter);
  attempts.push_back(std::move(unknown));
  for (std::uint32_t i = 0; i < component.parameter_count; ++i) {
    add_declared(attempts, example, i, parameter_info(component, i));
  }
  return attempts;
}

// An error buffer of a given capacity with marked bytes behind it.
class ErrorBuffer {
 public:
  explicit ErrorBuffer(std::uint32_t capacity) {
    bytes_.fill(kMark);
    error_ = {sizeof(aesweep_error), capacity, bytes_.data()};
  }
  [[nodiscard]] aesweep_error* get() { return &error_; }
  // The text, ended within the capacity; a Finding if it is not, or if bytes behind are written.
  [[nodiscard]] std::string checked_text() const {
    for (std::size_t i = error_.capacity; i < bytes_.size(); ++i) {
      if (bytes_[i] != kMark) {
        fail("the error text goes beyond its capacity of ", error_.capacity, " bytes");
      }
    }
    const auto end = std::find(bytes_.begin(), bytes_.begin() + error_.capacity, '\0');
    if (error_.capacity > 0 && end == bytes_.begin() + error_.capacity) {
      fail("the error text has no zero within its capacity of ", error_.capacity, " bytes");
    }
    return std::string(bytes_.begin(), end);
  }

 private:
  static constexpr char kMark = 0x5A;
  std::array<char, 512> bytes_{};
  aesweep_error error_{};
};

template <class T>
void require_refused(const Subject& subject, const Attempt& attempt) {
  const aesweep_lifecycle& lifecycle = *subject.entry->component.lifecycle[Abi<T>::kScalar];
  for (const std::uint32_t capacity : {500u, 0u, 1u, 8u}) {
    ErrorBuffer error(capacity);
    int untouched = 0;
    void* instance = &untouched;
    if (subject.watch != nullptr) {
      subject.watch->before(subject.entry->component.name, "create", scalar_name<T>());
    }
    const std::int32_t status = lifecycle.create(
        attempt.parameters.data(), static_cast<std::uint32_t>(attempt.parameters.size()), &instance,
        error.get());
    if (subject.watch != nullptr) subject.watch->after();
    if (status == AESWEEP_OK) {
      if (instance != &untouched) lifecycle.destroy(instance);
      fail("create accepts ", attempt.what, "; refuse it with AESWEEP_INVALID_PARAMETER");
    }
    const std::string reason = error.checked_text();
    if (instance != &untouched) fail("create fails for ", attempt.what, " but sets an instance");
    if (capacity < 500) continue;
    if (reason.empty()) fail("create refuses ", attempt.what, " without a text; say why");
    if (reason.find(attempt.name) == std::string::npos) {
      fail("create refuses ", attempt.what, " with a text that does not name ", attempt.name, ": '",
           reason, "'");
    }
  }
}

}  // namespace

template <class T>
std::string check_parameters(const Subject& subject) {
  const std::vector<Attempt> attempts = wrong_parameters(subject.entry->component);
  for (const Attempt& attempt : attempts) require_refused<T>(subject, attempt);
  return text(attempts.size(), attempts.size() == 1 ? " wrong set" : " wrong sets",
              " refused with text, within capacities 500, 8, 1, 0");
}

template <class T>
std::string check_absurd_plans(const Subject& subject) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLarge = std::int64_t{1} << 40;
  constexpr std::array<Shape, 9> kRequests = {{{5, 0, 5},
                                               {5, -1, 5},
                                               {5, kLarge, 5},
                                               {5, kMost, 5},
                                               {5, 7, 0},
                                               {5, 7, -1},
                                               {5, 7, kMost},
                                               {-1, 7, 5},
                                               {kMost, 7, 5}}};
  int refused = 0;
  for (const Shape& shape : kRequests) {
    Live<T> live(subject, default_example(subject.entry->component));
    aesweep_plan_request request{};
    request.struct_size = sizeof request;
    request.scalar = Abi<T>::kScalar;
    request.shard_rows_max = shape.rows_max;
    request.input_cols = shape.input_cols;
    request.target_cols = shape.target_cols;
    aesweep_plan plan{};
    plan.struct_size = sizeof plan;
    ErrorText error;
    const std::int32_t status =
        live.try_call("plan", error.members.value, live.lifecycle().plan, &request, &plan);
    if (status == AESWEEP_OK) continue;
    ++refused;
    if (error.str().empty()) {
      fail("plan for ", shape.rows_max, " rows of ", shape.input_cols, " columns and ",
           shape.target_cols, " target columns: ", status_text(status), " without a text; say why");
    }
  }
  return text("of ", kRequests.size(), " absurd plan requests ", refused,
              " are refused with text, none ends in an exception");
}

template <class T>
std::string check_instances(const Subject& subject) {
  const std::vector<Example> all = examples(subject.entry->component);
  Live<T> first(subject, all.front());
  plan_ordinary(first);
  const Inputs inputs = make_inputs(first, 9);
  Layout layout;
  layout.shards = {5, 4};
  const Outcome expected = run(first, inputs, layout);
  int others = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Example& example = all[all.size() - 1 - i];
    std::optional<Live<T>> second;
    try {
      second.emplace(subject, example);
      if (!plan_for(*second, first.shape().input_cols == 64 ? 16 : 64)) plan_ordinary(*second);
      (void)run(*second, make_inputs(*second, 6, 30), Layout{.shards = {6}});
      ++others;
    } catch (const Finding&) {
      continue;  // Another case's business.
    }
    const std::string difference = first_difference(expected, run(first, inputs, layout));
    if (!difference.empty()) {
      fail("beside another instance", example.name.empty() ? "" : " with ", example.name,
           " and of another width, ", difference,
           "; keep what belongs to an instance in the instance");
    }
  }
  return text("the same bits beside ", others, others == 1 ? " other" : " others");
}

namespace {

// Bytes in use by the allocator's own account, once `body` has run in a thread of its own: what the
// allocator keeps for a thread's reuse counts as used until the thread ends.
template <class Body>
std::size_t bytes_after(const Body& body) {
  std::optional<Finding> found;
  std::thread thread([&] {
    try {
      body();
    } catch (const Finding& finding) {
      found = finding;
    }
  });
  thread.join();
  if (found) throw Finding(*found);
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

template <class T>
std::string check_lifecycle(const Subject& subject) {
  constexpr int kWarmUp = 20;
  constexpr int kLives = 1000;
  constexpr int kCalls = 100;
  // Of one leaked allocation, at least.
  constexpr std::size_t kLeastBytes = 16;
  const Example example = default_example(subject.entry->component);
  const auto live_times = [&](int times) {
    for (int i = 0; i < times; ++i) {
      Live<T> live(subject, example);
      plan_ordinary(live);
    }
  };
  Live<T> live(subject, example);
  plan_ordinary(live);
  const Inputs inputs = make_inputs(live, 5);
  const Layout layout = {.shards = {5}};
  const auto play_times = [&](int times) {
    for (int i = 0; i < times; ++i) (void)run(live, inputs, layout);
  };
  const std::size_t before = bytes_after([&] {
    live_times(kWarmUp);
    play_times(kWarmUp);
  });
  const std::size_t lives = bytes_after([&] { live_times(kLives); });
  const std::size_t calls = bytes_after([&] { play_times(kCalls); });
  if (before == 0) {
    return text(kLives, " instances; this allocator counts no bytes, its own leak check must");
  }
  if (lives >= before + kLives * kLeastBytes) {
    fail(kLives, " times create, plan and destroy leave ", lives - before,
         " bytes behind; free in destroy what create and plan allocate");
  }
  if (calls >= lives + kCalls * kLeastBytes) {
    fail("playing a batch ", kCalls, " times leaves ", calls - lives,
         " bytes behind; calls own nothing that outlives them");
  }
  return text(kLives, " instances and ", kCalls, " batches leave nothing behind");
}

namespace {

// Bytes per second of copying `bytes`, the best of a few.
double copy_rate(std::size_t bytes) {
  std::vector<unsigned char> from(bytes, 1);
  std::vector<unsigned char> to(bytes);
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    std::memcpy(to.data(), from.data(), bytes);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    least = std::min(least, seconds);
    from[static_cast<std::size_t>(i)] = to[bytes - 1];  // The copy has a use.
  }
  return static_cast<double>(bytes) / least;
}

}  // namespace

std::string check_throughput(const Subject& subject) {
  constexpr std::int64_t kRows = 128;
  constexpr std::int64_t kCols = 512;
  constexpr int kRepeats = 3;
  Stopwatch watch(subject.watch);
  Live<float> live({subject.entry, &watch}, default_example(subject.entry->component));
  if (!plan_for(live, kCols, kRows)) plan_ordinary(live);
  const std::int64_t rows = std::min(kRows, live.shape().rows_max);
  const Inputs inputs = make_inputs(live, rows);
  const Layout layout = {.shards = {rows}};
  double least = std::numeric_limits<double>::infinity();
  std::size_t numbers = 0;
  for (int i = 0; i < kRepeats; ++i) {
    watch.restart();
    const Outcome outcome = run(live, inputs, layout);
    least = std::min(least, watch.seconds());
    numbers = 0;
    for (const Piece& piece : outcome) numbers += piece.values.size();
  }
  for (const Piece& piece : inputs.batch) numbers += piece.values.size();
  const std::size_t bytes = numbers * sizeof(float);
  constexpr double kGiga = 1e9;
  return text(static_cast<double>(bytes) / least / kGiga, " GB/s in and out over all calls of a ",
              rows, " x ", live.shape().input_cols, " batch; a copy of as many bytes ",
              copy_rate(bytes) / kGiga, " GB/s");
}

#define AESWEEP_INSTANTIATE(check)                   \
  template std::string check<float>(const Subject&); \
  template std::string check<double>(const Subject&)
AESWEEP_INSTANTIATE(check_parameters);
AESWEEP_INSTANTIATE(check_absurd_plans);
AESWEEP_INSTANTIATE(check_instances);
AESWEEP_INSTANTIATE(check_lifecycle);
#undef AESWEEP_INSTANTIATE

}  // namespace aesweep::conformance
