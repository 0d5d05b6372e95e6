// Blocks of weights: quantizers, optimizers, and regularizers on weights.
#include "core/conformance/run_weights.hpp"

namespace aesweep::conformance {
namespace {

aesweep_block whole_tensor(const Piece& w, const Layout& layout) {
  aesweep_block block{};
  block.struct_size = sizeof block;
  block.flags = AESWEEP_MAY_QUANTIZE | (layout.may_decay ? std::uint32_t{AESWEEP_MAY_DECAY} : 0u);
  block.count = w.values.size();
  block.rows = w.rows;
  block.cols = w.cols;
  return block;
}

// An optimizer or quantizer sees a tensor as one row of numbers.
template <class T>
Grid<T> flat(const Piece& piece, const Layout& layout) {
  Grid<T> grid(1, static_cast<std::int64_t>(piece.values.size()), 0, layout.offset);
  grid.set(piece.values);
  return grid;
}

template <class T>
Piece shaped(const std::string& name, const Piece& like, const Grid<T>& grid) {
  return {name, like.rows, like.cols, grid.values()};
}

}  // namespace

std::vector<aesweep_block> blocks_of(const Piece& w, const Layout& layout, bool whole) {
  if (whole) return {whole_tensor(w, layout)};
  std::vector<aesweep_block> blocks;
  std::uint64_t first = 0;
  for (const std::int64_t rows : layout.shards) {
    aesweep_block block = whole_tensor(w, layout);
    block.first = first;
    block.count = static_cast<std::uint64_t>(rows * w.cols);
    first += block.count;
    if (block.count > 0) blocks.push_back(block);
  }
  return blocks;
}

template <class T>
void run_parameter_blocks(const Live<T>& live, const Inputs& inputs, const Layout& layout,
                          Outcome& outcome) {
  const auto table = live.template table<typename Abi<T>::Regularizer>();
  if (table.on_parameter_block == nullptr) return;
  const Piece& weights = inputs.at("w");
  const Grid<T> w = flat<T>(weights, layout);
  const Grid<T> before = w.copy();
  Grid<T> gradient(1, w.cols(), 0, layout.offset);
  gradient.fill(layout.gradient_base);
  double sum = 0.0;
  for (const aesweep_block& members : blocks_of(weights, layout, false)) {
    Extended<aesweep_block> block(layout.longer);
    block.set(members);
    Extended<aesweep_context> context(layout.longer);
    context.set(batch_context(layout, AESWEEP_TRAIN));
    double value = std::numeric_limits<double>::quiet_NaN();
    const std::uint64_t first = members.first;
    live.call("on_parameter_block", table.on_parameter_block, &context.value, &block.value,
              w.data() + first, &value,
              layout.without_gradient || layout.value_only ? nullptr : gradient.data() + first);
    sum += value;
  }
  if (!gradient.canaries_intact()) fail("on_parameter_block writes outside of its gradient");
  if (!w.same_bytes(before)) fail("on_parameter_block changes the weights");
  outcome.push_back({"penalty on weight blocks", 1, 1, {sum}});
  require_written(layout, outcome.back());
  if (layout.value_only || layout.without_gradient) return;
  outcome.push_back(shaped("gradient of weight blocks", weights, gradient));
  require_written(layout, outcome.back());
}

template <class T>
Outcome run_quantizer(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  const auto table = live.template table<typename Abi<T>::Quantizer>();
  const Piece& weights = inputs.at("w");
  Grid<T> w = flat<T>(weights, layout);
  const Grid<T> before = w.copy();
  Grid<T> q(1, w.cols(), 0, layout.offset);
  Scratch kept(live.planned().kept_bytes, layout.garbage);
  Extended<aesweep_context> context(layout.longer);
  context.set(batch_context(layout, AESWEEP_TRAIN));
  Extended<aesweep_block> whole(layout.longer);
  whole.set(whole_tensor(weights, layout));
  live.call("quantize", table.quantize, &context.value, &whole.value, w.data(), q.data(),
            kept.data());
  if (!q.canaries_intact()) fail("quantize writes outside of q");
  if (!w.same_bytes(before)) fail("quantize changes w");
  if (!kept.guard_intact()) fail("quantize writes behind its kept_bytes");
  Outcome outcome = {shaped("q", weights, q)};
  require_written(layout, outcome.back());
  if (layout.value_only) return outcome;

  Grid<T> gradient = flat<T>(inputs.at("gradient"), layout);
  const Grid<T> previous = flat<T>(inputs.at("previous"), layout);
  const bool reads_previous = live.has(AESWEEP_READS_PREVIOUS);
  for (const aesweep_block& members : blocks_of(weights, layout, false)) {
    Extended<aesweep_block> block(layout.longer);
    block.set(members);
    const std::uint64_t first = members.first;
    if (table.backward != nullptr) {
      live.call("backward", table.backward, &context.value, &block.value, w.data() + first,
                gradient.data() + first, kept.data());
    }
    if (table.after_update != nullptr) {
      live.call("after_update", table.after_update, &context.value, &block.value,
                reads_previous ? previous.data() + first : nullptr, w.data() + first);
    }
  }
  if (!gradient.canaries_intact()) fail("backward writes outside of its gradient");
  if (!w.canaries_intact()) fail("after_update writes outside of its weights");
  outcome.push_back(shaped("gradient", weights, gradient));
  require_written(layout, outcome.back());
  outcome.push_back(shaped("w after update", weights, w));
  require_written(layout, outcome.back());
  return outcome;
}

template <class T>
Outcome run_optimizer(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  const auto table = live.template table<typename Abi<T>::Optimizer>();
  const Piece& weights = inputs.at("w");
  Grid<T> w = flat<T>(weights, layout);
  Tensors<T> state;
  for (const aesweep_tensor& tensor : live.tensors()) {
    state.add(tensor.name, 1, w.cols(), layout.offset);
    state.grid(state.size() - 1).fill(tensor.init_a);
  }
  for (std::uint64_t step = 0; step < layout.updates; ++step) {
    // Another gradient every step, both signs.
    Piece numbers = inputs.at("gradient");
    for (double& g : numbers.values) g *= layout.steady_gradient || step % 2 == 0 ? 1.0 : -0.5;
    const Grid<T> gradient = flat<T>(numbers, layout);
    const Grid<T> before = gradient.copy();
    for (const aesweep_block& members : blocks_of(weights, layout, !live.has(AESWEEP_BLOCKWISE))) {
      Extended<aesweep_block> block(layout.longer);
      block.set(members);
      Extended<aesweep_context> context(layout.longer);
      context.set(batch_context(layout, AESWEEP_TRAIN));
      context.value.step = context.value.train_step = layout.step + step;
      context.value.rate_factor = layout.rate_factor;
      std::vector<T*> at;
      for (std::size_t i = 0; i < state.size(); ++i) {
        at.push_back(state.grid(i).data() + members.first);
      }
      live.call("update", table.update, &context.value, &block.value, w.data() + members.first,
                gradient.data() + members.first, at.data());
    }
    if (!gradient.same_bytes(before)) fail("update changes the gradient");
  }
  if (!w.canaries_intact()) fail("update writes outside of its weights");
  state.require_canaries("state", "update");
  Outcome outcome = {shaped("w", weights, w)};
  for (std::size_t i = 0; i < state.size(); ++i) outcome.push_back(state.piece(i, "state "));
  for (const Piece& piece : outcome) require_written(layout, piece);
  return outcome;
}

template void run_parameter_blocks<float>(const Live<float>&, const Inputs&, const Layout&,
                                          Outcome&);
template void run_parameter_blocks<double>(const Live<double>&, const Inputs&, const Layout&,
                                           Outcome&);
template Outcome run_quantizer<float>(const Live<float>&, const Inputs&, const Layout&);
template Outcome run_quantizer<double>(const Live<double>&, const Inputs&, const Layout&);
template Outcome run_optimizer<float>(const Live<float>&, const Inputs&, const Layout&);
template Outcome run_optimizer<double>(const Live<double>&, const Inputs&, const Layout&);

}  // namespace aesweep::conformance
