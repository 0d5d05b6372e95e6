// Sha256: the SHA-256 digest of bytes (FIPS 180-4), as 64 lower-case hexadecimal digits.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/status.hpp"

namespace aesweep {

// Takes bytes in pieces; the digest is that of their concatenation. Movable; one thread at a time.
// A moved-from or finished object may only be destroyed or assigned to.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> bytes);
  void update(std::string_view characters);

  // Ends the digest. Called once.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view characters);

// Of a regular file's bytes, of which only a small part is in memory at a time.
[[nodiscard]] Result<std::string> sha256_file(const std::string& path);

}  // namespace aesweep
