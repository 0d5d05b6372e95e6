// Losses, and regularizers on activations and on their layer's parameters.
#include "core/conformance/run_weights.hpp"
#include "core/conformance/stage.hpp"

namespace aesweep::conformance {
namespace {

template <class T>
class RegularizerRun {
 public:
  using Memory = typename Abi<T>::Memory;
  using Views = typename Abi<T>::Views;
  using Matrix = typename Abi<T>::Matrix;

  RegularizerRun(const Live<T>& live, const Inputs& inputs, const Layout& layout);
  void play(Outcome& outcome);

 private:
  void prepare(Extended<Memory>& memory);
  void after(const char* what, const Extended<Memory>& memory, const Extended<Views>& views);
  void see(Extended<Views>& views, std::size_t s) const;
  void rounds();
  void shard(std::size_t s);

  const Live<T>& live_;
  const Layout& layout_;
  typename Abi<T>::Regularizer table_;
  Grid<T> input_, pre_, output_, gradient_;
  Tensors<T> parameters_, gradients_;
  Statistics statistics_;
  Scratch workspace_;
  Scratch kept_;
  double value_ = 0.0;
};

template <class T>
RegularizerRun<T>::RegularizerRun(const Live<T>& live, const Inputs& inputs, const Layout& layout)
    : live_(live),
      layout_(layout),
      table_(live.template table<typename Abi<T>::Regularizer>()),
      input_(grid_of<T>(inputs.at("input"), layout)),
      pre_(grid_of<T>(inputs.at("pre_activation"), layout)),
      output_(grid_of<T>(inputs.at("output"), layout)),
      gradient_(output_.rows(), output_.cols(), layout.padding, layout.offset),
      statistics_(live.rounds()),
      workspace_(live.planned().workspace_bytes, layout.garbage),
      kept_(live.planned().kept_bytes, layout.garbage) {
  gradient_.fill(layout.gradient_base);
  for (const Piece& piece : inputs.parameters) {
    parameters_.add(piece.name, piece.rows, piece.cols, layout.offset);
    parameters_.grid(parameters_.size() - 1).set(piece.values);
    gradients_.add(piece.name, piece.rows, piece.cols, layout.offset);
    gradients_.grid(gradients_.size() - 1).fill(layout.gradient_base);
  }
}

template <class T>
void RegularizerRun<T>::prepare(Extended<Memory>& memory) {
  workspace_.refill();
  if ((live_.component().views & AESWEEP_VIEW_PARAMETERS) != 0) {
    memory.value.parameters = parameters_.const_pointers();
    memory.value.gradients = gradients_.pointers();
  }
  memory.value.statistics = statistics_.results();
  memory.value.kept = kept_.data();
  memory.value.workspace = workspace_.data();
}

template <class T>
void RegularizerRun<T>::after(const char* what, const Extended<Memory>& memory,
                              const Extended<Views>& views) {
  if (!memory.tail_intact() || !views.tail_intact()) {
    fail(what, " writes behind the members of a struct that it knows");
  }
  if (!workspace_.guard_intact()) fail(what, " writes behind its workspace_bytes");
  if (!kept_.guard_intact()) fail(what, " writes behind its kept_bytes");
}

template <class T>
void RegularizerRun<T>::see(Extended<Views>& views, std::size_t s) const {
  const std::uint32_t wanted = live_.component().views;
  const std::int64_t first = first_row(layout_, s);
  const std::int64_t rows = layout_.shards[s];
  if ((wanted & AESWEEP_VIEW_INPUT) != 0) views.value.input = input_.in(first, rows);
  if ((wanted & AESWEEP_VIEW_PRE_ACTIVATION) != 0) {
    views.value.pre_activation = pre_.in(first, rows);
  }
  if ((wanted & AESWEEP_VIEW_OUTPUT) != 0) views.value.output = output_.in(first, rows);
}

template <class T>
void RegularizerRun<T>::rounds() {
  for (std::uint32_t r = 0; r < live_.rounds().size(); ++r) {
    if (table_.accumulate == nullptr) fail("plan declares rounds, but there is no accumulate");
    for (std::size_t s = 0; s < layout_.shards.size(); ++s) {
      Extended<Memory> memory(layout_.longer);
      prepare(memory);
      memory.value.statistic = statistics_.leaf(r).data();
      Extended<Views> views(layout_.longer);
      see(views, s);
      Extended<aesweep_context> context(layout_.longer);
      context.set(shard_context(layout_, s, AESWEEP_TRAIN));
      live_.call("accumulate", table_.accumulate, &context.value, r, &memory.value, &views.value);
      after("accumulate", memory, views);
      statistics_.merge(r);
    }
    statistics_.finish(r);
  }
}

template <class T>
void RegularizerRun<T>::shard(std::size_t s) {
  Extended<Memory> memory(layout_.longer);
  prepare(memory);
  Extended<Views> views(layout_.longer);
  see(views, s);
  Extended<aesweep_context> context(layout_.longer);
  context.set(shard_context(layout_, s, AESWEEP_TRAIN));
  const Matrix gradient = gradient_.out(first_row(layout_, s), layout_.shards[s]);
  const bool wanted = !layout_.value_only && !layout_.without_gradient;
  double value = std::numeric_limits<double>::quiet_NaN();
  live_.call("on_activations", table_.on_activations, &context.value, &memory.value, &views.value,
             &value, wanted ? &gradient : nullptr);
  after("on_activations", memory, views);
  value_ += value;
  if (table_.on_layer_parameters == nullptr || !wanted) return;
  live_.call("on_layer_parameters", table_.on_layer_parameters, &context.value, &memory.value,
             &views.value);
  after("on_layer_parameters", memory, views);
}

template <class T>
void RegularizerRun<T>::play(Outcome& outcome) {
  const Grid<T> input = input_.copy();
  const Grid<T> pre = pre_.copy();
  const Grid<T> output = output_.copy();
  parameters_.remember();
  rounds();
  for (std::size_t s = 0; s < layout_.shards.size(); ++s) shard(s);
  if (!input_.same_bytes(input) || !pre_.same_bytes(pre) || !output_.same_bytes(output)) {
    fail("accumulate or on_activations changes a view");
  }
  parameters_.require_unchanged("parameter", "accumulate or on_activations");
  gradients_.require_canaries("the gradient of", "on_layer_parameters");
  if (!gradient_.canaries_intact()) {
    fail("on_activations writes outside of gradient, into padding or neighbours");
  }
  outcome.push_back({"penalty", 1, 1, {value_}});
  if (!layout_.value_only && !layout_.without_gradient) {
    outcome.push_back(piece_of("gradient", gradient_));
    if (table_.on_layer_parameters != nullptr) {
      for (std::size_t t = 0; t < gradients_.size(); ++t) {
        outcome.push_back(gradients_.piece(t, "gradient of "));
      }
    }
  }
  for (std::size_t r = 0; r < statistics_.size(); ++r) outcome.push_back(statistics_.piece(r));
  for (const Piece& piece : outcome) require_written(layout_, piece);
}

}  // namespace

template <class T>
Outcome run_regularizer(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  Outcome outcome;
  const auto table = live.template table<typename Abi<T>::Regularizer>();
  if (table.on_activations != nullptr) RegularizerRun<T>(live, inputs, layout).play(outcome);
  run_parameter_blocks(live, inputs, layout, outcome);
  return outcome;
}

template <class T>
Outcome run_loss(const Live<T>& live, const Inputs& inputs, const Layout& layout) {
  const auto table = live.template table<typename Abi<T>::Loss>();
  const Grid<T> prediction = grid_of<T>(inputs.at("prediction"), layout);
  const Grid<T> target = grid_of<T>(inputs.at("target"), layout);
  const Grid<T> prediction_before = prediction.copy();
  const Grid<T> target_before = target.copy();
  Grid<T> gradient(prediction.rows(), prediction.cols(), layout.padding, layout.offset);
  Scratch workspace(live.planned().workspace_bytes, layout.garbage);
  Scratch kept(live.planned().kept_bytes, layout.garbage);
  const bool wanted = !layout.value_only && !layout.without_gradient;
  double sum = 0.0;
  for (std::size_t s = 0; s < layout.shards.size(); ++s) {
    Extended<typename Abi<T>::Memory> memory(layout.longer);
    workspace.refill();
    memory.value.workspace = workspace.data();
    memory.value.kept = kept.data();
    Extended<aesweep_context> context(layout.longer);
    context.set(shard_context(layout, s, AESWEEP_TRAIN));
    const std::int64_t first = first_row(layout, s);
    const auto p = prediction.in(first, layout.shards[s]);
    const auto t = target.in(first, layout.shards[s]);
    const auto g = gradient.out(first, layout.shards[s]);
    double value = std::numeric_limits<double>::quiet_NaN();
    live.call("evaluate", table.evaluate, &context.value, &memory.value, &p, &t,
              inputs.labels.data() + first, &value, wanted ? &g : nullptr);
    if (!memory.tail_intact() || !workspace.guard_intact() || !kept.guard_intact()) {
      fail("evaluate writes behind its memory");
    }
    sum += value;
  }
  if (!gradient.canaries_intact()) {
    fail("evaluate writes outside of gradient, into padding or neighbours");
  }
  if (!prediction.same_bytes(prediction_before) || !target.same_bytes(target_before)) {
    fail("evaluate changes prediction or target");
  }
  Outcome outcome = {{"loss", 1, 1, {sum}}};
  if (wanted) outcome.push_back(piece_of("gradient", gradient));
  for (const Piece& piece : outcome) require_written(layout, piece);
  return outcome;
}

template Outcome run_regularizer<float>(const Live<float>&, const Inputs&, const Layout&);
template Outcome run_regularizer<double>(const Live<double>&, const Inputs&, const Layout&);
template Outcome run_loss<float>(const Live<float>&, const Inputs&, const Layout&);
template Outcome run_loss<double>(const Live<double>&, const Inputs&, const Layout&);

}  // namespace aesweep::conformance
