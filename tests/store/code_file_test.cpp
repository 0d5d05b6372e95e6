// Files of codes come back as they were written; .faiss files have the bytes that faiss reads,
// taken apart here by hand; damaged and foreign files are refused.
#include "runner/store/code_file.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "tests/codes/random_codes.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

StoredCodes bits_of(std::int64_t rows, int bits) {
  StoredCodes codes;
  codes.packed = test::random_codes(rows, bits, static_cast<unsigned>(bits));
  codes.labels = test::random_labels(rows, 10, 3);
  codes.origin = {"an experiment", 12, "key", "median"};
  return codes;
}

StoredCodes reals_of(std::int64_t rows, std::int64_t units) {
  StoredCodes codes;
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows * units; ++i) values.push_back(0.1 * static_cast<double>(i));
  values.back() = std::numeric_limits<double>::infinity();
  const auto bytes = std::as_bytes(std::span(values));
  codes.real = {"codes", {rows, units}, Scalar::kF64, {bytes.begin(), bytes.end()}};
  codes.origin = {"an experiment", 12, "", "none"};
  return codes;
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(CodeFile, HDF5FilesComeBackWhole) {
  const TemporaryFolder folder;
  for (const int bits : {1, 8, 37, 64, 130}) {
    const StoredCodes codes = bits_of(23, bits);
    ASSERT_TRUE(write_codes(folder.path("a.h5"), codes).ok());
    const Result<StoredCodes> read = read_codes(folder.path("a.h5"));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(read->packed, codes.packed);
    EXPECT_EQ(read->labels, codes.labels);
    EXPECT_EQ(read->origin.run, "an experiment");
    EXPECT_EQ(read->origin.binarization, "median");
  }
  const StoredCodes reals = reals_of(5, 7);
  ASSERT_TRUE(write_codes(folder.path("a.h5"), reals).ok());
  const Result<StoredCodes> read = read_codes(folder.path("a.h5"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_FALSE(read->packed);
  EXPECT_EQ(read->real.shape, reals.real.shape);
  EXPECT_EQ(read->real.bytes, reals.real.bytes);
  EXPECT_TRUE(read->labels.empty());
}

TEST(CodeFile, NpyFilesHaveBytesOfBits) {
  const TemporaryFolder folder;
  const StoredCodes codes = bits_of(23, 37);
  ASSERT_TRUE(write_codes(folder.path("a.npy"), codes).ok());
  const Result<StoredCodes> read = read_codes(folder.path("a.npy"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  ASSERT_TRUE(read->packed);
  EXPECT_EQ(read->packed->bits, 40);  // Three of them nobody set.
  EXPECT_EQ(read->packed->words, codes.packed->words);
  const std::string bytes = content(folder.path("a.npy"));
  EXPECT_NE(bytes.find("'shape': (23, 5)"), std::string::npos);

  const StoredCodes reals = reals_of(5, 7);
  ASSERT_TRUE(write_codes(folder.path("a.npy"), reals).ok());
  EXPECT_EQ(read_codes(folder.path("a.npy")).value().real.bytes, reals.real.bytes);
}

template <class V>
V number(const std::string& bytes, std::size_t offset) {
  V value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

TEST(CodeFile, FaissFilesAreABinaryFlatIndex) {
  const TemporaryFolder folder;
  const StoredCodes codes = bits_of(23, 72);
  ASSERT_TRUE(write_codes(folder.path("a.faiss"), codes).ok());
  const std::string bytes = content(folder.path("a.faiss"));
  ASSERT_EQ(bytes.size(), 4u + 4 + 4 + 8 + 1 + 4 + 8 + 23 * 9);
  EXPECT_EQ(bytes.substr(0, 4), "IBxF");
  EXPECT_EQ(number<std::int32_t>(bytes, 4), 72);
  EXPECT_EQ(number<std::int32_t>(bytes, 8), 9);
  EXPECT_EQ(number<std::int64_t>(bytes, 12), 23);
  EXPECT_EQ(bytes[20], 1);
  EXPECT_EQ(number<std::int32_t>(bytes, 21), 1);
  EXPECT_EQ(number<std::uint64_t>(bytes, 25), 23u * 9u);
  for (std::int64_t i = 0; i < 23; ++i) {
    for (int j = 0; j < 72; ++j) {
      const int byte =
          static_cast<unsigned char>(bytes[static_cast<std::size_t>(33 + i * 9 + j / 8)]);
      EXPECT_EQ((byte >> (j % 8)) & 1, codes.packed->bit(i, j) ? 1 : 0);
    }
  }
  EXPECT_EQ(read_codes(folder.path("a.faiss")).value().packed, codes.packed);
}

std::string refusal(const Status& status) {
  EXPECT_EQ(status.fault(), Fault::kInput);
  return status.message();
}

TEST(CodeFile, RefusesWhatAFormatDoesNotHold) {
  const TemporaryFolder folder;
  EXPECT_NE(refusal(write_codes(folder.path("a.faiss"), bits_of(3, 37))).find("multiple of 8"),
            std::string::npos);
  EXPECT_NE(refusal(write_codes(folder.path("a.faiss"), reals_of(3, 8))).find("binarize"),
            std::string::npos);
  EXPECT_NE(refusal(write_codes(folder.path("a.txt"), bits_of(3, 8))).find(".npy"),
            std::string::npos);
}

// Every truncation, and headers that lie.
TEST(CodeFile, RefusesDamagedFiles) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_codes(folder.path("a.faiss"), bits_of(3, 16)).ok());
  const std::string whole = content(folder.path("a.faiss"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(read_codes(folder.write("cut", std::string_view(whole).substr(0, length))).ok());
  }
  for (const std::size_t at : {5u, 6u, 8u, 13u, 19u, 26u, 32u}) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] + 1);
    EXPECT_FALSE(read_codes(folder.write("changed", changed)).ok()) << at;
  }
  ASSERT_TRUE(write_codes(folder.path("a.h5"), bits_of(3, 16)).ok());
  const std::string h5 = content(folder.path("a.h5"));
  EXPECT_FALSE(read_codes(folder.write("cut", std::string_view(h5).substr(0, h5.size() / 2))).ok());
  EXPECT_NE(refusal(read_codes(folder.write("text", "hello")).status()).find("expected codes"),
            std::string::npos);
  EXPECT_FALSE(read_codes(folder.path("none")).ok());
}

TEST(CodeFile, BitsAboveTheCodeAreRefused) {
  const std::byte bytes[] = {std::byte{0xff}, std::byte{0x1f}, std::byte{0}, std::byte{0x20}};
  EXPECT_FALSE(unpacked_codes(bytes, 2, 13).ok());
  EXPECT_TRUE(unpacked_codes(bytes, 2, 14).ok());
  EXPECT_EQ(packed_bytes(unpacked_codes(bytes, 2, 14).value()),
            std::vector<std::byte>(std::begin(bytes), std::end(bytes)));
}

}  // namespace
}  // namespace aesweep
