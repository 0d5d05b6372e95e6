// Penalty: what regularizers share that add a term per element, on activations or on parameters.
//
// Term<Real> is made from the parameters and gives its coefficient and, for chunks, the term in
// double and its derivative:
//   double coefficient() const;  DoubleChunk<Real> value(x) const;  Chunk<Real> derivative(x) const
// The penalty is coefficient * sum of terms, divided under reduction mean by the rows of the global
// batch (activations) or by the number of elements of the tensor (parameters). reduction auto is
// the usual one: mean for activations, sum for parameters.
#pragma once

#include "core/sdk/plugin.hpp"

namespace aesweep {

inline constexpr const char* kPenaltyReductions[] = {"auto", "sum", "mean", nullptr};

inline constexpr aesweep_parameter_info kPenaltyReduction = sdk::choice(
    "reduction",
    "On activations: sum, or mean over the batch's rows (auto); on weights: sum (auto), "
    "or mean over elements",
    "auto", kPenaltyReductions);

// Of penalties with one coefficient.
inline constexpr aesweep_parameter_info kPenaltyParameters[] = {
    sdk::required(sdk::real("coefficient", "Factor of the penalty", 0.0, sdk::at_least(0))),
    kPenaltyReduction};

// The sign of x as -1, 0 or 1; NaN gives 0.
template <class Real>
sdk::Chunk<Real> sign(const sdk::Chunk<Real>& x) {
  using Chunk = sdk::Chunk<Real>;
  const Chunk not_below = (x > Real(0)).select(Chunk::Ones(), Chunk::Zero());
  return (x < Real(0)).select(Chunk::Constant(Real(-1)), not_below);
}

template <class Real, template <class> class Term>
class Penalty {
 public:
  using Chunk = sdk::Chunk<Real>;

  explicit Penalty(const sdk::Parameters& p) : term_(p), reduction_(p.choice("reduction")) {}

  double on_activations(const sdk::Context& context, const sdk::Memory<Real>&,
                        const sdk::Views<Real>& views, const sdk::Matrix<Real>* gradient) const {
    const double coefficient = term_.coefficient();
    const double scale =
        reduction_ == "sum" ? coefficient : coefficient / static_cast<double>(context.batch_rows);
    sdk::LaneSum<Real> sum;
    for (std::int64_t i = 0; i < views.output.rows; ++i) {
      add(sum, views.output.cols, scale, sdk::row(views.output, i),
          gradient == nullptr ? nullptr : sdk::row(*gradient, i));
    }
    return scale * sum.total();
  }

  double on_parameter_block(const sdk::Context&, const sdk::Block& block, const Real* w,
                            Real* gradient) const {
    const double coefficient = term_.coefficient();
    const double elements = static_cast<double>(block.rows) * static_cast<double>(block.cols);
    const double scale = reduction_ == "mean" ? coefficient / elements : coefficient;
    sdk::LaneSum<Real> sum;
    add(sum, static_cast<std::int64_t>(block.count), scale, w, gradient);
    return scale * sum.total();
  }

 private:
  // Adds the terms of x[0, count) to sum, and scale times their derivatives to gradient if not
  // null.
  void add(sdk::LaneSum<Real>& sum, std::int64_t count, double scale, const Real* x,
           Real* gradient) const {
    sum.add_row(
        count, [this](const Chunk& values) { return term_.value(values); }, x);
    if (gradient == nullptr) return;
    const Real factor = static_cast<Real>(scale);
    sdk::for_each_chunk<Real>(
        count, gradient,
        [this, factor](const Chunk& g, const Chunk& values) -> Chunk {
          return g + factor * term_.derivative(values);
        },
        gradient, x);
  }

  Term<Real> term_;
  std::string reduction_;
};

}  // namespace aesweep
