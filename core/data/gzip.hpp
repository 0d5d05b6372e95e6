// GzipReader: the decompressed bytes of a file that is exactly one gzip member (RFC 1952).
//
// Made for input that is not trusted: the caller says how many bytes it wants, and nothing that the
// file holds can make it produce or allocate more. One thread; the file must outlive the reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/file.hpp"
#include "core/base/status.hpp"

namespace aesweep {

// Whether the file starts with gzip's magic number. False for files too short to tell.
[[nodiscard]] Result<bool> is_gzip(const InputFile& file);

// The length of the decompressed data modulo 2^32, as the last four bytes of the file claim.
[[nodiscard]] Result<std::uint32_t> gzip_claimed_length(const InputFile& file);

// No deflate stream is longer than this many times its compressed size (a match of 258 bytes takes
// at least two bits): a larger claim is refused before memory is taken for it.
inline constexpr std::uint64_t kGzipRatioMax = 1032;

class GzipReader {
 public:
  explicit GzipReader(const InputFile& file);
  GzipReader(GzipReader&&) noexcept;
  GzipReader& operator=(GzipReader&&) noexcept;
  ~GzipReader();

  // Fills `out` with the next bytes. Damage, or an end of the data before that, is an input fault;
  // what `out` holds then is undefined and the reader may only be destroyed.
  [[nodiscard]] Status read(std::span<std::byte> out);

  // The data must end here: checks length and CRC-32 and that the file ends with the member.
  [[nodiscard]] Status expect_end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aesweep
