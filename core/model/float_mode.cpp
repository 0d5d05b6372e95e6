#include "core/model/float_mode.hpp"

#include <ios>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

constexpr std::uint32_t kFlushToZero = 0x8000;
constexpr std::uint32_t kDenormalsAreZero = 0x0040;
constexpr std::uint32_t kRounding = 0x6000;

}  // namespace

std::string restore_float_mode() {
  const std::uint32_t mxcsr = ::_mm_getcsr() & ~kMxcsrFlags;
  const std::uint16_t x87 = x87_control();
  std::string wrong;
  if (mxcsr != kMxcsr) {
    wrong = text("MXCSR is 0x", std::hex, mxcsr, ", not 0x", kMxcsr);
    if ((mxcsr & (kFlushToZero | kDenormalsAreZero)) != 0) wrong += ", flush to zero";
    if ((mxcsr & kRounding) != 0) wrong += ", rounding";
    ::_mm_setcsr(kMxcsr);
  }
  if (x87 != kX87Control) {
    wrong += text(wrong.empty() ? "" : "; ", "the x87 control word is 0x", std::hex, x87,
                  ", not 0x", kX87Control);
    const std::uint16_t right = kX87Control;
    __asm__ volatile("fldcw %0" : : "m"(right));
  }
  return wrong;
}

}  // namespace aesweep
