// Hdf5Id: owns one id of libhdf5, for the process that reads foreign files.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

namespace aesweep {

class Hdf5Id {
 public:
  using Closer = herr_t (*)(hid_t);
  Hdf5Id() = default;
  Hdf5Id(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Hdf5Id(Hdf5Id&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Hdf5Id& operator=(Hdf5Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Hdf5Id() {
    if (id_ >= 0) static_cast<void>(closer_(id_));  // Nothing was written.
  }
  [[nodiscard]] bool ok() const { return id_ >= 0; }
  [[nodiscard]] hid_t get() const { return id_; }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Closer closer_ = nullptr;
};

// The innermost words on libhdf5's error stack: what went wrong, rather than what failed by it.
[[nodiscard]] std::string hdf5_reason();

}  // namespace aesweep
