// Components that are each wrong in one way, and one, `right`, that is not: what the conformance
// cases must find. conformance_test.cpp has a row for each.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <thread>

#include "core/sdk/philox.hpp"
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;
using sdk::ConstMatrix;
using sdk::Context;
using sdk::Matrix;
using sdk::Memory;

constexpr aesweep_parameter_info kSlope[] = {
    sdk::real("slope", "Factor", 0.5, sdk::between(-1, 1))};

// y = slope x^2 + x, element by element: what the wrong ones spoil.
template <class Real>
class Right {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "right", .summary = "y = slope x^2 + x", .flags = AESWEEP_ELEMENTWISE};
  static constexpr auto& kParameters = kSlope;
  explicit Right(const sdk::Parameters& p) : slope_(static_cast<Real>(p.real("slope"))) {}

  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) sdk::row(y, i)[j] = value(sdk::row(x, i)[j]);
    }
  }
  void backward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        sdk::row(*dx, i)[j] = sdk::row(dy, i)[j] * derivative(sdk::row(x, i)[j]);
      }
    }
  }

 protected:
  [[nodiscard]] Real value(Real x) const { return slope_ * x * x + x; }
  [[nodiscard]] Real derivative(Real x) const { return 2 * slope_ * x + 1; }
  Real slope_;
};

// What forward was called with.
template <class Real>
struct Call {
  const Context& context;
  const Memory<Real>& memory;
  const ConstMatrix<Real>& x;
  const Matrix<Real>& y;
};

// Right, and what Derived::spoil makes of it after each forward.
template <class Real, class Derived>
class Spoilt : public Right<Real> {
 public:
  using Right<Real>::Right;
  void forward(const Context& context, const Memory<Real>& memory, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    Right<Real>::forward(context, memory, x, y);
    if (x.rows > 0) Derived::spoil(Call<Real>{context, memory, x, y});
  }
};

constexpr sdk::Info wrong(const char* name, std::uint32_t flags) {
  return {.name = name, .summary = "wrong", .flags = flags};
}

// --- Memory ---

template <class Real>
struct ReadsPadding : Spoilt<Real, ReadsPadding<Real>> {
  static constexpr sdk::Info kInfo = wrong("reads_padding", 0);
  using Spoilt<Real, ReadsPadding>::Spoilt;
  static void spoil(const Call<Real>& c) {
    if (c.x.rows > 1) c.y.data[0] += 0 * c.x.data[c.x.row_stride - 1];
  }
};

