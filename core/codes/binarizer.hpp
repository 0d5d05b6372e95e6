// Binarizer: how real codes become bits, and what a code of bits stands for.
//
//   zero    bit j is 1 where the pre-activation of unit j is at least 0
//   mean    where code j is above its mean over the codes it was fitted to
//   median  where code j is above their median (of an even number, the mean of the middle two)
//   itq     where the centred code, rotated, is at least 0 in component j: iterative quantization
//           (Gong & Lazebnik 2011) with as many bits as units, 50 iterations from a random rotation
//
// For decoding, each bit stands for one of two levels: the mean, over the codes fitted to, of what
// was thresholded (code or rotated component) where the bit is 0 and where it is 1; a level that no
// code has is that of the other. itq rotates the levels back and adds the mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/base/status.hpp"
#include "core/codes/packed_codes.hpp"
#include "core/model/spec.hpp"

namespace aesweep {

[[nodiscard]] const char* binarization_name(Binarization kind);  // "zero", ...

// codes[rows, units] as the network gave them, and pre[rows, units], what the code layer's
// activation was given (the same where there is none; may be missing where no bit is made from it).
// Row-major, in double.
struct RealCodes {
  std::int64_t rows = 0;
  std::int64_t units = 0;
  std::vector<double> codes;
  std::vector<double> pre;
};

// An input fault if one of the first `rows` codes, or where bits are made from them
// pre-activations, is not finite.
[[nodiscard]] Status check_codes(Binarization kind, const RealCodes& codes, std::int64_t rows);

class Binarizer {
 public:
  // Fitted to `database`, at least one row. Equal arguments give equal bits; `seed` is that of
  // itq's first rotation. `progress` is called from time to time and may be empty. An input fault:
  // more units than kCodeBitsMax or, for itq, than 1,024; a code that is not finite, or codes whose
  // mean, for itq the sum of their squares, is not.
  [[nodiscard]] static Result<Binarizer> fit(Binarization kind, const RealCodes& database,
                                             std::uint64_t seed,
                                             const std::function<void()>& progress = {});

  [[nodiscard]] Binarization kind() const { return kind_; }
  [[nodiscard]] PackedCodes pack(const RealCodes& codes) const;
  // out[rows, units]: what the network's decoder is given in place of a real code.
  [[nodiscard]] std::vector<double> levels(const PackedCodes& codes) const;

 private:
  template <class Visit>
  void for_rows(const RealCodes& codes, const Visit& visit) const;
  [[nodiscard]] bool is_one(std::size_t unit, double value) const;
  void fit_levels(const RealCodes& database, const std::function<void()>& progress);

  Binarization kind_ = Binarization::kZero;
  std::int64_t units_ = 0;
  std::vector<double> thresholds_;  // [units]: bit 1 is above; zero, itq: none, at least 0.
  std::vector<double> mean_;        // [units]; itq.
  std::vector<double> rotation_;    // [units, units], itq: component = (code - mean) rotation.
  std::vector<double> low_;         // [units]: level of bit 0.
  std::vector<double> high_;        // [units]: level of bit 1.
};

}  // namespace aesweep
