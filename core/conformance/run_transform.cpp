// Activations and layers.
#include "core/conformance/active_set.hpp"
#include "core/conformance/stage.hpp"

namespace aesweep::conformance {
namespace {

template <class T>
class TransformRun {
 public:
  using Memory = typename Abi<T>::Memory;
  using Matrix = typename Abi<T>::Matrix;
  using ConstMatrix = typename Abi<T>::ConstMatrix;

  TransformRun(const Live<T>& live, const Inputs& inputs, const Layout& layout);
  Outcome play();

 private:
  [[nodiscard]] bool in_place() const { return layout_.in_place && live_.has(AESWEEP_IN_PLACE); }
  [[nodiscard]] ConstMatrix x_of(std::size_t s) const;
  [[nodiscard]] Matrix y_of(std::size_t s);
  void prepare(Extended<Memory>& memory, std::size_t s);
  void after(const char* what, const Extended<Memory>& memory, std::size_t s);
  void rounds(aesweep_phase phase, aesweep_mode mode);
  void accumulate(std::uint32_t round, aesweep_phase phase, aesweep_mode mode, std::size_t s);
  void forward(aesweep_mode mode);
  void poison_before_backward();
  void backward();
  void backward_shard(std::size_t s);
  void end_step();
  void evaluate(Outcome& outcome);

  const Live<T>& live_;
  const Layout& layout_;
  typename Abi<T>::Transform table_;
  Grid<T> x_, y_, dy_, dx_;
  Tensors<T> parameters_, viewed_, buffers_;
  std::vector<Piece> gradients_;
  std::vector<ActiveSet<T>> sets_;  // By shard: of y, or of x (sparse_input).
  Statistics statistics_;
  Scratch workspace_;
  std::vector<Scratch> kept_;
};

template <class T>
TransformRun<T>::TransformRun(const Live<T>& live, const Inputs& inputs, const Layout& layout)
    : live_(live),
      layout_(layout),
      table_(live.template table<typename Abi<T>::Transform>()),
      x_(grid_of<T>(inputs.at("x"), layout)),
      y_(layout.rows(), live.planned().output_cols, layout.padding, layout.offset),
      dy_(grid_of<T>(inputs.at("dy"), layout)),
      dx_(layout.rows(), x_.cols(), layout.padding, layout.offset),
      statistics_(live.rounds()),
      workspace_(live.planned().workspace_bytes, layout.garbage) {
  const auto add = [&](Tensors<T>& tensors, const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) {
      tensors.add(piece.name, piece.rows, piece.cols, layout.offset);
      tensors.grid(tensors.size() - 1).set(piece.values);
      gradients_.push_back({"gradient of " + piece.name, piece.rows, piece.cols,
                            std::vector<double>(piece.values.size())});
    }
  };
  add(parameters_, inputs.parameters);
  add(viewed_, inputs.viewed);
  for (const aesweep_tensor& tensor : live.tensors()) {
    if (tensor.role != AESWEEP_BUFFER) continue;
    buffers_.add(tensor.name, tensor.rows, tensor.cols, layout.offset);
    buffers_.grid(buffers_.size() - 1).fill(tensor.init_a);
  }
  for (std::size_t s = 0; s < layout.shards.size(); ++s) {
    kept_.emplace_back(live.planned().kept_bytes, layout.garbage);
    const std::int64_t per_row = layout.sparse_input ? x_.cols() : live.planned().active_per_row;
    sets_.emplace_back(layout.shards[s], layout.shards[s] * per_row);
    if (layout.sparse_input) sets_.back().take(x_.in(first_row(layout, s), layout.shards[s]));
  }
}

template <class T>
auto TransformRun<T>::x_of(std::size_t s) const -> ConstMatrix {
  ConstMatrix x = x_.in(first_row(layout_, s), layout_.shards[s]);
  if (layout_.sparse_input) x.active = sets_[s].get();
  return x;
}

template <class T>
auto TransformRun<T>::y_of(std::size_t s) -> Matrix {
  Grid<T>& grid = in_place() ? x_ : y_;
  Matrix y = grid.out(first_row(layout_, s), layout_.shards[s]);
  if (live_.planned().active_per_row > 0) y.active = sets_[s].get();
  return y;
}

template <class T>
void TransformRun<T>::prepare(Extended<Memory>& memory, std::size_t s) {
  workspace_.refill();
  memory.value.parameters = parameters_.const_pointers();
  memory.value.buffers = buffers_.pointers();
  memory.value.statistics = statistics_.results();
  memory.value.kept = kept_[s].data();
  memory.value.workspace = workspace_.data();
  memory.value.viewed = viewed_.const_pointers();
  buffers_.remember();
}

template <class T>
void TransformRun<T>::after(const char* what, const Extended<Memory>& memory, std::size_t s) {
  if (!memory.tail_intact()) fail(what, " writes behind the members of memory that it knows");
  if (!workspace_.guard_intact()) fail(what, " writes behind its workspace_bytes");
  if (!kept_[s].guard_intact()) fail(what, " writes behind its kept_bytes");
  buffers_.require_unchanged("buffer", what);
}

template <class T>
void TransformRun<T>::accumulate(std::uint32_t round, aesweep_phase phase, aesweep_mode mode,
                                 std::size_t s) {
  Extended<Memory> memory(layout_.longer);
  prepare(memory, s);
  Grid<double>& leaf = statistics_.leaf(round);
  memory.value.statistic = leaf.data();
  Extended<aesweep_context> context(layout_.longer);
  context.set(shard_context(layout_, s, mode));
  const ConstMatrix x = x_of(s);
  const ConstMatrix dy = dy_.in(first_row(layout_, s), layout_.shards[s]);
  live_.call("accumulate", table_.accumulate, &context.value, round, &memory.value, &x,
             phase == AESWEEP_BEFORE_BACKWARD ? &dy : nullptr);
  after("accumulate", memory, s);
  statistics_.merge(round);
}

template <class T>
void TransformRun<T>::rounds(aesweep_phase phase, aesweep_mode mode) {
  for (std::uint32_t r = 0; r < live_.rounds().size(); ++r) {
    const aesweep_round& round = live_.rounds()[r];
    if (round.phase != static_cast<std::uint32_t>(phase)) continue;
    if (mode == AESWEEP_EVAL && (round.flags & AESWEEP_TRAIN_ONLY) != 0) continue;
    if (table_.accumulate == nullptr) fail("plan declares rounds, but there is no accumulate");
    for (std::size_t s = 0; s < layout_.shards.size(); ++s) accumulate(r, phase, mode, s);
    statistics_.finish(r);
  }
}

template <class T>
void TransformRun<T>::forward(aesweep_mode mode) {
  for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
    Extended<Memory> memory(layout_.longer);
    prepare(memory, s);
    Extended<aesweep_context> context(layout_.longer);
    context.set(shard_context(layout_, s, mode));
    const ConstMatrix x = x_of(s);
    const Matrix y = y_of(s);
    live_.call("forward", table_.forward, &context.value, &memory.value, &x, &y);
    after("forward", memory, s);
    if (y.active != nullptr) {
      const ConstMatrix dense = {y.data, nullptr, y.rows, y.cols, y.row_stride};
      sets_[s].require_consistent(dense, live_.planned().active_per_row);
    }
  }
  Grid<T>& y = in_place() ? x_ : y_;
  if (!y.canaries_intact()) fail("forward writes outside of y, into padding or neighbours");
  try {
    require_written(layout_, piece_of("y", y));
  } catch (const Finding& finding) {
    if (in_place()) throw;
    const std::vector<double> x = x_.values();
    const auto [least, most] = std::minmax_element(x.begin(), x.end());
    fail(finding.text, "; x lies within [", *least, ", ", *most,
         "], and a component takes all real numbers");
  }
}