template <class Real>
struct WritesPadding : Spoilt<Real, WritesPadding<Real>> {
  static constexpr sdk::Info kInfo = wrong("writes_padding", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, WritesPadding>::Spoilt;
  static void spoil(const Call<Real>& c) {
    if (c.x.rows > 1) c.y.data[c.y.row_stride - 1] = 0;
  }
};

template <class Real>
struct WritesBehind : Spoilt<Real, WritesBehind<Real>> {
  static constexpr sdk::Info kInfo = wrong("writes_behind", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, WritesBehind>::Spoilt;
  static void spoil(const Call<Real>& c) { sdk::row(c.y, c.y.rows - 1)[c.y.row_stride] = 0; }
};

template <class Real>
struct ChangesInput : Spoilt<Real, ChangesInput<Real>> {
  static constexpr sdk::Info kInfo = wrong("changes_input", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, ChangesInput>::Spoilt;
  static void spoil(const Call<Real>& c) {
    if (c.x.rows > 0) const_cast<Real*>(c.x.data)[0] = 0;
  }
};

template <class Real>
struct WritesNothing : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("writes_nothing", AESWEEP_ELEMENTWISE);
  using Right<Real>::Right;
  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>&,
               const Matrix<Real>&) const {}
};

template <class Real>
struct OverrunsWorkspace : Spoilt<Real, OverrunsWorkspace<Real>> {
  static constexpr sdk::Info kInfo = wrong("overruns_workspace", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, OverrunsWorkspace>::Spoilt;
  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.workspace_bytes = 16; }
  static void spoil(const Call<Real>& c) { static_cast<char*>(c.memory.workspace)[16] = 0; }
};

template <class Real>
struct NeedsAlignment : Spoilt<Real, NeedsAlignment<Real>> {
  static constexpr sdk::Info kInfo = wrong("needs_alignment", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, NeedsAlignment>::Spoilt;
  static void spoil(const Call<Real>& c) {
    if (reinterpret_cast<std::uintptr_t>(c.x.data) % 64 != 0) c.y.data[0] += 1;
  }
};

template <class Real>
struct ChangesBuffer : Spoilt<Real, ChangesBuffer<Real>> {
  static constexpr sdk::Info kInfo = wrong("changes_buffer", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, ChangesBuffer>::Spoilt;
  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.buffer("calls", 1, 1, {}); }
  static void spoil(const Call<Real>& c) { c.memory.buffers[0][0] += 1; }
};

// --- Splits ---

template <class Real>
struct UsesShardRows : Spoilt<Real, UsesShardRows<Real>> {
  static constexpr sdk::Info kInfo = wrong("uses_shard_rows", 0);
  using Spoilt<Real, UsesShardRows>::Spoilt;
  static void spoil(const Call<Real>& c) {
    c.y.data[0] += Real(1) / static_cast<Real>(c.context.shard_rows);
  }
};

template <class Real>
struct Neighbours : Spoilt<Real, Neighbours<Real>> {
  static constexpr sdk::Info kInfo = wrong("neighbours", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, Neighbours>::Spoilt;
  static void spoil(const Call<Real>& c) {
    if (c.y.rows > 1) c.y.data[0] += sdk::row(c.x, c.y.rows - 1)[0];
  }
};

template <class Real>
struct NeighboursToTheRight : Spoilt<Real, NeighboursToTheRight<Real>> {
  static constexpr sdk::Info kInfo = wrong("neighbours_to_the_right", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, NeighboursToTheRight>::Spoilt;
  static void spoil(const Call<Real>& c) {
    for (std::int64_t i = 0; i < c.y.rows; ++i) {
      for (std::int64_t j = 0; j + 1 < c.y.cols; ++j)
        sdk::row(c.y, i)[j] += sdk::row(c.x, i)[j + 1];
    }
  }
};

// The mean over a shard instead of the batch, whose sum it has.
template <class Real>
struct ShardMean : Spoilt<Real, ShardMean<Real>> {
  static constexpr sdk::Info kInfo = wrong("shard_mean", 0);
  using Spoilt<Real, ShardMean>::Spoilt;
  void plan(const sdk::Request&, sdk::Plan& plan) const {
    plan.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, 1);
  }
  void accumulate(const Context&, std::uint32_t, const Memory<Real>& memory,
                  const ConstMatrix<Real>& x, const ConstMatrix<Real>*) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      memory.statistic[0] += static_cast<double>(sdk::row(x, i)[0]);
    }
  }
  static void spoil(const Call<Real>& c) {
    const Real mean =
        static_cast<Real>(c.memory.statistics[0][0] / static_cast<double>(c.context.shard_rows));
    for (std::int64_t i = 0; i < c.y.rows; ++i) sdk::row(c.y, i)[0] += mean;
  }
};

// --- Randomness ---

template <class Real>
Real draw(const Context& context, std::uint64_t row) {
  return aesweep::uniform_float(aesweep::philox(aesweep::stream_key(context.stream, 1),
                                                aesweep::batch_counter(context.step, row, 0))[0]);
}

template <class Real>
struct SecretNoise : Spoilt<Real, SecretNoise<Real>> {
  static constexpr sdk::Info kInfo = wrong("secret_noise", 0);
  using Spoilt<Real, SecretNoise>::Spoilt;
  static void spoil(const Call<Real>& c) {
    for (std::int64_t i = 0; i < c.y.rows; ++i)
      sdk::row(c.y, i)[0] +=
          draw<Real>(c.context, c.context.first_row + static_cast<std::uint64_t>(i));
  }
};

template <class Real>
struct LocalNoise : Spoilt<Real, LocalNoise<Real>> {
  static constexpr sdk::Info kInfo = wrong("local_noise", AESWEEP_RANDOM);
  using Spoilt<Real, LocalNoise>::Spoilt;
  static void spoil(const Call<Real>& c) {
    for (std::int64_t i = 0; i < c.y.rows; ++i)
      sdk::row(c.y, i)[0] += draw<Real>(c.context, static_cast<std::uint64_t>(i));
  }
};

template <class Real>
struct DeclaredNoise : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("declared_noise", AESWEEP_ELEMENTWISE | AESWEEP_RANDOM);
  using Right<Real>::Right;
};

