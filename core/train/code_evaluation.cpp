#include "core/train/code_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include "core/base/text.hpp"
#include "core/codes/binarizer.hpp"
#include "core/codes/health.hpp"
#include "core/codes/itq.hpp"
#include "core/codes/retrieval.hpp"
#include "core/model/call_trace.hpp"
#include "core/train/encoder.hpp"

namespace aesweep {
namespace {

// What a code is thresholded at, for formulae.
const char* threshold_text(Binarization kind) {
  switch (kind) {
    case Binarization::kZero:
      return "1 where the pre-activation is at least 0";
    case Binarization::kMean:
      return "1 where the code is above the unit's mean over the database";
    case Binarization::kMedian:
      return "1 where the code is above the unit's median over the database";
    case Binarization::kItq:
      return "1 where the centred code, rotated by PCA and iterative quantization, is at least 0";
  }
  return "";
}

void add_retrieval_metrics(std::int64_t radius,
                           const std::function<void(const char*, const std::string&)>& add) {
  const std::string mean = "; mean over queries";
  const std::string ap = "average precision of the database in order of Hamming distance, ";
  add("map", ap + "mean over all orders of equal distances; 0 without hits" + mean);
  add("map_worst", ap + "the least that an order of equal distances gives" + mean);
  add("map_best", ap + "the largest that an order of equal distances gives" + mean);
  add("precision_100",
      "fraction of hits among the nearest 100 (all, in a smaller database), mean "
      "over all orders of equal distances" +
          mean);
  add("precision_500",
      "fraction of hits among the nearest 500 (all, in a smaller database), mean "
      "over all orders of equal distances" +
          mean);
  add("precision_radius", text("fraction of hits among codes within Hamming distance ", radius,
                               "; 0 for a query with none; mean over all queries"));
  add("empty_queries", text("queries with no code within Hamming distance ", radius));
}

// The contiguous part of `count` things that rank `rank` of `ranks` does.
struct Part {
  std::int64_t first = 0;
  std::int64_t end = 0;
  [[nodiscard]] std::int64_t count() const { return end - first; }
};

Part part_of(std::int64_t count, int rank, int ranks) {
  return {count * rank / ranks, count * (rank + 1) / ranks};
}

// What one split gives: whole batches, of which the first `wanted` rows count.
struct Side {
  const Split* split = nullptr;
  std::int64_t wanted = 0;
  std::int64_t rows = 0;  // Up to the end of the last row's batch.
  RealCodes codes;
};

bool needs_pre(const CodeEvaluationSpec& spec) {
  return std::find(spec.binarize.begin(), spec.binarize.end(), Binarization::kZero) !=
         spec.binarize.end();
}

bool needs_itq(const CodeEvaluationSpec& spec) {
  return std::find(spec.binarize.begin(), spec.binarize.end(), Binarization::kItq) !=
         spec.binarize.end();
}

Side make_side(const Split& split, std::int64_t limit, std::int64_t batch_rows, std::int64_t units,
               bool has_pre) {
  Side side{&split, limit == 0 ? split.rows : std::min(limit, split.rows), 0, {}};
  const std::int64_t batches = (side.wanted + batch_rows - 1) / batch_rows;
  side.rows = std::min(batches * batch_rows, split.rows);
  const auto values = static_cast<std::size_t>(side.rows * units);
  side.codes = {side.rows, units, std::vector<double>(values),
                std::vector<double>(has_pre ? values : 0)};
  return side;
}

void keep_rows(PackedCodes& codes, std::int64_t rows) {
  codes.rows = rows;
  codes.words.resize(static_cast<std::size_t>(rows) * codes.words_per_row());
}

void keep_rows(RealCodes& codes, std::int64_t rows) {
  const auto values = static_cast<std::size_t>(rows * codes.units);
  codes.rows = rows;
  codes.codes.resize(values);
  if (!codes.pre.empty()) codes.pre.resize(values);
}

template <class T>
class Evaluation {
 public:
  Evaluation(const TrialSpec& spec, const Dataset& dataset, const Network<T>& network,
             Parameters<T>& parameters, Exchange& exchange, std::int64_t train_step)
      : spec_(spec),
        codes_(*spec.evaluate.codes),
        exchange_(exchange),
        reconstructs_(network.target() == Target::kInput),
        has_labels_(dataset.train.labels != nullptr && dataset.test.labels != nullptr),
        progress_([this] {
          call_trace().moved();
          exchange_.progress();
        }),
        encoder_(spec, network, parameters, train_step,
                 std::max(dataset.train.rows, dataset.test.rows), progress_) {
    const std::int64_t units =
        network.layers()[static_cast<std::size_t>(network.code_layer())].output_cols;
    const bool has_pre = needs_pre(codes_);
    database_ = make_side(dataset.train, codes_.database, spec.train.batch_rows, units, has_pre);
    queries_ = make_side(dataset.test, codes_.queries, spec.train.batch_rows, units, has_pre);
  }

