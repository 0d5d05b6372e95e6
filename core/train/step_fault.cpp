#include "core/train/step_fault.hpp"

#include "core/base/text.hpp"

namespace aesweep {

std::string step_name(const aesweep_context& context) {
  return text(context.mode == AESWEEP_TRAIN ? "step " : "evaluation batch ", context.step);
}

}  // namespace aesweep
