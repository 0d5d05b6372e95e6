#include "core/codes/binarizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/codes/itq.hpp"

namespace aesweep {
namespace {

constexpr std::int64_t kProgressRows = 1024;

void now_and_then(std::int64_t row, const std::function<void()>& progress) {
  if (progress && row % kProgressRows == 0) progress();
}

Status check_finite(const char* what, std::span<const double> values, std::int64_t units) {
  const auto found =
      std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  if (found == values.end()) return {};
  const std::int64_t i = found - values.begin();
  return Status::input(text("codes: ", what, " of sample ", i / units, " in unit ", i % units,
                            " is ", *found, "; binary codes need finite numbers"));
}

std::vector<double> means(const RealCodes& from) {
  const auto units = static_cast<std::size_t>(from.units);
  std::vector<double> mean(units, 0.0);
  for (std::int64_t i = 0; i < from.rows; ++i) {
    const double* row = from.codes.data() + i * from.units;
    for (std::size_t j = 0; j < units; ++j) mean[j] += row[j];
  }
  for (double& m : mean) m /= static_cast<double>(from.rows);
  return mean;
}

Status check_itq_units(std::int64_t units) {
  if (units <= kItqUnitsMax) return {};
  return Status::input(text("codes: itq of ", units, " units; its rotation is found for at most ",
                            kItqUnitsMax, ": evaluate a narrower code layer, or other bits"));
}

Status check_means(std::span<const double> mean) {
  for (std::size_t j = 0; j < mean.size(); ++j) {
    if (std::isfinite(mean[j])) continue;
    return Status::input(text("codes: unit ", j, " has codes so large that their mean overflows"));
  }
  return {};
}

std::vector<double> medians(const RealCodes& from, const std::function<void()>& progress) {
  std::vector<double> median;
  std::vector<double> column(static_cast<std::size_t>(from.rows));
  const auto middle = column.begin() + from.rows / 2;
  for (std::int64_t j = 0; j < from.units; ++j) {
    for (std::int64_t i = 0; i < from.rows; ++i) {
      column[static_cast<std::size_t>(i)] =
          from.codes[static_cast<std::size_t>(i * from.units + j)];
    }
    std::nth_element(column.begin(), middle, column.end());
    const double upper = *middle;
    const double lower = from.rows % 2 == 1 ? upper : *std::max_element(column.begin(), middle);
    median.push_back(lower + (upper - lower) / 2);
    if (progress) progress();
  }
  return median;
}

// out[units] = (code - mean) rotation, added in the order of the units: a row's components do not
// depend on the rows around it.
void rotate(const double* code, std::span<const double> mean, std::span<const double> rotation,
            std::span<double> out) {
  const std::size_t units = out.size();
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t k = 0; k < units; ++k) {
    const double centred = code[k] - mean[k];
    const double* row = rotation.data() + k * units;
    for (std::size_t j = 0; j < units; ++j) out[j] += centred * row[j];
  }
}

}  // namespace

const char* binarization_name(Binarization kind) {
  switch (kind) {
    case Binarization::kZero:
      return "zero";
    case Binarization::kMean:
      return "mean";
    case Binarization::kMedian:
      return "median";
    case Binarization::kItq:
      return "itq";
  }
  return "unknown";
}

Status check_codes(Binarization kind, const RealCodes& codes, std::int64_t rows) {
  const auto count = static_cast<std::size_t>(rows * codes.units);
  AESWEEP_RETURN_IF_ERROR(
      check_finite("the code", std::span(codes.codes).first(count), codes.units));
  if (kind != Binarization::kZero) return {};
  return check_finite("the pre-activation", std::span(codes.pre).first(count), codes.units);
}

// Calls visit(row, thresholded values, values whose means are levels) for each row.
template <class Visit>
void Binarizer::for_rows(const RealCodes& codes, const Visit& visit) const {
  std::vector<double> rotated(kind_ == Binarization::kItq ? static_cast<std::size_t>(units_) : 0);
  for (std::int64_t i = 0; i < codes.rows; ++i) {
    const double* code = codes.codes.data() + i * units_;
    if (kind_ == Binarization::kItq) {
      rotate(code, mean_, rotation_, rotated);
      visit(i, rotated.data(), rotated.data());
    } else {
      visit(i, kind_ == Binarization::kZero ? codes.pre.data() + i * units_ : code, code);
    }
  }
}

bool Binarizer::is_one(std::size_t unit, double value) const {
  // At least 0, or above mean or median.
  if (thresholds_.empty()) return value >= 0.0;
  return value > thresholds_[unit];
}

