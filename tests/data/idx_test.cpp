// Proves the IDX reader by round trips of every element type, plain and compressed, and by a table
// of malformed files: each header field wrong, each cut, each way a gzip member can lie.
#include "core/data/idx.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tests/data/idx_builder.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

// Opens and reads the file whole, as a loader would.
Result<std::vector<std::byte>> read_all(const std::string& path) {
  const Result<IdxFile> file = IdxFile::open(path);
  if (!file.ok()) return file.status();
  std::vector<std::byte> bytes(file.value().header().payload_bytes());
  AESWEEP_RETURN_IF_ERROR(file.value().read(bytes));
  return bytes;
}

void expect_refused(const std::string& bytes, const std::string& reason) {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", bytes);
  const Result<std::vector<std::byte>> result = read_all(path);
  ASSERT_FALSE(result.ok()) << "expected: " << reason;
  EXPECT_EQ(result.status().fault(), Fault::kInput);
  EXPECT_EQ(result.status().message().rfind(path + ": ", 0), 0u) << result.status().message();
  EXPECT_NE(result.status().message().find(reason), std::string::npos)
      << result.status().message() << "\nexpected: " << reason;
}

template <class T>
void expect_round_trip(const std::vector<std::uint32_t>& dims, const std::vector<T>& elements) {
  const TemporaryFolder folder;
  const std::string bytes = idx_bytes(dims, elements);
  for (const std::string& path :
       {folder.write("plain", bytes), folder.write("compressed", gzipped(bytes))}) {
    const Result<IdxFile> file = IdxFile::open(path);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(static_cast<int>(file.value().header().type), idx_code<T>());
    EXPECT_EQ(file.value().header().dims, std::vector<std::int64_t>(dims.begin(), dims.end()));
    // Every prefix, so that skipping the rest of a compressed file is exercised too.
    for (std::size_t count = 0; count <= elements.size(); ++count) {
      std::vector<T> out(count);
      const Status status = file.value().read(std::as_writable_bytes(std::span(out)));
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(out, std::vector<T>(elements.begin(), elements.begin() + count));
    }
  }
}

TEST(Idx, RoundTripsEveryType) {
  expect_round_trip<std::uint8_t>({7}, {0, 1, 2, 127, 128, 254, 255});
  expect_round_trip<std::uint8_t>({1}, {9});
  expect_round_trip<std::int8_t>({1, 3}, {-128, 0, 127});
  expect_round_trip<std::int16_t>({2, 2}, {-32768, -2, 258, 32767});
  expect_round_trip<std::int32_t>({3, 1}, {-2147483647, 16909060, 2147483647});
  expect_round_trip<float>({1, 2, 2}, {0.0F, -1.5F, 3.4e38F, 1e-40F});
  expect_round_trip<double>({1, 2, 1, 2}, {0.0, -1.5, 1.7e308, 5e-324});
}

