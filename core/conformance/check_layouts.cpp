// Cases that play one batch in several layouts: shapes, longer structs, splits, rounds, in place,
// active sets.
#include <algorithm>
#include <limits>

#include "core/conformance/checks.hpp"
#include "core/conformance/compare.hpp"

namespace aesweep::conformance {
namespace {

template <class T>
constexpr double kEpsilon = std::numeric_limits<T>::epsilon();

bool is_weights_kind(const aesweep_component& component) {
  return component.kind == AESWEEP_QUANTIZER || component.kind == AESWEEP_OPTIMIZER;
}

// Whether a result must keep its bits however rows are cut: those of element-wise components, and
// everything that happens block by block.
bool keeps_bits(const aesweep_component& component, const std::string& piece) {
  if (is_weights_kind(component) || piece == "gradient of weight blocks") return true;
  if ((component.flags & AESWEEP_ELEMENTWISE) == 0) return false;
  return piece == "y" || piece == "dx" || piece == "gradient" || piece == "y in evaluation";
}

// Bits where they must agree, rounding elsewhere; empty: fine.
template <class T>
std::string split_difference(const Live<T>& live, const Example& example, const Inputs& inputs,
                             const Layout& layout, const Outcome& expected, const Outcome& found) {
  for (std::size_t p = 0; p < expected.size(); ++p) {
    if (!keeps_bits(live.component(), expected[p].name)) continue;
    const std::string difference = first_difference(expected[p], found[p]);
    if (!difference.empty()) return difference + " to the last bit";
  }
  if (first_difference(expected, found).empty()) return {};
  return beyond_bound(
      expected, found,
      rounding_bounds(live.subject(), example, live.shape(), inputs, layout, kEpsilon<T>));
}

// Every layout against the plain one.
template <class T>
void check_shape(const Live<T>& live, const Example& example, std::int64_t rows) {
  const Inputs inputs = make_inputs(live, rows);
  Layout plain;
  plain.shards = {rows, 0};
  const Outcome expected = run(live, inputs, plain);
  Layout awkward = plain;
  awkward.padding = 3;
  awkward.offset = 1;
  awkward.garbage = 0xFF;
  const std::string difference =
      split_difference(live, example, inputs, plain, expected, run(live, inputs, awkward));
  if (!difference.empty()) {
    fail("rows 3 elements apart and 1 element off alignment give other numbers: ", difference);
  }
  Layout without = plain;
  without.without_gradient = true;
  for (const Piece& piece : run(live, inputs, without)) {
    const Piece* same = find_piece(expected, piece.name);
    const std::string changed = same == nullptr ? "" : first_difference(*same, piece);
    if (!changed.empty()) fail("where dx or gradient is null, ", changed);
  }
}

template <class T>
void check_adding(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  if (live.component().kind != AESWEEP_REGULARIZER) return;
  Layout based = layout;
  based.gradient_base = 1.0;
  const Outcome from_zero = run(live, inputs, layout);
  const Outcome from_one = run(live, inputs, based);
  for (std::size_t p = 0; p < from_zero.size(); ++p) {
    if (!from_zero[p].name.starts_with("gradient")) continue;
    for (std::size_t k = 0; k < from_zero[p].values.size(); ++k) {
      const double expected = 1.0 + from_zero[p].values[k];
      const double bound = 16.0 * kEpsilon<T> * (1.0 + std::abs(from_zero[p].values[k]));
      if (std::abs(from_one[p].values[k] - expected) <= bound) continue;
      fail(from_zero[p].name, " [", k, "]: with 1 in it before, it is ", from_one[p].values[k],
           " after, expected ", expected, "; regularizers add to the gradient");
    }
  }
}

}  // namespace

namespace {

// A regularizer that asks for what it has no function to read: a misspelt one, most likely.
template <class T>
void require_readers(const Live<T>& live) {
  if (live.component().kind != AESWEEP_REGULARIZER) return;
  constexpr const char* kAdvice = "; look for a misspelt or private function";
  const auto table = live.template table<typename Abi<T>::Regularizer>();
  if (!live.rounds().empty() && table.accumulate == nullptr) {
    fail("plan declares rounds, but there is no accumulate", kAdvice);
  }
  const bool reads = table.on_activations != nullptr || table.accumulate != nullptr ||
                     table.on_layer_parameters != nullptr;
  if (live.component().views != 0 && !reads) {
    fail("views are declared, but none of on_activations, accumulate, on_layer_parameters is there",
         kAdvice);
  }
}

}  // namespace

template <class T>
std::string check_shapes(const Subject& subject) {
  int refused = 0;
  std::string reason;
  const int count = for_each_example<T>(subject, [&](Live<T>& live) {
    require_readers(live);
    const Example example = live.example();
    for (const std::int64_t cols : {1, 7, 64}) {
      if (!plan_for(live, cols)) {
        ++refused;
        reason = live.refusal();
        continue;
      }
      for (const std::int64_t rows : {1, 37}) {
        try {
          check_shape(live, example, rows);
        } catch (const Finding& finding) {
          throw finding.behind(text(rows, " x ", cols, ": "));
        }
      }
    }
    plan_ordinary(live);
    check_adding(live, make_inputs(live, 6), Layout{.shards = {4, 2}});
  });
  return text("0, 1, 37 rows of 1, 7, 64 columns, padded, misaligned, ", count,
              count == 1 ? " set" : " sets", " of parameters",
              refused == 0 ? "" : text("; ", refused, " refused: ", reason));
}

template <class T>
std::string check_steps(const Subject& subject) {
  constexpr std::uint64_t kFirst = 16;
  for_each_example<T>(subject, [&](Live<T>& live) {
    const Inputs inputs = make_inputs(live, 9);
    Layout layout;
    layout.shards = {5, 4};
    for (std::uint64_t step = 0; step < kFirst; ++step) {
      layout.step = step;
      (void)run(live, inputs, layout);
    }
    for (const std::uint64_t step : {100u, 1u << 20, 1u << 31}) {
      layout.step = step;
      (void)run(live, inputs, layout);
    }
  });
  return text("steps 0 to ", kFirst - 1, ", 100, 2^20 and 2^31: finite, within bounds");
}

template <class T>
std::string check_longer(const Subject& subject) {
  const Example example = default_example(subject.entry->component);
  Live<T> live(subject, example);
  plan_ordinary(live);
  Live<T> newer(subject, example, true);
  if (!newer.plan(live.shape())) {
    fail("a plan request with struct_size ", sizeof(aesweep_plan_request) + 64,
         " is refused: ", newer.refusal(), "; take the members you know, ignore the rest");
  }
  const Inputs inputs = make_inputs(live, 9);
  Layout layout;
  layout.shards = {5, 4};
  const Outcome expected = run(live, inputs, layout);
  layout.longer = true;
  const std::string difference = first_difference(expected, run(newer, inputs, layout));
  if (!difference.empty()) {
    fail("with structs of a newer, longer host ", difference,
         "; walk arrays by struct_size and ignore members you do not know");
  }
  return "parameters, requests, contexts, memory of a newer host give the same bits";
}

template <class T>
std::string check_rows_split(const Subject& subject) {
  const aesweep_component& component = subject.entry->component;
  if (component.kind == AESWEEP_OPTIMIZER && (component.flags & AESWEEP_BLOCKWISE) == 0) {
    skip("updates whole tensors");
  }
  constexpr std::int64_t kRows = 12;
  for_each_example<T>(subject, [&](Live<T>& live) {
    const Inputs inputs = make_inputs(live, kRows);
    Layout whole;
    whole.shards = {kRows};
    Layout halves;
    halves.shards = {kRows / 2 + 1, kRows / 2 - 1};
    const std::string difference = split_difference(
        live, live.example(), inputs, whole, run(live, inputs, whole), run(live, inputs, halves));
    if (!difference.empty()) {
      fail("as shards of 7 and 5 rows instead of one of 12, ", difference,
           "; nothing may depend on how rows are cut: use batch_rows, first_row, rounds");
    }
  });
  const bool bits = (component.flags & AESWEEP_ELEMENTWISE) != 0 || is_weights_kind(component);
  return bits ? "two parts give the bits of the whole" : "two parts agree within rounding";
}

template <class T>
std::string check_rounds(const Subject& subject) {
  bool any = false;
  for_each_example<T>(subject, [&](Live<T>& live) {
    if (live.rounds().empty()) return;
    any = true;
    constexpr std::int64_t kRows = 37;
    const Inputs inputs = make_inputs(live, kRows);
    Layout whole;
    whole.shards = {kRows};
    Layout shards;
    shards.shards = {8, 8, 7, 0, 7, 7};
    const std::string difference = split_difference(
        live, live.example(), inputs, whole, run(live, inputs, whole), run(live, inputs, shards));
    if (!difference.empty()) {
      fail("over 5 shards and an empty one instead of 1, ", difference,
           "; take what the batch shares from memory.statistics");
    }
  });
  if (!any) skip("declares no statistics rounds");
  return "1 and 5 shards agree within rounding, backward included";
}

template <class T>
std::string check_in_place(const Subject& subject) {
  const aesweep_component& component = subject.entry->component;
  const bool declared =
      component.kind == AESWEEP_ACTIVATION && (component.flags & AESWEEP_IN_PLACE) != 0;
  if (!declared) skip("not declared");
  for_each_example<T>(subject, [&](Live<T>& live) {
    const Inputs inputs = make_inputs(live, 9);
    Layout apart;
    apart.shards = {5, 4};
    apart.padding = 3;
    Layout same = apart;
    same.in_place = true;
    const Outcome expected = run(live, inputs, apart);
    for (const Piece& piece : run(live, inputs, same)) {
      const std::string difference = first_difference(*find_piece(expected, piece.name), piece);
      if (!difference.empty()) fail("where y is x and dx is dy, ", difference);
    }
  });
  return "y over x and dx over dy give the same bits";
}

namespace {

// Layers: x beside its entries gives what x alone gives.
template <class T>
void check_entries(Live<T>& live) {
  for (const std::int64_t cols : {37, 64, 16}) {
    if (plan_for(live, cols)) break;
  }
  Inputs inputs = make_inputs(live, 9);
  Piece& x = inputs.at("x");
  for (std::size_t k = 0; k < x.values.size(); ++k) {
    if (k % 17 != 3) x.values[k] = 0.0;  // Few enough for a layer that chooses by their number.
  }
  Layout dense;
  dense.shards = {5, 4};
  Layout sparse = dense;
  sparse.sparse_input = true;
  Outcome expected = run(live, inputs, dense);
  for (Piece& piece : expected) {
    for (std::size_t k = 0; piece.name == "dx" && k < piece.values.size(); ++k) {
      if (x.values[k] == 0.0) piece.values[k] = 0.0;
    }
  }
  const std::string difference = beyond_bound(
      expected, run(live, inputs, sparse),
      rounding_bounds(live.subject(), live.example(), live.shape(), inputs, dense, kEpsilon<T>));
  if (!difference.empty()) fail("with x beside its active set ", difference);
}

// Activations: ties, zeros, negative and absent numbers; run() holds every set to the matrix.
template <class T>
void check_sets(Live<T>& live) {
  constexpr std::int64_t kRows = 6;
  Inputs inputs = make_inputs(live, kRows);
  Piece& x = inputs.at("x");
  const auto row = [&](std::int64_t i, double value) {
    std::fill_n(x.values.begin() + i * x.cols, x.cols, value);
  };
  row(0, 0.0);
  row(1, 1.0);
  row(2, -1.0);
  x.values[static_cast<std::size_t>(3 * x.cols)] = -0.0;
  Layout layout;
  layout.shards = {4, 2};
  layout.padding = 1;
  (void)run(live, inputs, layout);
  row(0, std::numeric_limits<double>::quiet_NaN());
  row(1, std::numeric_limits<double>::infinity());
  layout.any_value = true;
  (void)run(live, inputs, layout);
}

}  // namespace

template <class T>
std::string check_active_set(const Subject& subject) {
  const aesweep_component& component = subject.entry->component;
  bool sets = false;
  const bool layer = component.kind == AESWEEP_LAYER;
  if (!layer && component.kind != AESWEEP_ACTIVATION) skip("only activations and layers have any");
  for_each_example<T>(subject, [&](Live<T>& live) {
    if (layer) check_entries(live);
    if (live.planned().active_per_row == 0) return;
    sets = true;
    check_sets(live);
  });
  if (!layer && !sets) skip("declares none");
  if (!sets) return "x with its entries gives what x alone gives";
  return "entries agree with the matrix, columns rise, within the declared number a row";
}

#define AESWEEP_INSTANTIATE(check)                   \
  template std::string check<float>(const Subject&); \
  template std::string check<double>(const Subject&)
AESWEEP_INSTANTIATE(check_shapes);
AESWEEP_INSTANTIATE(check_steps);
AESWEEP_INSTANTIATE(check_longer);
AESWEEP_INSTANTIATE(check_rows_split);
AESWEEP_INSTANTIATE(check_rounds);
AESWEEP_INSTANTIATE(check_in_place);
AESWEEP_INSTANTIATE(check_active_set);
#undef AESWEEP_INSTANTIATE

}  // namespace aesweep::conformance
