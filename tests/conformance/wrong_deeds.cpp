// Components that do something to the process, or to the time of a case, and right ones that look
// suspicious: `many`, with more parameters than can be differenced one by one, and `fast_sine`.
// conformance_test.cpp has a row for each.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <thread>

#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;
using sdk::ConstMatrix;
using sdk::Context;
using sdk::Matrix;
using sdk::Memory;

constexpr sdk::Info named(const char* name) {
  return {.name = name, .summary = "wrong", .flags = AESWEEP_ELEMENTWISE};
}

// y = f(x), element by element, after Derived::act().
template <class Real, class Derived>
class Mapped {
 public:
  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    Derived::act();
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        sdk::row(y, i)[j] = static_cast<Real>(Derived::f(static_cast<double>(sdk::row(x, i)[j])));
      }
    }
  }
  void backward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        const double slope = Derived::slope(static_cast<double>(sdk::row(x, i)[j]));
        sdk::row(*dx, i)[j] = sdk::row(dy, i)[j] * static_cast<Real>(slope);
      }
    }
  }
  static void act() {}
  static double f(double x) { return x; }
  static double slope(double) { return 1.0; }
};

// Closes the line to the checker and never returns.
template <class Real>
struct Closes : Mapped<Real, Closes<Real>> {
  static constexpr sdk::Info kInfo = named("closes");
  static void act() {
    for (int i = 3; i < 200; ++i) ::close(i);
    for (;;) ::sleep(1);
  }
};

template <class Real>
struct Slow : Mapped<Real, Slow<Real>> {
  static constexpr sdk::Info kInfo = named("slow");
  static void act() { std::this_thread::sleep_for(std::chrono::milliseconds(8)); }
};

// One process per case and precision, out of its group.
template <class Real>
struct Forks : Mapped<Real, Forks<Real>> {
  static constexpr sdk::Info kInfo = named("forks");
  static void act() {
    static pid_t forked_by = 0;
    if (forked_by == ::getpid()) return;
    forked_by = ::getpid();
    if (::fork() != 0) return;
    ::setsid();
    ::sleep(300);
    ::_exit(0);
  }
};

template <class Real>
struct Threads : Mapped<Real, Threads<Real>> {
  static constexpr sdk::Info kInfo = named("threads");
  static void act() {
    static int started = 0;
    if (started++ == 0) std::thread([] { ::sleep(300); }).detach();
  }
};

template <class Real>
struct TakesSignal : Mapped<Real, TakesSignal<Real>> {
  static constexpr sdk::Info kInfo = named("takes_signal");
  static void act() { std::signal(SIGSEGV, SIG_IGN); }
};

template <class Real>
struct Root : Mapped<Real, Root<Real>> {
  static constexpr sdk::Info kInfo = named("root");
  static double f(double x) { return std::sqrt(x); }
  static double slope(double x) { return 0.5 / std::sqrt(x); }
};

template <class Real>
struct FastSine : Mapped<Real, FastSine<Real>> {
  static constexpr sdk::Info kInfo = named("fast_sine");
  static double f(double x) { return std::sin(100 * x); }
  static double slope(double x) { return 100 * std::cos(100 * x); }
};

template <class Real>
struct Swings : Mapped<Real, Swings<Real>> {
  static constexpr sdk::Info kInfo = named("swings");
  static double f(double x) { return std::sin(1e6 * x); }
  static double slope(double x) { return 1e6 * std::cos(1e6 * x); }
};

// y = x mean(table): `many` is right, `one_wrong` is not.
template <class Real, class Derived>
class Table {
 public:
  void plan(const sdk::Request&, sdk::Plan& plan) const {
    plan.learned("table", kRows, kCols, {AESWEEP_INIT_CONSTANT, 1.0});
  }
  void forward(const Context&, const Memory<Real>& memory, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    const double m = mean(memory);
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        sdk::row(y, i)[j] = static_cast<Real>(static_cast<double>(sdk::row(x, i)[j]) * m);
      }
    }
  }
  void backward(const Context&, const Memory<Real>& memory, const ConstMatrix<Real>& x,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    const double m = mean(memory);
    double sum = 0.0;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        const auto given = static_cast<double>(sdk::row(dy, i)[j]);
        if (dx != nullptr) sdk::row(*dx, i)[j] = static_cast<Real>(given * m);
        sum += given * static_cast<double>(sdk::row(x, i)[j]);
      }
    }
    for (std::int64_t k = 0; k < kSize; ++k) {
      memory.gradients[0][k] = static_cast<Real>(Derived::share(k) * sum / kSize);
    }
  }

 protected:
  static constexpr std::int64_t kRows = 500;
  static constexpr std::int64_t kCols = 40;
  static constexpr std::int64_t kSize = kRows * kCols;
  static double mean(const Memory<Real>& memory) {
    double sum = 0.0;
    for (std::int64_t k = 0; k < kSize; ++k) sum += static_cast<double>(memory.parameters[0][k]);
    return sum / kSize;
  }
};

