// Gradients against 4th-order central differences, in double.
//
// With h = eps^(1/5) max(1, |x|), rounded to a power of two so that x + 4h and x - 4h are exact,
//   D(h) = (f(x - 2h) - 8 f(x - h) + 8 f(x + h) - f(x + 2h)) / 12h
// is wrong by C h^4 (truncation) and by rounding. Since D(2h) - D(h) = 15 C h^4, |D(2h) - D(h)| /
// 15 estimates the first; twice that is allowed for higher orders. The second is 1.5 n eps M / h
// for function values of size M computed with n roundings. Where the truncation is more than a
// millionth of the largest gradient, smaller steps are tried, with their larger rounding; if it
// stays, the function is not smooth within 4h of x: a kink, left out, as long as most places are
// not.
//
// Of a large matrix a fixed sample of places is taken, spread over all of it, and one direction in
// which every number moves by +h or -h: its derivative is the sum of +-the gradient.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/conformance/checks.hpp"
#include "core/conformance/compare.hpp"

namespace aesweep::conformance {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kRoundings = 200.0;
constexpr double kKinksMax = 0.25;       // Share of the places that may be left out.
constexpr std::size_t kPlacesMax = 256;  // Of one matrix or tensor.

// What is differenced: sum of weights * outcome[value], by inputs `input`; claimed by
// outcome[gradient].
struct Link {
  std::string value;
  std::string gradient;
  Piece* input = nullptr;
  const std::vector<double>* weights = nullptr;  // Null: 1.
};

struct Tally {
  std::int64_t checked = 0;
  std::int64_t kinks = 0;
};

double exact_step(double x) {
  const double wanted = std::pow(kEpsilon, 0.2) * std::max(1.0, std::abs(x));
  return std::exp2(std::floor(std::log2(wanted)));
}

// Numbers of the input, moved together by +h or -h.
struct Direction {
  std::vector<std::size_t> places;
  std::vector<double> signs;
};

// The difference quotient in one direction at two steps; terms that do not change cancel exactly.
class Quotient {
 public:
  Quotient(const Live<double>& live, Inputs& inputs, const Layout& layout, const Link& link)
      : live_(live), inputs_(inputs), layout_(layout), link_(link) {}

  // With the usual step times `scale`, a power of two.
  void along(const Direction& direction, double scale) {
    std::vector<double>& x = link_.input->values;
    const std::vector<double> center = x;
    double largest = 0.0;
    for (const std::size_t k : direction.places) largest = std::max(largest, std::abs(x[k]));
    h_ = exact_step(largest) * scale;
    std::vector<std::vector<double>> f;
    for (const double offset : {-4.0, -2.0, -1.0, 1.0, 2.0, 4.0}) {
      for (std::size_t i = 0; i < direction.places.size(); ++i) {
        const std::size_t k = direction.places[i];
        x[k] = center[k] + offset * h_ * direction.signs[i];
      }
      f.push_back(find_piece(run(live_, inputs_, layout_), link_.value)->values);
    }
    x = center;
    differ(f);
  }

  [[nodiscard]] double derivative() const { return fine_; }
  [[nodiscard]] double rounding() const { return 1.5 * kRoundings * kEpsilon * magnitude_ / h_; }
  [[nodiscard]] double truncation() const { return 2.0 / 15.0 * std::abs(coarse_ - fine_); }

 private:
  void differ(const std::vector<std::vector<double>>& f) {
    fine_ = coarse_ = magnitude_ = 0.0;
    for (std::size_t i = 0; i < f[0].size(); ++i) {
      const double w = link_.weights == nullptr ? 1.0 : (*link_.weights)[i];
      fine_ += w * ((f[1][i] - f[4][i]) + 8.0 * (f[3][i] - f[2][i])) / (12.0 * h_);
      coarse_ += w * ((f[0][i] - f[5][i]) + 8.0 * (f[4][i] - f[1][i])) / (24.0 * h_);
      double largest = 0.0;
      bool moves = false;
      for (const std::vector<double>& values : f) {
        largest = std::max(largest, std::abs(values[i]));
        moves = moves || values[i] != f[0][i];
      }
      if (moves) magnitude_ += std::abs(w) * largest;
    }
  }