  CodeScores run() {
    for (Side* side : {&database_, &queries_}) {
      if (!encode(*side)) return std::move(scores_);
    }
    keep_rows(database_.codes, database_.wanted);
    for (const Binarization kind : codes_.binarize) {
      if (!evaluate(kind)) break;
    }
    if (scores_.outcome.outcome != Outcome::kCompleted) scores_.values.clear();
    return std::move(scores_);
  }

 private:
  // The rows of this rank's batches, or of another's.
  [[nodiscard]] Part rows_of(const Side& side, int rank) const {
    const std::int64_t batch_rows = spec_.train.batch_rows;
    const std::int64_t batches = (side.rows + batch_rows - 1) / batch_rows;
    const Part part = part_of(batches, rank, exchange_.ranks());
    return {std::min(part.first * batch_rows, side.rows),
            std::min(part.end * batch_rows, side.rows)};
  }

  // Gives every rank the rows of all: `all` has them in order, and this rank's are in their place.
  template <class V>
  void share(std::span<V> all, const std::function<Part(int)>& values_of) {
    std::vector<std::size_t> counts;
    for (int rank = 0; rank < exchange_.ranks(); ++rank) {
      counts.push_back(static_cast<std::size_t>(values_of(rank).count()) * sizeof(V));
    }
    const Part part = values_of(exchange_.rank());
    const std::vector<V> mine(all.begin() + part.first, all.begin() + part.end);
    exchange_.share(std::as_bytes(std::span(mine)), counts, std::as_writable_bytes(all));
    progress_();
  }

  // Whether all is well on every rank; the lowest rank has the first batches, so that its fault is
  // the first on any number of ranks.
  bool agree(const Status& mine) {
    SharedText first = share_text(mine.ok() ? std::string() : mine.message(), exchange_);
    if (first.rank < 0) return true;
    scores_.outcome = {Outcome::kFailed, "codes: " + first.text, first.rank};
    return false;
  }

  // Of the same numbers on every rank.
  bool fail(const Status& status) {
    scores_.outcome = {Outcome::kFailed, status.message()};
    return false;
  }

  bool encode(Side& side) {
    const Part mine = rows_of(side, exchange_.rank());
    if (!agree(encoder_.encode(*side.split, mine.first, mine.count(), side.codes))) return false;
    const auto values_of = [&](int rank) {
      const Part part = rows_of(side, rank);
      return Part{part.first * side.codes.units, part.end * side.codes.units};
    };
    share(std::span(side.codes.codes), values_of);
    if (!side.codes.pre.empty()) share(std::span(side.codes.pre), values_of);
    return true;
  }

  bool evaluate(Binarization kind) {
    // Of the same codes on every rank, so that its fault is every rank's.
    const Result<Binarizer> binarizer =
        Binarizer::fit(kind, database_.codes, spec_.train.seed, progress_);
    if (!binarizer.ok()) return fail(binarizer.status());
    const Status finite = check_codes(kind, queries_.codes, queries_.wanted);
    if (!finite.ok()) return fail(finite.in("test split"));
    const PackedCodes database = binarizer->pack(database_.codes);
    progress_();
    PackedCodes queries = binarizer->pack(queries_.codes);
    if (reconstructs_ && !reconstruct(binarizer.value(), queries)) return false;
    keep_rows(queries, queries_.wanted);
    if (has_labels_) retrieve(queries, database);
    const CodeHealth health = code_health(database, progress_);
    scores_.values.insert(scores_.values.end(), {health.entropy, health.balance, health.correlation,
                                                 static_cast<double>(health.distinct),
                                                 static_cast<double>(health.constant)});
    return true;
  }

  bool reconstruct(const Binarizer& binarizer, const PackedCodes& queries) {
    const Part mine = rows_of(queries_, exchange_.rank());
    PackedCodes part = empty_codes(mine.count(), queries.bits);
    std::copy(queries.row(mine.first), queries.row(mine.end), part.words.begin());
    std::vector<double> errors(static_cast<std::size_t>(queries_.rows));
    const Status status =
        encoder_.squared_errors(*queries_.split, mine.first, mine.count(), binarizer.levels(part),
                                std::span(errors).subspan(static_cast<std::size_t>(mine.first),
                                                          static_cast<std::size_t>(mine.count())));
    if (!agree(status)) return false;
    share(std::span(errors), [&](int rank) { return rows_of(queries_, rank); });
    double sum = 0.0;
    for (std::int64_t i = 0; i < queries_.wanted; ++i) sum += errors[static_cast<std::size_t>(i)];
    const double mse =
        sum / (static_cast<double>(queries_.wanted) * static_cast<double>(queries_.split->cols));
    scores_.values.push_back(mse);
    if (std::isfinite(mse)) return true;
    scores_.outcome = {Outcome::kDiverged,
                       text("codes: the error of reconstructions from ",
                            binarization_name(binarizer.kind()), " bits is ", mse)};
    return false;
  }