template <class Real>
struct Many : Table<Real, Many<Real>> {
  static constexpr sdk::Info kInfo = {.name = "many", .summary = "right"};
  static double share(std::int64_t) { return 1.0; }
};

// At one place alone, which no sample need meet.
template <class Real>
struct OneWrong : Table<Real, OneWrong<Real>> {
  static constexpr sdk::Info kInfo = {.name = "one_wrong", .summary = "wrong"};
  static double share(std::int64_t k) { return k == 12345 ? 1000.0 : 1.0; }
};

template <class Real>
struct BreaksLines : Mapped<Real, BreaksLines<Real>> {
  static constexpr sdk::Info kInfo = named("breaks_lines");
};

template <class Real>
struct Ascends {
  static constexpr sdk::Info kInfo = {
      .name = "ascends", .summary = "wrong", .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  void update(const Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const*) const {
    for (std::uint64_t k = 0; k < block.count; ++k) {
      w[k] += static_cast<Real>(0.01 * context.rate_factor) * gradient[k];
    }
  }
};

template <class Real>
struct OnBlocks {
  double on_parameter_block(const Context&, const sdk::Block& block, const Real* w,
                            Real* gradient) const {
    double sum = 0.0;
    for (std::uint64_t k = 0; k < block.count; ++k) {
      sum += 0.5 * static_cast<double>(w[k]) * static_cast<double>(w[k]);
      if (gradient != nullptr) gradient[k] += w[k];
    }
    return sum;
  }
};

template <class Real>
struct Blind : OnBlocks<Real> {
  static constexpr sdk::Info kInfo = {
      .name = "blind", .summary = "wrong", .views = AESWEEP_VIEW_OUTPUT};
};

template <class Real>
struct Unread : OnBlocks<Real> {
  static constexpr sdk::Info kInfo = {.name = "unread", .summary = "wrong"};
  void plan(const sdk::Request&, sdk::Plan& plan) const {
    plan.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, 1);
  }
};

template <int scalar>
std::int32_t refuse_in_lines(const aesweep_parameter* given, std::uint32_t count, void** instance,
                             aesweep_error* error) {
  const aesweep_lifecycle& right = *sdk::activation<BreaksLines>()->lifecycle[scalar];
  const std::int32_t status = right.create(given, count, instance, error);
  if (status == AESWEEP_OK) return status;
  return sdk::detail::report(error, AESWEEP_INVALID_PARAMETER,
                             "one\ntwo\tthree\x04"
                             "four");
}

struct InLines {
  InLines()
      : component(*sdk::activation<BreaksLines>()),
        lifecycle{*component.lifecycle[0], *component.lifecycle[1]} {
    lifecycle[0].create = &refuse_in_lines<0>;
    lifecycle[1].create = &refuse_in_lines<1>;
    component.lifecycle[0] = &lifecycle[0];
    component.lifecycle[1] = &lifecycle[1];
  }
  aesweep_component component;
  aesweep_lifecycle lifecycle[2];
};
const InLines kInLines;

}  // namespace

AESWEEP_EXPORT_PLUGIN("wrong_deeds", "1.0", sdk::activation<Closes>(), sdk::activation<Slow>(),
                      sdk::activation<Forks>(), sdk::activation<Threads>(),
                      sdk::activation<TakesSignal>(), sdk::activation<Root>(),
                      sdk::activation<FastSine>(), sdk::activation<Swings>(), sdk::layer<Many>(),
                      sdk::layer<OneWrong>(), sdk::optimizer<Ascends>(), sdk::regularizer<Blind>(),
                      sdk::regularizer<Unread>(), &kInLines.component);
