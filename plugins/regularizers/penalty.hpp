// Penalty: what regularizers share that add a term per element, on activations or on parameters.
//
// Term<Real> gives, for chunks, the term in double and its derivative:
//   DoubleChunk<Real> value(x);  Chunk<Real> derivative(x)
// The penalty is coefficient * sum of terms, divided under reduction mean by the rows of the global
// batch (activations) or by the number of elements of the tensor (parameters). reduction auto is
// the usual one: mean for activations, sum for parameters.
#pragma once

#include "core/sdk/plugin.hpp"

namespace aesweep {

inline constexpr const char* kPenaltyReductions[] = {"auto", "sum", "mean", nullptr};

inline constexpr aesweep_parameter_info kPenaltyParameters[] = {
    sdk::required(sdk::real("coefficient", "Factor of the penalty", 0.0, sdk::at_least(0))),
    sdk::choice(
        "reduction",
        "On activations: sum, or mean over the batch's rows (auto); on weights: sum (auto), "
        "or mean over elements",
        "auto", kPenaltyReductions)};

template <class Real, template <class> class Term>
class Penalty {
 public:
  using Chunk = sdk::Chunk<Real>;

  explicit Penalty(const sdk::Parameters& p)
      : coefficient_(p.real("coefficient")), reduction_(p.choice("reduction")) {}

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>&,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const double scale =
        reduction_ == "sum" ? coefficient_ : coefficient_ / static_cast<double>(context.batch_rows);
    sdk::LaneSum<Real> sum;
    for (std::int64_t i = 0; i < views.output.rows; ++i) {
      add(sum, views.output.cols, scale, sdk::row(views.output, i),
          gradient == nullptr ? nullptr : sdk::row(*gradient, i));
    }
    return scale * sum.total();
  }

  double on_parameter_block(const sdk::Context&, const sdk::Block& block, const Real* w,
                            Real* gradient) const {
    const double elements = static_cast<double>(block.rows) * static_cast<double>(block.cols);
    const double scale = reduction_ == "mean" ? coefficient_ / elements : coefficient_;
    sdk::LaneSum<Real> sum;
    add(sum, static_cast<std::int64_t>(block.count), scale, w, gradient);
    return scale * sum.total();
  }

 private:
  // Adds the terms of x[0, count) to sum, and scale times their derivatives to gradient if not
  // null.
  static void add(sdk::LaneSum<Real>& sum, std::int64_t count, double scale, const Real* x,
                  Real* gradient) {
    sum.add_row(
        count, [](const Chunk& values) { return Term<Real>::value(values); }, x);
    if (gradient == nullptr) return;
    const Real factor = static_cast<Real>(scale);
    sdk::for_each_chunk<Real>(
        count, gradient,
        [factor](const Chunk& g, const Chunk& values) -> Chunk {
          return g + factor * Term<Real>::derivative(values);
        },
        gradient, x);
  }

  double coefficient_;
  std::string reduction_;
};

}  // namespace aesweep
