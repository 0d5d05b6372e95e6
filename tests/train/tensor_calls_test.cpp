// Proves what components are told about tensors, in whole trials on one rank and on three:
//   - quantizers, optimizers and weight penalties draw other random bits for every tensor of a
//     layer; a quantizer gets one stream in all of its calls on a tensor: quantize, backward and
//     after_update of every block and step, so that they can draw the same bits again; training and
//     evaluation have different ones;
//   - a quantizer's plan request lists what it will quantize and nothing else, so that it can plan
//     memory for a tensor of any width.
// The components here note what they are given and insist on what they planned.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/text.hpp"
#include "core/sdk/plugin.hpp"
#include "tests/support/builtins.hpp"
#include "tests/train/group_run.hpp"
#include "tests/train/small_data.hpp"
#include "tests/train/specs.hpp"

namespace aesweep::test {
namespace {

constexpr std::int64_t kCols = 40;
constexpr std::int64_t kUnits = 120;  // 4,800 weights: two blocks.

// Who was called, in which mode, for a tensor of so many rows.
using Call = std::tuple<std::string, std::uint32_t, std::int64_t>;

std::mutex notes_mutex;
std::map<Call, std::set<std::uint64_t>> streams;  // Seen in these calls.
std::vector<std::string> planned;                 // By quantizers: "name rows x cols flags".

void note(const std::string& who, const sdk::Context& context, const sdk::Block& block) {
  const std::lock_guard lock(notes_mutex);
  streams[{who, context.mode, block.rows}].insert(context.stream);
}

// y = x a + b + c: a and b may be quantized, c may not.
template <class Real>
class Pair {
 public:
  static constexpr sdk::Info kInfo = {.name = "pair", .summary = "y = x a + b + c"};
  static constexpr aesweep_parameter_info kParameters[] = {
      sdk::required(sdk::integer("units", "Width", 3, sdk::at_least(1)))};
  explicit Pair(const sdk::Parameters& p) : units_(p.integer("units")) {}

  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.output_cols = units_;
    const std::uint32_t both = AESWEEP_MAY_QUANTIZE | AESWEEP_MAY_DECAY;
    const sdk::Initializer small = {AESWEEP_INIT_UNIFORM, -0.1, 0.1};
    plan.learned("c", 1, units_, {});
    plan.learned("a", request.input_cols, units_, small, both);
    plan.learned("b", 1, units_, small, both);
  }

  void forward(const sdk::Context&, const sdk::Memory<Real>& memory,
               const sdk::ConstMatrix<Real>& x, const sdk::Matrix<Real>& y) const {
    sdk::map(y) = (sdk::map(x) * weights(memory.parameters[1], x.cols)).rowwise() +
                  (weights(memory.parameters[0], 1) + weights(memory.parameters[2], 1)).row(0);
  }

  void backward(const sdk::Context&, const sdk::Memory<Real>& memory,
                const sdk::ConstMatrix<Real>& x, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>& dy, const sdk::Matrix<Real>* dx) const {
    gradient(memory.gradients[1], x.cols) = sdk::map(x).transpose() * sdk::map(dy);
    for (const int t : {0, 2}) {
      gradient(memory.gradients[t], 1) = sdk::map(dy).colwise().sum();
    }
    if (dx != nullptr) {
      sdk::map(*dx) = sdk::map(dy) * weights(memory.parameters[1], x.cols).transpose();
    }
  }

 private:
  auto weights(const Real* w, std::int64_t rows) const {
    return Eigen::Map<const sdk::RowMajor<Real>>(w, rows, units_);
  }
  auto gradient(Real* w, std::int64_t rows) const {
    return Eigen::Map<sdk::RowMajor<Real>>(w, rows, units_);
  }

  std::int64_t units_;
};

// q = w, and keeps each column's number from quantize to backward.
template <class Real>
class Listener {
 public:
  static constexpr sdk::Info kInfo = {.name = "listener", .summary = "q = w"};

  void plan(const sdk::Request& request, sdk::Plan& plan) {
    const std::lock_guard lock(notes_mutex);
    for (std::uint32_t i = 0; i < request.tensor_count; ++i) {
      const aesweep_known_tensor& tensor = sdk::known_tensor(request, i);
      planned.push_back(
          aesweep::text(tensor.name, ' ', tensor.rows, " x ", tensor.cols, ' ', tensor.flags));
      most_cols_ = std::max(most_cols_, tensor.cols);
    }
    plan.kept_bytes = static_cast<std::uint64_t>(most_cols_) * sizeof(double);
  }

  void quantize(const sdk::Context& context, const sdk::Block& block, const Real* w, Real* q,
                void* kept) const {
    note("quantize", context, block);
    std::copy_n(w, block.count, q);
    sdk::require(block.cols <= most_cols_, AESWEEP_INTERNAL, block.cols,
                 " columns, more than any tensor of the plan request");
    auto* columns = static_cast<double*>(kept);
    for (std::int64_t j = 0; j < block.cols; ++j) columns[j] = static_cast<double>(j);
  }

  void backward(const sdk::Context& context, const sdk::Block& block, const Real*, Real*,
                const void* kept) const {
    note("backward", context, block);
    sdk::require(block.cols <= most_cols_, AESWEEP_INTERNAL, "nothing was kept");
    const auto* columns = static_cast<const double*>(kept);
    for (std::int64_t j = 0; j < block.cols; ++j) {
      sdk::require(columns[j] == static_cast<double>(j), AESWEEP_INTERNAL, "column ", j,
                   " was not kept");
    }
  }