TEST(Idx, ReadsMoreThanAPiece) {
  std::vector<std::uint8_t> elements(700'001);  // Over two of the reader's pieces, a prime number.
  for (std::size_t i = 0; i < elements.size(); ++i) {
    elements[i] = static_cast<std::uint8_t>(i * 2654435761U >> 24);
  }
  const TemporaryFolder folder;
  const std::string bytes = idx_bytes({700'001}, elements);
  for (const std::string& path :
       {folder.write("plain", bytes), folder.write("compressed", gzipped(bytes))}) {
    const Result<std::vector<std::byte>> result = read_all(path);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(std::memcmp(result.value().data(), elements.data(), elements.size()), 0);
    const Result<IdxFile> file = IdxFile::open(path);
    std::vector<std::byte> first(7);
    ASSERT_TRUE(file.value().read(first).ok());
    EXPECT_EQ(std::memcmp(first.data(), elements.data(), first.size()), 0);
  }
}

TEST(Idx, RefusesEveryWrongHeaderField) {
  const std::string good = idx_bytes<std::uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const TemporaryFolder folder;
  ASSERT_TRUE(read_all(folder.write("good", good)).ok());
  struct Case {
    std::size_t at;
    std::string bytes;
    std::string reason;
  };
  const std::string zero(4, '\0');
  const std::string max = "\xff\xff\xff\xff";  // Also -1.
  const Case cases[] = {
      {0, "\x01", "two zero bytes"},
      {0, "\xff", "two zero bytes"},
      {1, "\x01", "two zero bytes"},
      {1, "\xff", "two zero bytes"},
      {2, std::string(1, '\0'), "type code 0"},
      {2, "\x01", "type code 1"},
      {2, "\x0a", "type code 10"},
      {2, "\x0f", "type code 15"},
      {2, "\xff", "type code 255"},
      {2, "\x0e", "truncated"},  // f64: eight times as many bytes.
      {3, std::string(1, '\0'), "declares 0 dimensions"},
      {3, "\x01", "too long"},  // The second dimension becomes data.
      {3, "\x03", "truncated"},
      {3, "\x05", "declares 5 dimensions"},
      {3, "\xff", "declares 255 dimensions"},
      {4, zero, "dimension 0 is 0 (byte 4)"},
      {4, big_endian<std::uint32_t>(1), "too long"},
      {4, big_endian<std::uint32_t>(3), "truncated"},
      {4, max, "dimension 0 is 4294967295"},
      {4, big_endian<std::uint32_t>(0x80000001U), "dimension 0 is 2147483649"},
      {4, big_endian<std::uint32_t>(0x80000000U), "truncated"},
      {8, zero, "dimension 1 is 0 (byte 8)"},
      {8, big_endian<std::uint32_t>(1), "too long"},
      {8, max, "dimension 1 is 4294967295"},
      {8, big_endian<std::uint32_t>(0x80000000U), "truncated"},
      {4, big_endian<std::uint32_t>(0x80000000U) + big_endian<std::uint32_t>(5),
       "at most 8589934592"},
  };
  for (const Case& c : cases) {
    std::string bytes = good;
    bytes.replace(c.at, c.bytes.size(), c.bytes);
    SCOPED_TRACE("byte " + std::to_string(c.at));
    expect_refused(bytes, c.reason);
  }
}

TEST(Idx, RefusesProductsThatOverflow) {
  const std::uint32_t big = 0x80000000U;
  // 2^62 * 8 and 2^124: the first wraps to 0 in 64 bits, the second on the way.
  expect_refused(idx_header(0x0E, {big, big}), "more than 2^64");
  expect_refused(idx_header(0x08, {big, big, big, big}), "more than 2^64");
  expect_refused(idx_header(0x08, {65536, 65536, 65536, 65536}), "more than 2^64");
  expect_refused(idx_header(0x08, {big, 2, 2, 2}), "declares 17179869184 bytes");
}

TEST(Idx, RefusesACutAtEveryByte) {
  const std::string good = idx_bytes<std::int16_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  expect_refused("", "is empty");
  for (std::size_t length = 1; length < good.size(); ++length) {
    SCOPED_TRACE(length);
    expect_refused(good.substr(0, length), length < 12 ? "ends at byte" : "truncated");
  }
  expect_refused(good + "x", "too long");
}

TEST(Idx, RefusesADamagedMemberAtEveryByte) {
  // Each byte of a small member cut off or flipped: never accepted with other elements.
  const std::vector<std::uint8_t> elements = {1, 2, 3, 4, 5, 6};
  const std::string good = gzipped(idx_bytes<std::uint8_t>({2, 3}, elements));
  const TemporaryFolder folder;
  for (std::size_t length = 1; length < good.size(); ++length) {
    SCOPED_TRACE(length);
    EXPECT_FALSE(read_all(folder.write("cut", good.substr(0, length))).ok());
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      const Result<std::vector<std::byte>> result = read_all(folder.write("flipped", bytes));
      // Flips may pass where bits carry nothing: in gzip's header (flags, time stamp, system) and
      // in the unused bits of the last byte before the trailer.
      if (result.ok()) {
        EXPECT_EQ(std::memcmp(result.value().data(), elements.data(), elements.size()), 0)
            << "byte " << at << " bit " << bit;
        EXPECT_TRUE((at >= 3 && at < 10) || at == good.size() - 9)
            << "byte " << at << " bit " << bit;
      }
    }
  }
}

TEST(Idx, RefusesWrongChecksumsAndLengths) {
  const std::string member = gzipped(idx_bytes<std::uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6}));
  std::string wrong_crc = member;
  wrong_crc[member.size() - 8] = static_cast<char>(wrong_crc[member.size() - 8] ^ 1);
  expect_refused(wrong_crc, "incorrect data check");
  std::string wrong_length = member;
  wrong_length[member.size() - 4] = static_cast<char>(wrong_length[member.size() - 4] ^ 1);
  expect_refused(wrong_length, "its gzip trailer");
}