// --- Gradients ---

template <class Real>
struct Steps : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("steps", AESWEEP_ELEMENTWISE);
  using Right<Real>::Right;
  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) sdk::row(y, i)[j] = std::floor(sdk::row(x, i)[j]);
    }
  }
};

template <class Real>
struct NotLinear : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("not_linear", AESWEEP_ELEMENTWISE | AESWEEP_SURROGATE);
  using Right<Real>::Right;
  void backward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    if (dx == nullptr) return;
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        sdk::row(*dx, i)[j] = sdk::row(dy, i)[j] > 0 ? Real(1) : Real(-1);
      }
    }
  }
};

// y = x + threshold; the threshold's gradient is that of one row only.
template <class Real>
struct WrongParameter : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("wrong_parameter", 0);
  using Right<Real>::Right;
  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.learned("threshold", 1, request.input_cols, {});
  }
  void forward(const Context&, const Memory<Real>& memory, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        sdk::row(y, i)[j] = sdk::row(x, i)[j] + memory.parameters[0][j];
      }
    }
  }
  void backward(const Context&, const Memory<Real>& memory, const ConstMatrix<Real>& x,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    for (std::int64_t j = 0; j < x.cols; ++j) {
      memory.gradients[0][j] = x.rows > 0 ? sdk::row(dy, 0)[j] : Real(0);
    }
    for (std::int64_t i = 0; dx != nullptr && i < x.rows; ++i) {
      std::copy_n(sdk::row(dy, i), x.cols, sdk::row(*dx, i));
    }
  }
};

// y = x - mean over the batch, whose derivative backward forgets.
template <class Real>
struct ForgetsBatch : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("forgets_batch", 0);
  using Right<Real>::Right;
  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.round(AESWEEP_BEFORE_FORWARD, AESWEEP_SUM, request.input_cols);
  }
  void accumulate(const Context&, std::uint32_t, const Memory<Real>& memory,
                  const ConstMatrix<Real>& x, const ConstMatrix<Real>*) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        memory.statistic[j] += static_cast<double>(sdk::row(x, i)[j]);
      }
    }
  }
  void forward(const Context& context, const Memory<Real>& memory, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) {
        const double mean = memory.statistics[0][j] / static_cast<double>(context.batch_rows);
        sdk::row(y, i)[j] = static_cast<Real>(static_cast<double>(sdk::row(x, i)[j]) - mean);
      }
    }
  }
  void backward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    for (std::int64_t i = 0; dx != nullptr && i < x.rows; ++i) {
      std::copy_n(sdk::row(dy, i), x.cols, sdk::row(*dx, i));
    }
  }
};

// --- Numbers ---

