// Components that the SDK must not compile: each has an optional member that could not be offered
// to the host. CMakeLists.txt compiles this file once per case, AESWEEP_CASE being its number, and
// looks for the words of the refusal; case 0 has nothing wrong and must compile.
#include "core/sdk/plugin.hpp"

namespace {

namespace sdk = aesweep::sdk;

template <class Real>
class Layer {
 public:
  static constexpr sdk::Info kInfo = {.name = "layer", .summary = ""};
  using In = const sdk::ConstMatrix<Real>&;
  using Out = const sdk::Matrix<Real>&;
  using Memory = const sdk::Memory<Real>&;

  void forward(const sdk::Context&, Memory, In, Out) const {}
  void backward(const sdk::Context&, Memory, In, In, In, const sdk::Matrix<Real>*) const {}
#if AESWEEP_CASE == 1  // A template, which a call would find.
  template <class Round>
  void accumulate(const sdk::Context&, Round, Memory, In, const sdk::ConstMatrix<Real>*) const {}
#elif AESWEEP_CASE == 2  // Overloaded.
  void end_step(const sdk::Context&, Memory) const {}
  void end_step() const {}
#elif AESWEEP_CASE == 3  // Would change the request.
  void plan(sdk::Request&, sdk::Plan&) const {}
#elif AESWEEP_CASE == 4
 private:
  void plan(const sdk::Request&, sdk::Plan&) const {}
#elif AESWEEP_CASE == 5
 private:
  static constexpr aesweep_parameter_info kParameters[] = {sdk::boolean("on", "", true)};
#endif
};

template <class Real>
class Penalty {
 public:
  static constexpr sdk::Info kInfo = {.name = "penalty", .summary = ""};
#if AESWEEP_CASE == 6
  double on_activations(const sdk::Context&, const sdk::Memory<Real>&, const sdk::Views<Real>&,
                        const auto* /*gradient*/) const {
    return 0.0;
  }
#elif AESWEEP_CASE == 7
  template <class T>
  double on_parameter_block(const sdk::Context&, const sdk::Block&, const T*, T*) const {
    return 0.0;
  }
#elif AESWEEP_CASE == 8
 private:
  void on_layer_parameters(const sdk::Context&, const sdk::Memory<Real>&,
                           const sdk::Views<Real>&) const {}
#endif
};

template <class Real>
class Quantizer {
 public:
  static constexpr sdk::Info kInfo = {.name = "quantizer", .summary = ""};
  using Block = const sdk::Block&;

  void quantize(const sdk::Context&, Block, const Real*, Real*, void*) const {}
#if AESWEEP_CASE == 9  // For both precisions in one class.
  void backward(const sdk::Context&, Block, const float*, float*, const void*) const {}
  void backward(const sdk::Context&, Block, const double*, double*, const void*) const {}
#elif AESWEEP_CASE == 10
  void after_update(const sdk::Context&, Block, const auto* /*previous*/, Real*) const {}
#endif
};

}  // namespace

AESWEEP_EXPORT_PLUGIN("refused", "0", sdk::layer<Layer>(), sdk::regularizer<Penalty>(),
                      sdk::quantizer<Quantizer>());