TEST(Idx, ChecksTheCrcAlsoWhereOnlyTheStartIsTaken) {
  std::string bytes = gzipped(idx_bytes<std::uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6}));
  bytes[bytes.size() - 8] = static_cast<char>(bytes[bytes.size() - 8] ^ 1);
  const TemporaryFolder folder;
  const Result<IdxFile> file = IdxFile::open(folder.write("file", bytes));
  ASSERT_TRUE(file.ok()) << file.status().message();
  std::vector<std::byte> first(3);
  EXPECT_FALSE(file.value().read(first).ok());
}

TEST(Idx, RefusesMoreThanOneMember) {
  const std::string whole = idx_bytes<std::uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const std::string member = gzipped(whole);
  expect_refused(member + member, "bytes follow its gzip member");
  expect_refused(gzipped(whole.substr(0, 14)) + gzipped(whole.substr(14)), "gzip member");
  // Trailing bytes that claim the right length are found when the member ends.
  expect_refused(member + std::string("\x12\0\0\0", 4), "4 bytes follow its gzip member");
  expect_refused(member + "x", "gzip member");
}

TEST(Idx, RefusesMoreOrLessThanTheHeaderDeclares) {
  const std::string header = idx_header(0x08, {2, 3});
  const auto expect_trailer_caught = [&](const std::string& elements, const std::string& reason) {
    expect_refused(gzipped(header + elements), "its gzip trailer");
    // A trailer that lies is caught as well, by the data themselves.
    std::string lying = gzipped(header + elements);
    lying.replace(lying.size() - 4, 4, std::string("\x12\0\0\0", 4));
    expect_refused(lying, reason);
  };
  expect_trailer_caught("12345", "incorrect length check");
  expect_trailer_caught("1234567", "incorrect length check");
  expect_trailer_caught("12345678", "goes on after its end");
  expect_trailer_caught(std::string(5'000'000, 'x'), "goes on after its end");
}

TEST(Idx, RefusesClaimsThatNoCompressionReaches) {
  // 8 GiB declared by a file of some hundred bytes: refused before memory is taken.
  std::string bytes = gzipped(idx_header(0x08, {0x80000000U, 4}) + std::string(6, 'x'));
  bytes.replace(bytes.size() - 4, 4, std::string("\x0c\0\0\0", 4));
  expect_refused(bytes, "bytes of gzip data can hold");
}

TEST(Idx, RefusesGzipThatIsNoIdx) {
  expect_refused(gzipped("hello, world"), "two zero bytes");
  expect_refused(gzipped(""), "gzip data ends 4 bytes early");
  expect_refused(gzipped(idx_header(0x08, {7}).substr(0, 6)), "gzip data ends 2 bytes early");
  expect_refused("\x1f\x8b", "inside its gzip data");
  expect_refused("hello, world", "two zero bytes");
}

TEST(Idx, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  for (const std::string& path :
       {folder.path("pipe"), folder.path(), std::string("/dev/zero"), folder.path("nothing")}) {
    const Result<IdxFile> file = IdxFile::open(path);
    ASSERT_FALSE(file.ok()) << path;
    EXPECT_EQ(file.status().fault(), Fault::kInput);
  }
}

TEST(Idx, RefusesAHugeSparseFile) {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", idx_header(0x08, {7}) + "1234567");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
  const Result<IdxFile> file = IdxFile::open(path);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.status().message().find("too long"), std::string::npos);
}

}  // namespace
}  // namespace aesweep