  const Live<double>& live_;
  Inputs& inputs_;
  const Layout& layout_;
  const Link& link_;
  double h_ = 1.0;
  double fine_ = 0.0;
  double coarse_ = 0.0;
  double magnitude_ = 0.0;
};

// Names a place of the input: "x (2, 3)".
std::string place(const Piece& input, std::size_t k) {
  const auto cols = static_cast<std::size_t>(input.cols);
  return text(input.name, " (", k / cols, ", ", k % cols, ")");
}

// Every place, or kPlacesMax of them: one in each of as many equal parts.
std::vector<std::size_t> sample(std::size_t size) {
  std::vector<std::size_t> places;
  const std::size_t count = std::min(size, kPlacesMax);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t first = size * i / count;
    const std::size_t after = size * (i + 1) / count;
    const double share = 0.5 + 0.5 * scatter(static_cast<std::int64_t>(i), 0, 91);
    const auto shift = static_cast<std::size_t>(share * static_cast<double>(after - first));
    places.push_back(std::min(first + shift, after - 1));
  }
  return places;
}

Direction all_together(std::size_t size) {
  Direction direction;
  for (std::size_t k = 0; k < size; ++k) {
    direction.places.push_back(k);
    direction.signs.push_back(scatter(static_cast<std::int64_t>(k), 1, 92) < 0.0 ? -1.0 : 1.0);
  }
  return direction;
}

class LinkCheck {
 public:
  LinkCheck(const Live<double>& live, Inputs& inputs, const Layout& layout, const Link& link,
            const Piece& claimed, Tally& tally)
      : layout_(values_only(layout)),
        link_(link),
        claimed_(claimed),
        tally_(tally),
        quotient_(live, inputs, layout_, link) {}

  void check() {
    const std::size_t size = claimed_.values.size();
    for (const double g : claimed_.values) {
      largest_ = std::max(largest_, std::abs(g));
      length_ += g * g;
      sum_ += std::abs(g);
    }
    for (const std::size_t k : sample(size)) {
      if (!smooth({{k}, {1.0}}, largest_)) continue;
      const double g = claimed_.values[k];
      require(g, std::max(std::abs(g), largest_),
              text(" at ", place(*link_.input, k), " = ", format_real(link_.input->values[k])));
    }
    if (size <= kPlacesMax) return;
    const Direction together = all_together(size);
    if (!smooth(together, std::sqrt(length_))) return;
    double g = 0.0;
    for (std::size_t k = 0; k < size; ++k) g += together.signs[k] * claimed_.values[k];
    require(g, sum_, text(" summed with signs over all ", size, " of ", link_.input->name));
  }

 private:
  static Layout values_only(Layout layout) {
    layout.value_only = true;
    return layout;
  }

  // Takes the quotient with the largest step that resolves the function. False: a kink.
  bool smooth(const Direction& direction, double size) {
    ++tally_.checked;
    for (const double scale : {1.0, 1.0 / 8.0, 1.0 / 64.0}) {
      quotient_.along(direction, scale);
      const double largest = std::max(size, std::abs(quotient_.derivative()));
      if (quotient_.truncation() <= 1e-6 * largest + quotient_.rounding()) return true;
    }
    ++tally_.kinks;
    return false;
  }

  void require(double g, double size, const std::string& where) const {
    const double found = quotient_.derivative();
    const double allowed =
        quotient_.rounding() + quotient_.truncation() + kRoundings * kEpsilon * size;
    if (std::abs(g - found) <= allowed) return;
    fail(link_.gradient, where, ": ", format_real(g), ", differences of ", link_.value, " give ",
         format_real(found), ", apart by ", std::abs(g - found), ", at most ", allowed,
         "; correct backward, or declare AESWEEP_SURROGATE if it is meant so");
  }

  Layout layout_;
  const Link& link_;
  const Piece& claimed_;
  Tally& tally_;
  Quotient quotient_;
  double largest_ = 0.0;
  double length_ = 0.0;  // Squared.
  double sum_ = 0.0;
};

void check_link(const Live<double>& live, Inputs& inputs, const Layout& layout, const Link& link,
                const Outcome& outcome, Tally& tally) {
  const Piece* claimed = find_piece(outcome, link.gradient);
  if (claimed == nullptr) return;  // Not offered.
  LinkCheck(live, inputs, layout, link, *claimed, tally).check();
}

std::vector<Link> links_of(const aesweep_component& component, Inputs& inputs) {
  std::vector<Link> links;
  const auto add_tensors = [&](std::vector<Piece>& pieces, const std::string& value,
                               const std::vector<double>* weights) {
    for (Piece& piece : pieces) {
      links.push_back({value, "gradient of " + piece.name, &piece, weights});
    }
  };
  switch (component.kind) {
    case AESWEEP_ACTIVATION:
    case AESWEEP_LAYER: {
      const std::vector<double>* dy = &inputs.at("dy").values;
      links.push_back({"y", "dx", &inputs.at("x"), dy});
      add_tensors(inputs.parameters, "y", dy);
      add_tensors(inputs.viewed, "y", dy);
      break;
    }
    case AESWEEP_REGULARIZER:
      links.push_back({"penalty", "gradient", &inputs.at("output"), nullptr});
      add_tensors(inputs.parameters, "penalty", nullptr);
      links.push_back(
          {"penalty on weight blocks", "gradient of weight blocks", &inputs.at("w"), nullptr});
      break;
    case AESWEEP_QUANTIZER:
      links.push_back({"q", "gradient", &inputs.at("w"), &inputs.at("gradient").values});
      break;
    default:
      links.push_back({"loss", "gradient", &inputs.at("prediction"), nullptr});
  }
  return links;
}