// Loses the last bits in single precision.
template <class Real>
struct Coarse : Spoilt<Real, Coarse<Real>> {
  static constexpr sdk::Info kInfo = wrong("coarse", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, Coarse>::Spoilt;
  static void spoil(const Call<Real>& c) {
    if (sizeof(Real) == 4) {
      for (std::int64_t j = 0; j < c.y.cols; ++j) {
        c.y.data[j] = std::nearbyint(c.y.data[j] * Real(256)) / Real(256);
      }
    }
  }
};

template <class Real>
struct LateNan : Spoilt<Real, LateNan<Real>> {
  static constexpr sdk::Info kInfo = wrong("late_nan", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, LateNan>::Spoilt;
  static void spoil(const Call<Real>& c) {
    if (c.context.step == 9) c.y.data[0] = std::numeric_limits<Real>::quiet_NaN();
  }
};

template <class Real>
struct RefusesNan : Spoilt<Real, RefusesNan<Real>> {
  static constexpr sdk::Info kInfo = wrong("refuses_nan", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, RefusesNan>::Spoilt;
  static void spoil(const Call<Real>& c) {
    sdk::require(c.y.data[0] == c.y.data[0], AESWEEP_INTERNAL, "a NaN");
  }
};

template <class Real>
struct HidesNan : Spoilt<Real, HidesNan<Real>> {
  static constexpr sdk::Info kInfo = wrong("hides_nan", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, HidesNan>::Spoilt;
  static void spoil(const Call<Real>& c) {
    for (std::int64_t j = 0; j < c.y.cols; ++j) {
      if (c.y.data[j] != c.y.data[j]) c.y.data[j] = 0;
    }
  }
};

template <class Real>
struct ReadsX : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("reads_x", AESWEEP_ELEMENTWISE | AESWEEP_IN_PLACE);
  using Right<Real>::Right;
};

// y = 3 x, but in two passes over x.
template <class Real>
struct TwoPasses : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("two_passes", AESWEEP_ELEMENTWISE | AESWEEP_IN_PLACE);
  using Right<Real>::Right;
  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) sdk::row(y, i)[j] = 2 * sdk::row(x, i)[j];
      for (std::int64_t j = 0; j < x.cols; ++j) sdk::row(y, i)[j] += sdk::row(x, i)[j];
    }
  }
  void backward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    for (std::int64_t i = 0; dx != nullptr && i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) sdk::row(*dx, i)[j] = 3 * sdk::row(dy, i)[j];
    }
  }
};

// --- Active sets: the first two elements of each row ---

template <class Real>
struct FirstTwo : Right<Real> {
  using Right<Real>::Right;
  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    sdk::require(request.input_cols >= 2, AESWEEP_INVALID_SHAPE, "needs two columns");
    plan.active_per_row = 2;
  }
  void fill(const ConstMatrix<Real>& x, const Matrix<Real>& y, std::int32_t first,
            std::int32_t second, Real added) const {
    for (std::int64_t i = 0; i < x.rows; ++i) {
      std::fill_n(sdk::row(y, i), y.cols, Real(0));
      y.active->row_offsets[i] = 2 * i;
      y.active->columns[2 * i] = first;
      y.active->columns[2 * i + 1] = second;
      for (std::int64_t e = 2 * i; e < 2 * i + 2; ++e) {
        const std::int32_t column = y.active->columns[e];
        sdk::row(y, i)[column] = sdk::row(x, i)[column];
        y.active->values[e] = sdk::row(x, i)[column] + added;
      }
    }
    y.active->row_offsets[x.rows] = 2 * x.rows;
  }
};

template <class Real>
struct FallingColumns : FirstTwo<Real> {
  static constexpr sdk::Info kInfo = wrong("falling_columns", 0);
  using FirstTwo<Real>::FirstTwo;
  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    this->fill(x, y, 1, 0, Real(0));
  }
};

template <class Real>
struct OtherValues : FirstTwo<Real> {
  static constexpr sdk::Info kInfo = wrong("other_values", 0);
  using FirstTwo<Real>::FirstTwo;
  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    this->fill(x, y, 0, 1, Real(1));
  }
};

// --- Purity and instances ---