  void after_update(const sdk::Context& context, const sdk::Block& block, const Real*,
                    Real*) const {
    note("after_update", context, block);
  }

 private:
  std::int64_t most_cols_ = 0;
};

template <class Real>
class Watcher {
 public:
  static constexpr sdk::Info kInfo = {.name = "watcher", .summary = "0"};
  double on_parameter_block(const sdk::Context& context, const sdk::Block& block, const Real*,
                            Real*) const {
    note("penalty", context, block);
    return 0.0;
  }
};

template <class Real>
class Follower {
 public:
  static constexpr sdk::Info kInfo = {
      .name = "follower", .summary = "w -= 0.1 g", .flags = AESWEEP_BLOCKWISE};
  void update(const sdk::Context& context, const sdk::Block& block, Real* w, const Real* g,
              Real* const*) const {
    note("update", context, block);
    for (std::uint64_t i = 0; i < block.count; ++i) w[i] -= Real(0.1) * g[i];
  }
};

const Catalogue& catalogue() {
  static constexpr const aesweep_component* kComponents[] = {
      sdk::layer<Pair>(), sdk::quantizer<Listener>(), sdk::regularizer<Watcher>(),
      sdk::optimizer<Follower>()};
  static const Catalogue whole = [] {
    aesweep_plugin_entry entry{};
    entry.magic = AESWEEP_ABI_MAGIC;
    entry.struct_size = sizeof entry;
    entry.id = "listeners";
    entry.version = "1";
    entry.components = kComponents;
    entry.component_count = std::size(kComponents);
    Catalogue catalogue = builtins();
    const Status added = catalogue.add(entry, {"listeners", "1", "test", ""});
    EXPECT_TRUE(added.ok()) << added.message();
    return catalogue;
  }();
  return whole;
}

TrialSpec base(std::int64_t units, std::int64_t cols) {
  TrialSpec spec;
  spec.model.loss = {"mse", {}};
  LayerSpec code;
  code.name = "code";
  code.layer = {"pair", {{"units", units}}};
  code.quantizer = ComponentSpec{"listener", {}};
  code.regularizers = {regularizer("watcher", RegularizerTarget::kWeights, {})};
  spec.model.layers = {code, dense("output", cols, "")};
  spec.optimizer = {"follower", {}};
  spec.train.epochs = 2;
  spec.train.batch_rows = 13;
  spec.train.shard_rows = 4;
  return spec;
}

void run(const TrialSpec& spec, std::int64_t cols, int ranks) {
  streams.clear();
  planned.clear();
  const SmallData data(30, 15, cols);
  const TrialResult result = run_group(spec, catalogue(), data.dataset(), ranks);
  EXPECT_EQ(result.outcome, Outcome::kCompleted) << result.reason;
}

// The one stream of these calls.
std::uint64_t only(const std::string& who, std::uint32_t mode, std::int64_t rows) {
  const std::set<std::uint64_t>& seen = streams[{who, mode, rows}];
  EXPECT_EQ(seen.size(), 1u) << who << ", mode " << mode << ", tensor of " << rows << " rows";
  return seen.empty() ? 0 : *seen.begin();
}

TEST(TensorCalls, EveryTensorHasAStreamOfItsOwnInEveryCall) {
  for (const int ranks : {1, 3}) {
    for (const Scalar scalar : {Scalar::kF32, Scalar::kF64}) {
      TrialSpec spec = base(kUnits, kCols);
      spec.model.scalar = scalar;
      run(spec, kCols, ranks);
      std::set<std::uint64_t> different;
      for (const std::int64_t rows : {kCols, std::int64_t{1}}) {
        const std::uint64_t trained = only("quantize", AESWEEP_TRAIN, rows);
        EXPECT_EQ(only("backward", AESWEEP_TRAIN, rows), trained);
        EXPECT_EQ(only("after_update", AESWEEP_TRAIN, rows), trained);
        different.insert({trained, only("quantize", AESWEEP_EVAL, rows),
                          only("penalty", AESWEEP_TRAIN, rows),
                          only("penalty", AESWEEP_EVAL, rows)});
      }
      EXPECT_EQ(different.size(), 8u);
    }
  }
}

// The tensors of one row are b, c and the other layer's bias, beside which stand a and its weights.
TEST(TensorCalls, AnOptimizerHasAStreamForEveryTensor) {
  for (const int ranks : {1, 3}) {
    run(base(kUnits, kCols), kCols, ranks);
    std::set<std::uint64_t> different;
    for (const auto& [rows, tensors] :
         {std::pair(std::int64_t{1}, 3u), {kCols, 1u}, {kUnits, 1u}}) {
      const std::set<std::uint64_t>& seen = streams[{"update", AESWEEP_TRAIN, rows}];
      EXPECT_EQ(seen.size(), tensors);
      different.insert(seen.begin(), seen.end());
    }
    EXPECT_EQ(different.size(), 5u);
  }
}

TEST(TensorCalls, AQuantizerIsToldWhatItWillQuantize) {
  run(base(kUnits, kCols), kCols, 1);
  const std::string flags = aesweep::text(' ', AESWEEP_MAY_QUANTIZE | AESWEEP_MAY_DECAY);
  EXPECT_EQ(planned,
            (std::vector<std::string>{aesweep::text("code/a ", kCols, " x ", kUnits, flags),
                                      aesweep::text("code/b 1 x ", kUnits, flags)}));
}

TEST(TensorCalls, AQuantizerCanKeepSomethingForEachOfManyColumns) {
  TrialSpec spec = base(20000, 2);
  spec.train.epochs = 1;
  run(spec, 2, 2);
}

}  // namespace
}  // namespace aesweep::test