  void retrieve(const PackedCodes& queries, const PackedCodes& database) {
    const auto queries_of = [&](int rank) {
      return part_of(queries.rows, rank, exchange_.ranks());
    };
    const Part mine = queries_of(exchange_.rank());
    const auto labels = [](const Side& side) {
      return std::span(side.split->labels, static_cast<std::size_t>(side.wanted));
    };
    std::vector<QueryScores> scores(static_cast<std::size_t>(queries.rows));
    score_queries(queries, labels(queries_), database, labels(database_), codes_.radius, mine.first,
                  std::span(scores).subspan(static_cast<std::size_t>(mine.first),
                                            static_cast<std::size_t>(mine.count())),
                  progress_);
    share(std::span(scores), queries_of);
    const RetrievalScores means = mean_scores(scores);
    scores_.values.insert(
        scores_.values.end(),
        {means.map, means.map_worst, means.map_best, means.precision_100, means.precision_500,
         means.precision_radius, static_cast<double>(means.empty_queries)});
  }

  const TrialSpec& spec_;
  const CodeEvaluationSpec& codes_;
  Exchange& exchange_;
  bool reconstructs_;
  bool has_labels_;
  std::function<void()> progress_;
  Encoder<T> encoder_;
  Side database_;
  Side queries_;
  CodeScores scores_;
};

}  // namespace

std::vector<MetricInfo> code_metrics(const CodeEvaluationSpec& spec, Target target,
                                     bool has_labels) {
  std::vector<MetricInfo> metrics;
  for (const Binarization kind : spec.binarize) {
    const auto add = [&](const char* name, const std::string& formula) {
      metrics.push_back({text("codes/", binarization_name(kind), "/", name), "1",
                         text(formula, "; bits: ", threshold_text(kind))});
    };
    if (target == Target::kInput) {
      add("mse", "sum (x - y)^2 / (N D) over queries, y from the bits' levels");
    }
    if (has_labels) add_retrieval_metrics(spec.radius, add);
    add("entropy",
        "mean over bits of -p log2 p - (1 - p) log2 (1 - p), p: fraction of ones in the "
        "database");
    add("balance", "mean over bits of |2 p - 1|, p: fraction of ones in the database");
    add("correlation",
        "mean over pairs of bits of |correlation| over the database; 0 for a constant bit");
    add("distinct", "different codes in the database");
    add("constant", "bits that are the same in the whole database");
  }
  return metrics;
}

template <class T>
CodeScores evaluate_codes(const TrialSpec& spec, const Dataset& dataset, const Network<T>& network,
                          Parameters<T>& parameters, Exchange& exchange, std::int64_t train_step) {
  return Evaluation<T>(spec, dataset, network, parameters, exchange, train_step).run();
}

std::uint64_t code_evaluation_bytes(const CodeEvaluationSpec& spec, std::int64_t train_rows,
                                    std::int64_t test_rows, std::int64_t batch_rows,
                                    std::int64_t units) {
  // Up to the end of the last row's batch.
  const auto used = [&](std::int64_t limit, std::int64_t rows) {
    if (limit == 0 || limit >= rows) return static_cast<std::uint64_t>(rows);
    return static_cast<std::uint64_t>(
        std::min((limit + batch_rows - 1) / batch_rows * batch_rows, rows));
  };
  const std::uint64_t database = used(spec.database, train_rows);
  const std::uint64_t queries = used(spec.queries, test_rows);
  const auto width = static_cast<std::uint64_t>(units);
  const std::uint64_t packed = 8 * ((width + 63) / 64);
  // Codes, and where needed pre-activations; of one split either, once more, while they are shared,
  // or while itq has them centred, or levels in their place.
  const std::uint64_t real =
      8 * width * ((needs_pre(spec) ? 2 : 1) * (database + queries) + std::max(database, queries));
  // Packed codes, of queries also this rank's part, of the database also sorted by label or by
  // columns.
  const std::uint64_t bits = packed * (2 * database + 2 * queries) + 64 * packed;
  // Of a row of the database: a median's column, or the order and label and a harmonic number, or
  // the order of codes; of a query its error and scores, once more while they are shared.
  const std::uint64_t by_row = 24 * database + 2 * (8 + sizeof(QueryScores)) * queries;
  // The order of a split's rows while it is encoded.
  const auto order = static_cast<std::uint64_t>(8 * std::max(train_rows, test_rows));
  return real + bits + by_row + order + (needs_itq(spec) ? itq_bytes(units) : 0);
}

template CodeScores evaluate_codes<float>(const TrialSpec&, const Dataset&, const Network<float>&,
                                          Parameters<float>&, Exchange&, std::int64_t);
template CodeScores evaluate_codes<double>(const TrialSpec&, const Dataset&, const Network<double>&,
                                           Parameters<double>&, Exchange&, std::int64_t);

}  // namespace aesweep