// What backward may not read is NaN by then.
template <class T>
void TransformRun<T>::poison_before_backward() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const bool layer = live_.component().kind == AESWEEP_LAYER;
  if (layer && !live_.has(AESWEEP_READS_OUTPUT)) y_.fill(nan);
  if (!layer && live_.has(AESWEEP_IN_PLACE) && !in_place()) x_.fill(nan);
  if (!live_.has(AESWEEP_GRADIENT_AT_ACTIVE) || live_.planned().active_per_row == 0) return;
  for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
    sets_[s].poison_others(dy_.out(first_row(layout_, s), layout_.shards[s]));
  }
}

template <class T>
void TransformRun<T>::backward_shard(std::size_t s) {
  Extended<Memory> memory(layout_.longer);
  prepare(memory, s);
  Tensors<T> gradients, viewed;
  const auto add = [&](Tensors<T>& out, const Tensors<T>& of) {
    for (std::size_t t = 0; t < of.size(); ++t) {
      const Piece piece = of.piece(t, "");
      out.add(piece.name, piece.rows, piece.cols, layout_.offset);
    }
  };
  add(gradients, parameters_);
  add(viewed, viewed_);
  memory.value.gradients = gradients.pointers();
  memory.value.viewed_gradients = viewed.pointers();
  Extended<aesweep_context> context(layout_.longer);
  context.set(shard_context(layout_, s, AESWEEP_TRAIN));
  const std::int64_t first = first_row(layout_, s);
  const ConstMatrix x = x_of(s);
  const Matrix out = y_of(s);
  const ConstMatrix y = {out.data, out.active, out.rows, out.cols, out.row_stride};
  ConstMatrix dy = dy_.in(first, layout_.shards[s]);
  Matrix dx = (in_place() ? dy_ : dx_).out(first, layout_.shards[s]);
  if (layout_.sparse_input) dx.active = sets_[s].get();
  live_.call("backward", table_.backward, &context.value, &memory.value, &x, &y, &dy,
             layout_.without_gradient ? nullptr : &dx);
  after("backward", memory, s);
  gradients.require_canaries("the gradient of", "backward");
  viewed.require_canaries("the gradient of", "backward");
  for (std::size_t t = 0; t < gradients_.size(); ++t) {
    const bool own = t < gradients.size();
    const Piece part = own ? gradients.piece(t, "gradient of ")
                           : viewed.piece(t - gradients.size(), "gradient of ");
    require_written(layout_, part);
    for (std::size_t i = 0; i < part.values.size(); ++i) gradients_[t].values[i] += part.values[i];
  }
}

