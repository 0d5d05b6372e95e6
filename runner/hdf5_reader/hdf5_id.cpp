#include "runner/hdf5_reader/hdf5_id.hpp"

namespace aesweep {
namespace {

herr_t keep_first(unsigned depth, const H5E_error2_t* entry, void* out) {
  if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
  return 0;
}

}  // namespace

std::string hdf5_reason() {
  std::string words;
  if (H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &words) < 0 || words.empty()) {
    return "libhdf5 gives no reason";
  }
  return words;
}

}  // namespace aesweep