template <class Real>
struct CountsCalls : Spoilt<Real, CountsCalls<Real>> {
  static constexpr sdk::Info kInfo = wrong("counts_calls", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, CountsCalls>::Spoilt;
  static void spoil(const Call<Real>& c) {
    static int calls = 0;
    c.y.data[0] += static_cast<Real>(++calls);
  }
};

template <class Real>
struct ReadsGarbage : Spoilt<Real, ReadsGarbage<Real>> {
  static constexpr sdk::Info kInfo = wrong("reads_garbage", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, ReadsGarbage>::Spoilt;
  void plan(const sdk::Request&, sdk::Plan& plan) const { plan.workspace_bytes = 64; }
  static void spoil(const Call<Real>& c) {
    c.y.data[0] += static_cast<const unsigned char*>(c.memory.workspace)[0];
  }
};

template <class Real>
struct ReadsOwnAddress : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("reads_own_address", AESWEEP_ELEMENTWISE);
  using Right<Real>::Right;
  void forward(const Context& context, const Memory<Real>& memory, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    Right<Real>::forward(context, memory, x, y);
    const auto address = reinterpret_cast<std::uintptr_t>(this) >> 4 & 0xFFFF;
    if (x.rows > 0) y.data[0] += static_cast<Real>(address);
  }
};

template <class Real>
struct ReadsThread : Spoilt<Real, ReadsThread<Real>> {
  static constexpr sdk::Info kInfo = wrong("reads_thread", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, ReadsThread>::Spoilt;
  static void spoil(const Call<Real>& c) {
    static const std::thread::id first = std::this_thread::get_id();
    if (std::this_thread::get_id() != first) c.y.data[0] += 1;
  }
};

// Finds its width in a variable of the library.
std::int64_t shared_width = 0;
template <class Real>
struct SharedWidth : Spoilt<Real, SharedWidth<Real>> {
  static constexpr sdk::Info kInfo = wrong("shared_width", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, SharedWidth>::Spoilt;
  void plan(const sdk::Request& request, sdk::Plan&) const { shared_width = request.input_cols; }
  static void spoil(const Call<Real>& c) { c.y.data[0] += static_cast<Real>(shared_width); }
};

// --- Lives, manners, ends ---

template <class Real>
struct Leaks : Right<Real> {
  static constexpr sdk::Info kInfo = wrong("leaks", AESWEEP_ELEMENTWISE);
  explicit Leaks(const sdk::Parameters& p) : Right<Real>(p) { lost = std::malloc(24); }
  void* lost = nullptr;
};

template <class Real>
struct LeaksCalls : Spoilt<Real, LeaksCalls<Real>> {
  static constexpr sdk::Info kInfo = wrong("leaks_calls", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, LeaksCalls>::Spoilt;
  static void spoil(const Call<Real>&) {
    static void* volatile lost;
    lost = std::malloc(24);
    static_cast<void>(lost);
  }
};

template <class Real>
struct SetsLocale : Spoilt<Real, SetsLocale<Real>> {
  static constexpr sdk::Info kInfo = wrong("sets_locale", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, SetsLocale>::Spoilt;
  static void spoil(const Call<Real>&) { std::setlocale(LC_NUMERIC, "C.UTF-8"); }
};

template <class Real>
struct ChangesFolder : Spoilt<Real, ChangesFolder<Real>> {
  static constexpr sdk::Info kInfo = wrong("changes_folder", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, ChangesFolder>::Spoilt;
  static void spoil(const Call<Real>&) { static_cast<void>(::chdir("/usr") == 0); }
};

template <class Real>
struct Single87 : Spoilt<Real, Single87<Real>> {
  static constexpr sdk::Info kInfo = wrong("single_x87", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, Single87>::Spoilt;
  static void spoil(const Call<Real>&) {
    const std::uint16_t word = 0x007F;
    __asm__ volatile("fldcw %0" : : "m"(word));
  }
};

template <class Real>
struct Crashes : Spoilt<Real, Crashes<Real>> {
  static constexpr sdk::Info kInfo = wrong("crashes", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, Crashes>::Spoilt;
  static void spoil(const Call<Real>&) { std::raise(SIGSEGV); }
};

template <class Real>
struct Exits : Spoilt<Real, Exits<Real>> {
  static constexpr sdk::Info kInfo = wrong("exits", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, Exits>::Spoilt;
  static void spoil(const Call<Real>&) { std::_Exit(0); }
};

template <class Real>
struct Hangs : Spoilt<Real, Hangs<Real>> {
  static constexpr sdk::Info kInfo = wrong("hangs", AESWEEP_ELEMENTWISE);
  using Spoilt<Real, Hangs>::Spoilt;
  static void spoil(const Call<Real>& c) {
    while (c.y.rows > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  }
};

// --- Other kinds ---

template <class Real>
struct Overwrites {
  static constexpr sdk::Info kInfo = {.name = "overwrites",
                                      .summary = "",
                                      .flags = AESWEEP_ELEMENTWISE,
                                      .views = AESWEEP_VIEW_OUTPUT};
  double on_activations(const Context&, const Memory<Real>&, const sdk::Views<Real>& views,
                        const Matrix<Real>* gradient) const {
    double sum = 0.0;
    for (std::int64_t i = 0; i < views.output.rows; ++i) {
      for (std::int64_t j = 0; j < views.output.cols; ++j) {
        const Real h = sdk::row(views.output, i)[j];
        sum += static_cast<double>(h * h);
        if (gradient != nullptr) sdk::row(*gradient, i)[j] = 2 * h;
      }
    }
    return sum;
  }
};

// The gradient of w^2 without its factor.
template <class Real>
struct WrongPenalty {
  static constexpr sdk::Info kInfo = {
      .name = "wrong_penalty", .summary = "", .flags = AESWEEP_ELEMENTWISE};
  double on_parameter_block(const Context&, const sdk::Block& block, const Real* w,
                            Real* gradient) const {
    double sum = 0.0;
    for (std::uint64_t i = 0; i < block.count; ++i) {
      sum += static_cast<double>(w[i]) * static_cast<double>(w[i]);
      if (gradient != nullptr) gradient[i] += w[i];
    }
    return sum;
  }
};

template <class Real>
struct WrongLoss {
  static constexpr sdk::Info kInfo = {.name = "wrong_loss", .summary = ""};
  double evaluate(const Context&, const Memory<Real>&, const ConstMatrix<Real>& p,
                  const ConstMatrix<Real>& t, const std::int32_t*,
                  const Matrix<Real>* gradient) const {
    double sum = 0.0;
    for (std::int64_t i = 0; i < p.rows; ++i) {
      for (std::int64_t j = 0; j < p.cols; ++j) {
        const Real d = sdk::row(p, i)[j] - sdk::row(t, i)[j];
        sum += static_cast<double>(d * d);
        if (gradient != nullptr) sdk::row(*gradient, i)[j] = d;
      }
    }
    return sum;
  }
};

// q = w^2 with the gradient of w.
template <class Real>
struct WrongQuantizer {
  static constexpr sdk::Info kInfo = {
      .name = "wrong_quantizer", .summary = "", .flags = AESWEEP_ELEMENTWISE};
  void quantize(const Context&, const sdk::Block& block, const Real* w, Real* q, void*) const {
    for (std::uint64_t i = 0; i < block.count; ++i) q[i] = w[i] * w[i];
  }
};

template <class Real>
struct Drifts {
  static constexpr sdk::Info kInfo = {
      .name = "drifts", .summary = "", .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  void update(const Context& context, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const*) const {
    const Real rate = static_cast<Real>(context.rate_factor);
    for (std::uint64_t i = 0; i < block.count; ++i) w[i] -= rate * (gradient[i] + Real(0.1));
  }
};

template <class Real>
struct IgnoresRate {
  static constexpr sdk::Info kInfo = {
      .name = "ignores_rate", .summary = "", .flags = AESWEEP_ELEMENTWISE | AESWEEP_BLOCKWISE};
  void update(const Context&, const sdk::Block& block, Real* w, const Real* gradient,
              Real* const*) const {
    for (std::uint64_t i = 0; i < block.count; ++i) w[i] -= Real(0.1) * gradient[i];
  }
};

// y = x, but x's entries are counted twice.
template <class Real>
struct CountsTwice {
  static constexpr sdk::Info kInfo = {.name = "counts_twice", .summary = ""};
  void forward(const Context&, const Memory<Real>&, const ConstMatrix<Real>& x,
               const Matrix<Real>& y) const {
    const Real factor = x.active != nullptr ? Real(2) : Real(1);
    for (std::int64_t i = 0; i < x.rows; ++i) {
      for (std::int64_t j = 0; j < x.cols; ++j) sdk::row(y, i)[j] = factor * sdk::row(x, i)[j];
    }
  }
  void backward(const Context&, const Memory<Real>&, const ConstMatrix<Real>&,
                const ConstMatrix<Real>&, const ConstMatrix<Real>& dy,
                const Matrix<Real>* dx) const {
    for (std::int64_t i = 0; dx != nullptr && i < dy.rows; ++i) {
      std::copy_n(sdk::row(dy, i), dy.cols, sdk::row(*dx, i));
    }
  }
};

// --- What the SDK would not let happen: Right with functions of its lifecycle replaced ---

using Create = std::int32_t (*)(const aesweep_parameter*, std::uint32_t, void**, aesweep_error*);
using PlanCall = std::int32_t (*)(void*, const aesweep_plan_request*, aesweep_plan*,
                                  aesweep_error*);

const aesweep_lifecycle& right(int scalar) { return *sdk::activation<Right>()->lifecycle[scalar]; }

struct Patched {
  // Per scalar; null: Right's own.
  Patched(const char* name, Create create32, Create create64, PlanCall plan32, PlanCall plan64)
      : component(*sdk::activation<Right>()), lifecycle{right(0), right(1)} {
    const Create creates[] = {create32, create64};
    const PlanCall plans[] = {plan32, plan64};
    component.name = name;
    for (int s = 0; s < 2; ++s) {
      if (creates[s] != nullptr) lifecycle[s].create = creates[s];
      if (plans[s] != nullptr) lifecycle[s].plan = plans[s];
      component.lifecycle[s] = &lifecycle[s];
    }
  }
  aesweep_component component;
  aesweep_lifecycle lifecycle[2];
};

template <int scalar>
std::int32_t accept_anything(const aesweep_parameter*, std::uint32_t, void** instance,
                             aesweep_error* error) {
  aesweep_parameter slope{};
  slope.struct_size = sizeof slope;
  slope.type = AESWEEP_REAL;
  slope.name = "slope";
  slope.real = 0.5;
  return right(scalar).create(&slope, 1, instance, error);
}

template <int scalar>
std::int32_t refuse_namelessly(const aesweep_parameter* given, std::uint32_t count, void** instance,
                               aesweep_error* error) {
  const std::int32_t status = right(scalar).create(given, count, instance, error);
  if (status != AESWEEP_OK) sdk::detail::report(error, AESWEEP_INVALID_PARAMETER, "no");
  return status;
}

template <int scalar>
std::int32_t refuse_at_length(const aesweep_parameter* given, std::uint32_t count, void** instance,
                              aesweep_error* error) {
  const std::int32_t status = right(scalar).create(given, count, instance, error);
  if (status != AESWEEP_OK) std::strcpy(error->text, "slope, no_such_parameter: no room asked");
  return status;
}

template <int scalar>
std::int32_t walk_by_own_size(const aesweep_parameter* given, std::uint32_t count, void** instance,
                              aesweep_error* error) {
  if (count > 0 && given->struct_size != sizeof(aesweep_parameter)) {
    return sdk::detail::report(error, AESWEEP_INVALID_PARAMETER, "slope: of another size");
  }
  return right(scalar).create(given, count, instance, error);
}

template <int scalar>
std::int32_t plan_throws(void* instance, const aesweep_plan_request* request, aesweep_plan* plan,
                         aesweep_error* error) {
  if (request->input_cols < 1) throw std::length_error("no columns");
  return right(scalar).plan(instance, request, plan, error);
}

template <int scalar>
std::int32_t plan_silently(void* instance, const aesweep_plan_request* request, aesweep_plan* plan,
                           aesweep_error* error) {
  if (request->input_cols < 1) return AESWEEP_INVALID_SHAPE;
  return right(scalar).plan(instance, request, plan, error);
}

const Patched kAcceptsAnything("accepts_anything", &accept_anything<0>, &accept_anything<1>,
                               nullptr, nullptr);
const Patched kNameless("nameless", &refuse_namelessly<0>, &refuse_namelessly<1>, nullptr, nullptr);
const Patched kAtLength("at_length", &refuse_at_length<0>, &refuse_at_length<1>, nullptr, nullptr);
const Patched kOwnSize("own_size", &walk_by_own_size<0>, &walk_by_own_size<1>, nullptr, nullptr);
const Patched kPlanThrows("plan_throws", nullptr, nullptr, &plan_throws<0>, &plan_throws<1>);
const Patched kPlanSilent("plan_silent", nullptr, nullptr, &plan_silently<0>, &plan_silently<1>);

}  // namespace

AESWEEP_EXPORT_PLUGIN(
    "wrong_components", "1.0", sdk::activation<Right>(), sdk::activation<ReadsPadding>(),
    sdk::activation<WritesPadding>(), sdk::activation<WritesBehind>(),
    sdk::activation<ChangesInput>(), sdk::activation<WritesNothing>(),
    sdk::activation<OverrunsWorkspace>(), sdk::activation<NeedsAlignment>(),
    sdk::activation<ChangesBuffer>(), sdk::activation<UsesShardRows>(),
    sdk::activation<Neighbours>(), sdk::activation<NeighboursToTheRight>(),
    sdk::activation<LateNan>(), sdk::activation<ShardMean>(), sdk::activation<SecretNoise>(),
    sdk::activation<LocalNoise>(), sdk::activation<DeclaredNoise>(), sdk::activation<Steps>(),
    sdk::activation<NotLinear>(), sdk::activation<WrongParameter>(),
    sdk::activation<ForgetsBatch>(), sdk::activation<Coarse>(), sdk::activation<RefusesNan>(),
    sdk::activation<HidesNan>(), sdk::activation<ReadsX>(), sdk::activation<TwoPasses>(),
    sdk::activation<FallingColumns>(), sdk::activation<OtherValues>(),
    sdk::activation<CountsCalls>(), sdk::activation<ReadsGarbage>(),
    sdk::activation<ReadsOwnAddress>(), sdk::activation<ReadsThread>(),
    sdk::activation<SharedWidth>(), sdk::activation<Leaks>(), sdk::activation<LeaksCalls>(),
    sdk::activation<SetsLocale>(), sdk::activation<ChangesFolder>(), sdk::activation<Single87>(),
    sdk::activation<Crashes>(), sdk::activation<Exits>(), sdk::activation<Hangs>(),
    sdk::regularizer<Overwrites>(), sdk::regularizer<WrongPenalty>(), sdk::loss<WrongLoss>(),
    sdk::quantizer<WrongQuantizer>(), sdk::optimizer<Drifts>(), sdk::optimizer<IgnoresRate>(),
    sdk::layer<CountsTwice>(), &kAcceptsAnything.component, &kNameless.component,
    &kAtLength.component, &kOwnSize.component, &kPlanThrows.component, &kPlanSilent.component);
