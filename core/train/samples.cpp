#include "core/train/samples.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/data/row_feed.hpp"
#include "core/train/batch_plan.hpp"
#include "core/train/passes.hpp"
#include "core/train/workspace.hpp"

namespace aesweep {
namespace {

template <class T>
NamedTensor copy_rows(const std::string& name, const RowMatrix<T>& matrix, std::int64_t rows,
                      std::int64_t cols) {
  NamedTensor tensor{name, {rows, cols}, Abi<T>::kSpecScalar, {}};
  const std::size_t row_bytes = static_cast<std::size_t>(cols) * sizeof(T);
  tensor.bytes.resize(static_cast<std::size_t>(rows) * row_bytes);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::memcpy(tensor.bytes.data() + static_cast<std::size_t>(i) * row_bytes, matrix.row(i),
                row_bytes);
  }
  return tensor;
}

}  // namespace

template <class T>
NamedTensor named_tensor(std::string name, std::vector<std::int64_t> shape,
                         std::span<const T> values) {
  NamedTensor tensor{std::move(name), std::move(shape), Abi<T>::kSpecScalar, {}};
  const auto bytes = std::as_bytes(values);
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

template <class T>
Status take_samples(const TrialSpec& spec, const Dataset& dataset, const Network<T>& network,
                    Parameters<T>& parameters, TrialResult& result) {
  const std::int64_t count = std::min(spec.record.samples, dataset.test.rows);
  const std::vector<BatchPlan> plans = {make_batch_plan(count, spec.train.shard_rows, 0, 1)};
  SoloExchange alone;
  Workspace<T> workspace(network, plans);
  Passes<T> passes(network, parameters, workspace, plans, spec.evaluate.active_threshold, alone);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  RowFeed feed;
  feed.begin(dataset.test, rows, {{0, count}});
  AESWEEP_RETURN_IF_ERROR(feed.next(workspace.input.row(0), workspace.input.stride()));

  const aesweep_context context = batch_context(
      {AESWEEP_EVAL, 0, result.epochs, result.steps, spec.train.seed, result.steps}, plans.front());
  passes.begin(plans.front(), context, false);
  passes.forward();
  if (passes.fault().present()) return Status::world(passes.fault().reason);

  const bool by_label = network.target() == Target::kLabels;
  const auto code = static_cast<std::size_t>(network.code_layer());
  result.samples.push_back(copy_rows("inputs", workspace.input, count, network.input_cols()));
  result.samples.push_back(copy_rows("codes", workspace.layers[code].output(), count,
                                     network.layers()[code].output_cols));
  result.samples.push_back(copy_rows(by_label ? "predictions" : "reconstructions",
                                     workspace.layers.back().output(), count,
                                     network.target_cols()));
  if (dataset.test.labels != nullptr) {
    result.sample_labels.resize(static_cast<std::size_t>(count));
    gather_labels(dataset.test, rows, result.sample_labels.data());
  }
  return {};
}

template NamedTensor named_tensor<float>(std::string, std::vector<std::int64_t>,
                                         std::span<const float>);
template NamedTensor named_tensor<double>(std::string, std::vector<std::int64_t>,
                                          std::span<const double>);
template Status take_samples<float>(const TrialSpec&, const Dataset&, const Network<float>&,
                                    Parameters<float>&, TrialResult&);
template Status take_samples<double>(const TrialSpec&, const Dataset&, const Network<double>&,
                                     Parameters<double>&, TrialResult&);

}  // namespace aesweep
