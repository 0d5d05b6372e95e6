#include "core/data/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/text.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 18;
constexpr std::uint64_t kMemberBytesMin = 18;  // A header of 10, a trailer of 8.

}  // namespace

Result<bool> is_gzip(const InputFile& file) {
  std::array<std::byte, 2> magic{};
  if (file.size() < magic.size()) return false;
  AESWEEP_RETURN_IF_ERROR(file.read_at(0, magic));
  return magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b};
}

Result<std::uint32_t> gzip_claimed_length(const InputFile& file) {
  if (file.size() < kMemberBytesMin) {
    return Status::input(text(file.path(), ": has ", file.size(), " bytes; gzip data has at least ",
                              kMemberBytesMin, ". Fetch the file again"));
  }
  std::array<std::byte, 4> trailer{};
  AESWEEP_RETURN_IF_ERROR(file.read_at(file.size() - trailer.size(), trailer));
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < trailer.size(); ++i) {
    length |= std::to_integer<std::uint32_t>(trailer[i]) << (8 * i);
  }
  return length;
}

struct GzipReader::State {
  explicit State(const InputFile& input)
      : file(&input), piece(std::min<std::uint64_t>(kPieceBytes, input.size())) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { static_cast<void>(inflateEnd(&stream)); }  // Fails only on a stream never begun.

  // Runs zlib until the out-buffer is full or the member has ended.
  [[nodiscard]] Status run();
  [[nodiscard]] Status refill();

  const InputFile* file;
  z_stream stream{};
  std::vector<std::byte> piece;
  std::uint64_t offset = 0;  // Of the file: what lies before it is in `piece` or consumed.
  bool ended = false;        // The member's trailer was read and agreed.
};

Status GzipReader::State::refill() {
  const std::size_t count = std::min<std::uint64_t>(piece.size(), file->size() - offset);
  if (count == 0) {
    return Status::input(
        text(file->path(), ": the file ends inside its gzip data. Fetch it again"));
  }
  AESWEEP_RETURN_IF_ERROR(file->read_at(offset, std::span(piece).first(count)));
  offset += count;
  stream.next_in = reinterpret_cast<Bytef*>(piece.data());
  stream.avail_in = static_cast<uInt>(count);
  return {};
}

Status GzipReader::State::run() {
  while (stream.avail_out > 0 && !ended) {
    if (stream.avail_in == 0) AESWEEP_RETURN_IF_ERROR(refill());
    const int code = inflate(&stream, Z_NO_FLUSH);
    ended = code == Z_STREAM_END;
    if (code == Z_MEM_ERROR) {
      return Status::world(text(file->path(), ": out of memory while decompressing"));
    }
    // Z_BUF_ERROR only says that this call could not move; the loop gives it more input.
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      return Status::input(
          text(file->path(), ": damaged gzip data before byte ", offset - stream.avail_in, ": ",
               stream.msg != nullptr ? stream.msg : "unknown", ". Fetch it again"));
    }
  }
  return {};
}

GzipReader::GzipReader(const InputFile& file) : state_(std::make_unique<State>(file)) {
  constexpr int kGzipOnly = 16;
  AESWEEP_CHECK(inflateInit2(&state_->stream, kGzipOnly + MAX_WBITS) == Z_OK,
                "zlib cannot start to decompress");
}
GzipReader::GzipReader(GzipReader&&) noexcept = default;
GzipReader& GzipReader::operator=(GzipReader&&) noexcept = default;
GzipReader::~GzipReader() = default;

Status GzipReader::read(std::span<std::byte> out) {
  z_stream& stream = state_->stream;
  while (!out.empty()) {
    const std::size_t count = std::min<std::size_t>(out.size(), std::numeric_limits<uInt>::max());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(count);
    AESWEEP_RETURN_IF_ERROR(state_->run());
    if (stream.avail_out > 0) {
      return Status::input(text(state_->file->path(), ": its gzip data ends ",
                                out.size() - (count - stream.avail_out), " bytes early"));
    }
    out = out.subspan(count);
  }
  return {};
}

Status GzipReader::expect_end() {
  z_stream& stream = state_->stream;
  Bytef probe = 0;  // Room for one byte more than there should be.
  stream.next_out = &probe;
  stream.avail_out = 1;
  AESWEEP_RETURN_IF_ERROR(state_->run());
  if (stream.avail_out == 0) {
    return Status::input(text(state_->file->path(), ": its gzip data goes on after its end"));
  }
  const std::uint64_t rest = state_->file->size() - state_->offset + stream.avail_in;
  if (rest != 0) {
    return Status::input(text(state_->file->path(), ": ", rest,
                              " bytes follow its gzip member; only a single member is read"));
  }
  return {};
}

}  // namespace aesweep