template <class T>
void TransformRun<T>::backward() {
  poison_before_backward();
  if (layout_.sparse_input) dx_.fill(0.0);
  for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
    backward_shard(s);
    if (layout_.sparse_input) {
      sets_[s].clear_others(dx_.out(first_row(layout_, s), layout_.shards[s]));
    }
  }
  Grid<T>& dx = in_place() ? dy_ : dx_;
  if (!dx.canaries_intact()) fail("backward writes outside of dx, into padding or neighbours");
  if (!layout_.without_gradient) require_written(layout_, piece_of("dx", dx));
}

template <class T>
void TransformRun<T>::end_step() {
  if (table_.end_step == nullptr) return;
  Extended<Memory> memory(layout_.longer);
  prepare(memory, 0);
  Extended<aesweep_context> context(layout_.longer);
  context.set(batch_context(layout_, AESWEEP_TRAIN));
  live_.call("end_step", table_.end_step, &context.value, &memory.value);
  buffers_.require_canaries("buffer", "end_step");
}

template <class T>
void TransformRun<T>::evaluate(Outcome& outcome) {
  Layout layout = layout_;
  y_ = Grid<T>(layout_.rows(), live_.planned().output_cols, layout_.padding, layout_.offset);
  statistics_ = Statistics(live_.rounds());
  rounds(AESWEEP_BEFORE_FORWARD, AESWEEP_EVAL);
  forward(AESWEEP_EVAL);
  outcome.push_back(piece_of("y in evaluation", y_));
}

template <class T>
Outcome TransformRun<T>::play() {
  Outcome outcome;
  const Grid<T> x = x_.copy();
  const Grid<T> dy = dy_.copy();
  parameters_.remember();
  viewed_.remember();
  rounds(AESWEEP_BEFORE_FORWARD, AESWEEP_TRAIN);
  forward(AESWEEP_TRAIN);
  outcome.push_back(piece_of("y", in_place() ? x_ : y_));
  if (layout_.value_only) return outcome;
  if (!in_place() && !x_.same_bytes(x)) fail("forward or accumulate changes x");

  rounds(AESWEEP_BEFORE_BACKWARD, AESWEEP_TRAIN);
  if (!dy_.same_bytes(dy)) fail("accumulate changes dy");
  backward();
  if (!layout_.without_gradient) outcome.push_back(piece_of("dx", in_place() ? dy_ : dx_));
  for (const Piece& gradient : gradients_) outcome.push_back(gradient);
  for (std::size_t r = 0; r < statistics_.size(); ++r) outcome.push_back(statistics_.piece(r));
  end_step();
  for (std::size_t b = 0; b < buffers_.size(); ++b) {
    outcome.push_back(buffers_.piece(b, "buffer "));
    require_written(layout_, outcome.back());
  }
  parameters_.require_unchanged("parameter", "forward or backward");
  viewed_.require_unchanged("viewed tensor", "forward or backward");
  if (in_place()) return outcome;
  x_ = x.copy();
  evaluate(outcome);
  return outcome;
}

}  // namespace

template <class T>
Outcome run_transform(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  return TransformRun<T>(live, inputs, layout).play();
}

template Outcome run_transform<float>(const Live<float>&, const Inputs&, const Layout&);
template Outcome run_transform<double>(const Live<double>&, const Inputs&, const Layout&);

}  // namespace aesweep::conformance