std::string incoming(const aesweep_component& component) {
  return component.kind == AESWEEP_QUANTIZER ? "gradient" : "dy";
}

bool is_gradient(const std::string& piece) {
  return piece == "dx" || piece.starts_with("gradient");
}

// No formula to difference: but a chain rule is linear in what comes in.
void check_surrogate(const Live<double>& live) {
  Inputs inputs = make_inputs(live, 6);
  Layout layout;
  layout.shards = {4, 2};
  const Outcome once = run(live, inputs, layout);
  const std::string name = incoming(live.component());
  Inputs twice = inputs;
  Inputs none = inputs;
  Inputs other = inputs;
  Inputs sum = inputs;
  for (std::size_t k = 0; k < inputs.at(name).values.size(); ++k) {
    twice.at(name).values[k] *= 2.0;
    none.at(name).values[k] = 0.0;
    other.at(name).values[k] = scatter(static_cast<std::int64_t>(k), 3, 77);
    sum.at(name).values[k] += other.at(name).values[k];
  }
  const Outcome doubled = run(live, twice, layout);
  const Outcome zero = run(live, none, layout);
  const Outcome second = run(live, other, layout);
  const Outcome both = run(live, sum, layout);
  const std::string again = first_difference(once, run(live, inputs, layout));
  if (!again.empty()) fail("the same call again: ", again);
  for (std::size_t p = 0; p < once.size(); ++p) {
    if (!is_gradient(once[p].name)) continue;
    double largest = 0.0;
    for (const double g : both[p].values) largest = std::max(largest, std::abs(g));
    for (std::size_t k = 0; k < once[p].values.size(); ++k) {
      const double g = once[p].values[k];
      const double added = g + second[p].values[k];
      const double bound =
          kRoundings * kEpsilon * (std::abs(g) + std::abs(second[p].values[k]) + largest);
      if (zero[p].values[k] != 0.0) {
        fail(once[p].name, " [", k, "] is ", zero[p].values[k], " where ", name, " is 0");
      }
      if (std::abs(doubled[p].values[k] - 2.0 * g) > bound ||
          std::abs(both[p].values[k] - added) > bound) {
        fail(once[p].name, " [", k, "] is not linear in ", name, ": ", g, " and ",
             second[p].values[k], " add up to ", both[p].values[k], "; the first doubled is ",
             doubled[p].values[k]);
      }
    }
  }
}

void check_differences(const Live<double>& live, Tally& tally) {
  Inputs inputs = make_inputs(live, 5);
  Layout layout;
  layout.shards = {3, 2};
  const Outcome outcome = run(live, inputs, layout);
  for (const Link& link : links_of(live.component(), inputs)) {
    Tally own;
    check_link(live, inputs, layout, link, outcome, own);
    if (static_cast<double>(own.kinks) > kKinksMax * static_cast<double>(own.checked)) {
      fail(link.value, " varies faster than differences resolve by ", link.input->name, " at ",
           own.kinks, " of ", own.checked, " places: it jumps, has kinks everywhere, or swings",
           " within 1e-5; if it is smooth, scale it; if its gradient is not meant to be the",
           " derivative of ", link.value, ", declare AESWEEP_SURROGATE");
    }
    tally.checked += own.checked;
    tally.kinks += own.kinks;
  }
}

}  // namespace

std::string check_gradient(const Subject& subject) {
  const aesweep_component& component = subject.entry->component;
  if (component.kind == AESWEEP_OPTIMIZER) skip("optimizers have none");
  const bool surrogate = (component.flags & AESWEEP_SURROGATE) != 0;
  Tally tally;
  for_each_example<double>(subject, [&](Live<double>& live) {
    if (surrogate) {
      check_surrogate(live);
    } else {
      check_differences(live, tally);
    }
  });
  if (surrogate) return "surrogate declared: not differenced; finite, repeatable, linear";
  return text(tally.checked, " numbers agree with differences",
              tally.kinks == 0 ? "" : text(", ", tally.kinks, " at kinks left out"));
}

}  // namespace aesweep::conformance
