#include "core/base/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/base/check.hpp"
#include "core/base/file.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 18;

std::string hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
}

}  // namespace

// EVP fails only where the library is broken or out of memory, hence checks and no Status.
struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  AESWEEP_CHECK(state_->context != nullptr &&
                    EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1,
                "OpenSSL offers no SHA-256");
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  AESWEEP_CHECK(state_ != nullptr, "a finished SHA-256 takes no more bytes");
  AESWEEP_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1,
                "OpenSSL failed to update a SHA-256");
}

void Sha256::update(std::string_view characters) {
  update(std::as_bytes(std::span(characters.data(), characters.size())));
}

std::string Sha256::finish() {
  AESWEEP_CHECK(state_ != nullptr, "a SHA-256 is finished only once");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  AESWEEP_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length) == 1,
                "OpenSSL failed to finish a SHA-256");
  state_.reset();
  return hex(std::span(digest).first(length));
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 sha;
  sha.update(bytes);
  return sha.finish();
}

std::string sha256_hex(std::string_view characters) {
  Sha256 sha;
  sha.update(characters);
  return sha.finish();
}

Result<std::string> sha256_file(const std::string& path) {
  Result<InputFile> file = InputFile::open(path);
  if (!file.ok()) return file.status();
  Sha256 sha;
  std::vector<std::byte> piece(std::min<std::uint64_t>(file->size(), kPieceBytes));
  for (std::uint64_t offset = 0; offset < file->size(); offset += piece.size()) {
    piece.resize(std::min<std::uint64_t>(file->size() - offset, kPieceBytes));
    AESWEEP_RETURN_IF_ERROR(file->read_at(offset, piece));
    sha.update(piece);
  }
  return sha.finish();
}

}  // namespace aesweep
