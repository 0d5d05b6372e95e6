#include "core/train/metrics.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace aesweep {

void SplitSums::clear(std::size_t term_count, std::size_t units) {
  rows = 0;
  terms.assign(term_count, 0.0);
  squared_error = 0.0;
  code_sum = 0.0;
  unit_counts.assign(units, 0);
}

template <class T>
std::vector<MetricInfo> split_metrics(const std::string& split, const Network<T>& network,
                                      double threshold) {
  const std::string active = text("|a| > ", threshold);
  std::vector<MetricInfo> metrics;
  const auto add = [&](const std::string& name, const std::string& formula) {
    metrics.push_back({split + "/" + name, "1", formula});
  };
  add("loss", "sum of all loss terms; mean over the split's samples");
  add("loss_reconstruction",
      text(network.loss().name(), " of prediction and target; mean over the split's samples"));
  for (const Layer<T>& layer : network.layers()) {
    for (const Regularizer<T>& r : layer.on_activations) {
      add("loss_" + r.name, text(r.component.name(), " on the activations of ", layer.name));
    }
  }
  for (const Layer<T>& layer : network.layers()) {
    for (const Regularizer<T>& r : layer.on_weights) {
      add("loss_" + r.name, text(r.component.name(), " on the weights of ", layer.name));
    }
  }
  add("mse", "sum (x - y)^2 / (N D)");
  add("fvu", "sum (x - y)^2 / sum (x - column mean of x)^2 over the split");
  add("l0", text("mean over samples of the number of code units with ", active));
  add("dead", text("fraction of code units with ", active, " for no sample of the split"));
  add("mean_activation", "sum a / (N K) over samples and code units");
  return metrics;
}

std::vector<double> measure(const SplitSums& sums, std::int64_t cols, double variation) {
  const double rows = static_cast<double>(sums.rows);
  const double units = static_cast<double>(sums.unit_counts.size());
  double total = 0.0;
  for (const double term : sums.terms) total += term / rows;
  std::vector<double> values = {total};
  for (const double term : sums.terms) values.push_back(term / rows);
  std::uint64_t active = 0;
  for (const std::uint64_t count : sums.unit_counts) active += count;
  const auto dead = std::count(sums.unit_counts.begin(), sums.unit_counts.end(), 0u);
  values.push_back(sums.squared_error / (rows * static_cast<double>(cols)));
  values.push_back(sums.squared_error / variation);
  values.push_back(static_cast<double>(active) / rows);
  values.push_back(static_cast<double>(dead) / units);
  values.push_back(sums.code_sum / (rows * units));
  return values;
}

template std::vector<MetricInfo> split_metrics<float>(const std::string&, const Network<float>&,
                                                      double);
template std::vector<MetricInfo> split_metrics<double>(const std::string&, const Network<double>&,
                                                       double);

}  // namespace aesweep
