// Proves SHA-256 against the published vectors of FIPS 180-4 (NIST's example files), whole, in
// pieces and from files.
#include "core/base/sha256.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

struct Vector {
  std::string message;
  std::string digest;
};

// https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values
const Vector kPublished[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {std::string(1'000'000, 'a'),
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

TEST(Sha256, MatchesPublishedVectors) {
  for (const Vector& vector : kPublished) EXPECT_EQ(sha256_hex(vector.message), vector.digest);
}

TEST(Sha256, DoesNotDependOnThePieces) {
  for (const Vector& vector : kPublished) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{65}}) {
      if (vector.message.size() / piece > 200'000) continue;
      Sha256 sha;
      for (std::size_t at = 0; at < vector.message.size(); at += piece) {
        sha.update(std::string_view(vector.message).substr(at, piece));
      }
      EXPECT_EQ(sha.finish(), vector.digest) << "piece " << piece;
    }
  }
}

TEST(Sha256, MovesItsState) {
  Sha256 first;
  first.update("ab");
  Sha256 second = std::move(first);
  second.update("c");
  EXPECT_EQ(second.finish(), kPublished[1].digest);
}

TEST(Sha256, DigestsFiles) {
  const TemporaryFolder folder;
  for (const Vector& vector : kPublished) {
    const Result<std::string> digest = sha256_file(folder.write("message", vector.message));
    ASSERT_TRUE(digest.ok()) << digest.status().message();
    EXPECT_EQ(digest.value(), vector.digest);
  }
}

TEST(Sha256, SaysWhichFileIsMissing) {
  const TemporaryFolder folder;
  const Result<std::string> digest = sha256_file(folder.path("nothing"));
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.status().fault(), Fault::kInput);
  EXPECT_NE(digest.status().message().find("nothing"), std::string::npos);
}

}  // namespace
}  // namespace aesweep