void Binarizer::fit_levels(const RealCodes& database, const std::function<void()>& progress) {
  const auto units = static_cast<std::size_t>(units_);
  std::vector<double> sums[2] = {std::vector<double>(units), std::vector<double>(units)};
  std::vector<std::int64_t> ones(units, 0);
  for_rows(database, [&](std::int64_t row, const double* values, const double* levels) {
    for (std::size_t j = 0; j < units; ++j) {
      const bool one = is_one(j, values[j]);
      sums[one ? 1 : 0][j] += levels[j];
      ones[j] += one ? 1 : 0;
    }
    now_and_then(row, progress);
  });
  low_.resize(units);
  high_.resize(units);
  for (std::size_t j = 0; j < units; ++j) {
    const std::int64_t zeros = database.rows - ones[j];
    if (zeros > 0) low_[j] = sums[0][j] / static_cast<double>(zeros);
    if (ones[j] > 0) high_[j] = sums[1][j] / static_cast<double>(ones[j]);
    if (zeros == 0) low_[j] = high_[j];
    if (ones[j] == 0) high_[j] = low_[j];
  }
}

Result<Binarizer> Binarizer::fit(Binarization kind, const RealCodes& database, std::uint64_t seed,
                                 const std::function<void()>& progress) {
  AESWEEP_CHECK(database.rows >= 1 && database.units >= 1, "a binarizer is fitted to codes");
  if (database.units > kCodeBitsMax) {
    return Status::input(text("codes: ", database.units, " units; binary codes have at most ",
                              kCodeBitsMax, " bits: evaluate a narrower code layer"));
  }
  if (kind == Binarization::kItq) AESWEEP_RETURN_IF_ERROR(check_itq_units(database.units));
  AESWEEP_RETURN_IF_ERROR(check_codes(kind, database, database.rows));
  Binarizer binarizer;
  binarizer.kind_ = kind;
  binarizer.units_ = database.units;
  if (kind == Binarization::kMean) {
    binarizer.thresholds_ = means(database);
    AESWEEP_RETURN_IF_ERROR(check_means(binarizer.thresholds_));
  }
  if (kind == Binarization::kMedian) binarizer.thresholds_ = medians(database, progress);
  if (kind == Binarization::kItq) {
    binarizer.mean_ = means(database);
    AESWEEP_RETURN_IF_ERROR(check_means(binarizer.mean_));
    std::vector<double> centred = database.codes;
    for (std::size_t i = 0; i < centred.size(); ++i) {
      centred[i] -= binarizer.mean_[i % static_cast<std::size_t>(database.units)];
    }
    Result<std::vector<double>> rotation =
        itq_rotation(centred, database.rows, database.units, seed, progress);
    AESWEEP_RETURN_IF_ERROR(rotation.status());
    binarizer.rotation_ = std::move(rotation).value();
  }
  binarizer.fit_levels(database, progress);
  return binarizer;
}

PackedCodes Binarizer::pack(const RealCodes& codes) const {
  AESWEEP_CHECK(codes.units == units_, "codes have as many units as those fitted to");
  PackedCodes packed = empty_codes(codes.rows, static_cast<int>(units_));
  const std::size_t words = packed.words_per_row();
  for_rows(codes, [&](std::int64_t row, const double* values, const double*) {
    std::uint64_t* out = packed.words.data() + static_cast<std::size_t>(row) * words;
    for (std::size_t j = 0; j < static_cast<std::size_t>(units_); ++j) {
      out[j / 64] |= std::uint64_t{is_one(j, values[j])} << (j % 64);
    }
  });
  return packed;
}

std::vector<double> Binarizer::levels(const PackedCodes& codes) const {
  AESWEEP_CHECK(codes.bits == units_, "codes have as many bits as those fitted to");
  const auto units = static_cast<std::size_t>(units_);
  std::vector<double> out(static_cast<std::size_t>(codes.rows) * units);
  std::vector<double> level(units);
  for (std::int64_t i = 0; i < codes.rows; ++i) {
    double* row = out.data() + static_cast<std::size_t>(i) * units;
    for (std::size_t j = 0; j < units; ++j) {
      level[j] = codes.bit(i, static_cast<int>(j)) ? high_[j] : low_[j];
    }
    if (kind_ != Binarization::kItq) {
      std::copy(level.begin(), level.end(), row);
      continue;
    }
    for (std::size_t k = 0; k < units; ++k) {
      double sum = 0.0;
      for (std::size_t j = 0; j < units; ++j) sum += rotation_[k * units + j] * level[j];
      row[k] = sum + mean_[k];
    }
  }
  return out;
}

}  // namespace aesweep
