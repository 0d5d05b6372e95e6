// Proves the .npy reader on hand-built bytes: every type in both byte orders, every cut of the
// header, and a table of headers each wrong in one way; and the writer by what the format's
// description says of its bytes. (array_numpy_test.py has NumPy's word on both.)
#include "core/data/npy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tests/data/array_builder.hpp"
#include "tests/data/array_expect.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

const std::string kSix(6, '\1');

std::string reversed(const std::string& bytes, std::size_t element) {
  std::string out = bytes;
  for (std::size_t at = 0; at < out.size(); at += element) {
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(at),
                 out.begin() + static_cast<std::ptrdiff_t>(at + element));
  }
  return out;
}

// A vector of this type, little-endian and big-endian, whole and from its second element on.
void expect_type(ArrayType type, const std::string& code, const std::string& elements) {
  const TemporaryFolder folder;
  const std::size_t element = array_type_bytes(type);
  const std::string shape = "(" + std::to_string(elements.size() / element) + ",)";
  for (const char order : {'<', '>'}) {
    const bool swapped = order == '>' && element > 1;
    const std::string path = folder.write(
        "x.npy",
        npy_file(order + code, shape, order == '>' ? reversed(elements, element) : elements));
    const Result<std::unique_ptr<ArrayFile>> array = open_npy(path);
    ASSERT_TRUE(array.ok()) << array.status().message();
    EXPECT_EQ(array.value()->shape().type, type);
    EXPECT_EQ(array.value()->shape().dims,
              std::vector<std::int64_t>{static_cast<std::int64_t>(elements.size() / element)});
    EXPECT_EQ(array.value()->name(), path);
    EXPECT_EQ(array.value()->raw().has_value(), !swapped && type != ArrayType::kBool);
    EXPECT_EQ(read_whole(path).value(), elements);
    std::string rest(elements.size() - element, '\0');
    ASSERT_TRUE(array.value()->read(1, std::as_writable_bytes(std::span(rest))).ok());
    EXPECT_EQ(rest, elements.substr(element));
  }
}

TEST(Npy, ReadsEveryTypeInBothByteOrders) {
  expect_type(ArrayType::kBool, "b1", stored<std::uint8_t>({1, 0, 1}));
  expect_type(ArrayType::kU8, "u1", stored<std::uint8_t>({0, 7, 255}));
  expect_type(ArrayType::kI8, "i1", stored<std::int8_t>({-128, 0, 127}));
  expect_type(ArrayType::kI16, "i2", stored<std::int16_t>({-32768, 258, 3}));
  expect_type(ArrayType::kI32, "i4", stored<std::int32_t>({-5, 16909060, 1}));
  expect_type(ArrayType::kI64, "i8", stored<std::int64_t>({INT64_MIN, 72623859790382856, 1}));
  expect_type(ArrayType::kF16, "f2", stored<std::uint16_t>({0x3c00, 0x7bff, 1}));
  expect_type(ArrayType::kF32, "f4", stored<float>({-1.5F, 3e38F, 1e-40F}));
  expect_type(ArrayType::kF64, "f8", stored<double>({-1.5, 1e308, 5e-324}));
}

TEST(Npy, ReadsHeadersInEveryFormOfTheFormat) {
  const std::string loose = "{\"shape\":( 2 ,3 ),\n'fortran_order' :False,\t'descr':'|u1'}";
  const std::string padded = npy_literal("|u1", "False", "(2, 3)");
  for (const std::string& bytes :
       {npy_start(loose), npy_start(padded), npy_start(padded, 2), npy_start(padded, 3),
        npy_start(std::string(9000, ' ') + padded), npy_start(padded + std::string(99, ' '))}) {
    const TemporaryFolder folder;
    const std::string path = folder.write("x", bytes + "abcdef");
    const Result<std::unique_ptr<ArrayFile>> array = open_npy(path);
    ASSERT_TRUE(array.ok()) << array.status().message();
    EXPECT_EQ(array.value()->shape(), (ArrayShape{ArrayType::kU8, {2, 3}}));
    const std::optional<RawBytes> raw = array.value()->raw();
    ASSERT_TRUE(raw);
    EXPECT_EQ(raw->path, path);
    EXPECT_EQ(raw->offset, bytes.size());
    EXPECT_EQ(read_whole(path).value(), "abcdef");
  }
}

TEST(Npy, ReadsShapesOfEveryRank) {
  struct Case {
    const char* shape;
    std::vector<std::int64_t> dims;
  };
  for (const Case& c : {Case{"()", {}}, Case{"(1,)", {1}}, Case{"(1, 1,)", {1, 1}},
                        Case{"(1,1,1,1,1,1,1,1)", {1, 1, 1, 1, 1, 1, 1, 1}}}) {
    const TemporaryFolder folder;
    const auto array = open_npy(folder.write("x", npy_file("|u1", c.shape, "a")));
    ASSERT_TRUE(array.ok()) << array.status().message();
    EXPECT_EQ(array.value()->shape().dims, c.dims);
  }
}

TEST(Npy, TakesFortranOrderOnlyWhereItIsTheSame) {
  const TemporaryFolder folder;
  const std::string column = npy_start(npy_literal("|u1", "True", "(1, 6, 1)")) + kSix;
  EXPECT_EQ(read_whole(folder.write("x", column)).value(), kSix);
  expect_file_refused(npy_start(npy_literal("|u1", "True", "(2, 3)")) + kSix,
                      "numpy.ascontiguousarray");
}

TEST(Npy, RefusesEveryCutAndEveryExcess) {
  const std::string whole = npy_file("<f4", "(3,)", stored<float>({1, 2, 3}));
  for (std::size_t count = 1; count < whole.size(); ++count) {
    expect_file_refused(whole.substr(0, count), "");
  }
  expect_file_refused(whole.substr(0, whole.size() - 1),
                      "has 11 bytes after its header, which declares f32 [3], 12 bytes");
  expect_file_refused(whole + '\0', "too long");
  expect_file_refused("", "is empty");
}

TEST(Npy, RefusesWhatIsNotInTheGrammar) {
  struct Case {
    const char* header;
    const char* reason;
  };
  const Case cases[] = {
      {"", "expected '{'"},
      {"{}", "has no 'descr'"},
      {"{'descr': '|u1', 'shape': (6,)}", "has no 'fortran_order'"},
      {"{'descr': '|u1', 'fortran_order': False}", "has no 'shape'"},
      {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (6,)}", "twice"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,), 'x': 1}", "has a key 'x'"},
      {"{'descr': '|u1' 'fortran_order': False, 'shape': (6,)}", "expected ','"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,)} x", "nothing more"},
      {"{'descr': '|u1', 'fortran_order': 0, 'shape': (6,)}", "True or False"},
      {"{'descr': '|u1', 'fortran_order': Falsehood, 'shape': (6,)}", "expected ','"},
      {"{'descr': u1, 'fortran_order': False, 'shape': (6,)}", "a string for 'descr'"},
      {"{'descr': '|u\\x31', 'fortran_order': False, 'shape': (6,)}", "a string for 'descr'"},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (6,)}", "Python objects"},
      {"{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (6,)}", "structured"},
      {"{'descr': '<u2', 'fortran_order': False, 'shape': (3,)}", "astype"},
      {"{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", "is not read"},
      {"{'descr': '=f4', 'fortran_order': False, 'shape': (1,)}", "is not read"},
      {"{'descr': '|f4', 'fortran_order': False, 'shape': (1,)}", "is not read"},
      {"{'descr': '', 'fortran_order': False, 'shape': (1,)}", "is not read"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': 6}", "before the dimensions"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6)}", "such as (3,)"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,,)}", "a dimension"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (2 3)}", "',' or ')'"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6L,)}", "',' or ')'"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (06,)}", "leading zero"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6.0,)}", "',' or ')'"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (-6,)}", "a dimension"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,0)}", "dimension 1 is 0"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}", "more than 8"},
  };
  for (const Case& c : cases) expect_file_refused(npy_start(c.header) + kSix, c.reason);
}

TEST(Npy, RefusesSizesAtAndBeyondTheirLimits) {
  // The limit itself passes the header and fails on the file's length; one more does not.
  expect_file_refused(npy_file("|u1", "(281474976710656,)", kSix), "281474976710656 bytes: it is");
  expect_file_refused(npy_file("|u1", "(281474976710657,)", kSix), "is above 281474976710656");
  expect_file_refused(npy_file("|u1", "(18446744073709551615,)", kSix), "is above");
  expect_file_refused(npy_file("|u1", "(18446744073709551622,)", kSix), "is above");  // 6 mod 2^64.
  expect_file_refused(npy_file("|u1", "(" + std::string(3000, '9') + ",)", kSix), "is above");
  // 2^48 * 2^16 * 6 is 0 mod 2^64.
  expect_file_refused(npy_file("|u1", "(281474976710656, 65536, 6)", kSix), "2^63 bytes or more");
  expect_file_refused(npy_file("<f8", "(281474976710656, 4096)", kSix), "2^63 bytes or more");
}

// The header's length in the file, against what is there.
std::string with_length(std::uint64_t length, int major, const std::string& rest) {
  const std::string bytes = npy_start("", major);
  return bytes.substr(0, 8) + stored(std::vector{length}).substr(0, major == 1 ? 2 : 4) + rest;
}

TEST(Npy, RefusesHeaderLengthsAndVersions) {
  const std::string header = npy_literal("|u1", "False", "(1,)");
  const std::string wide = header + std::string(10'000 - header.size(), ' ');
  const TemporaryFolder folder;
  EXPECT_TRUE(read_whole(folder.write("x", npy_start(wide) + "a")).ok());  // NumPy's limit itself.
  expect_file_refused(npy_start(wide + " ") + "a", "declares a header of 10001 bytes");
  for (const std::uint64_t length : {0ULL, 1ULL}) {
    expect_file_refused(with_length(length, 1, header + "a"), "");
  }
  expect_file_refused(with_length(0xffff, 1, header + "a"), "declares a header of 65535 bytes");
  expect_file_refused(with_length(0xffffffff, 2, header + "a"),
                      "declares a header of 4294967295 bytes");
  expect_file_refused(with_length(header.size() + 2, 1, header + "a"), "are possible");
  for (const int major : {0, 4, 255})
    expect_file_refused(npy_start(header, major) + "a", "version");
  std::string minor = npy_start(header) + "a";
  minor[7] = 1;
  expect_file_refused(minor, "is .npy version 1.1");
}

TEST(Npy, RefusesBoolsThatAreNeither) {
  expect_file_refused(npy_file("|b1", "(3,)", stored<std::uint8_t>({1, 0, 2})),
                      "element 2 is 2; a bool is 0 or 1");
}

TEST(Npy, WritesWhatTheFormatSays) {
  const std::string bytes =
      npy_bytes({ArrayType::kF32, {3, 1}}, std::as_bytes(std::span("123456789abc", 12)));
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(bytes.substr(10, 59), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }");
  EXPECT_EQ(bytes.size(), 128u + 12u);
  EXPECT_EQ(bytes[127], '\n');
  EXPECT_EQ(bytes.substr(128), "123456789abc");
}

TEST(Npy, ReadsWhatItWrites) {
  const TemporaryFolder folder;
  const std::string elements(2 * 3 * 8, '\1');
  for (const ArrayType type :
       {ArrayType::kBool, ArrayType::kU8, ArrayType::kI8, ArrayType::kI16, ArrayType::kI32,
        ArrayType::kI64, ArrayType::kF16, ArrayType::kF32, ArrayType::kF64}) {
    for (const std::vector<std::int64_t>& dims :
         {std::vector<std::int64_t>{}, {1}, {6}, {2, 3}, {1, 1, 1, 1, 1, 1, 1, 6}}) {
      const ArrayShape shape{type, dims};
      const std::string_view data = std::string_view(elements).substr(0, shape.bytes());
      const std::string path =
          folder.write("x", npy_bytes(shape, std::as_bytes(std::span(data.data(), data.size()))));
      const auto array = open_npy(path);
      ASSERT_TRUE(array.ok()) << array.status().message();
      EXPECT_EQ(array.value()->shape(), shape);
      EXPECT_EQ(array.value()->raw().value_or(RawBytes{path, 0}).offset % 64, 0u);
      EXPECT_EQ(read_whole(path).value(), data);
    }
  }
}

TEST(NpyFolder, ListsFilesByName) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("code/deep"));
  for (const char* name : {"z.npy", "b.bias.npy", "code/weights.npy", "code/bias.npy", "notes.txt",
                           "code/deep/x.npy", "a.npy.bak"}) {
    folder.write(name, std::string_view("x"));
  }
  const Result<std::vector<NpyFolderEntry>> listed = list_npy_folder(folder.path());
  ASSERT_TRUE(listed.ok()) << listed.status().message();
  std::vector<std::string> names;
  for (const NpyFolderEntry& entry : listed.value()) {
    names.push_back(entry.name);
    EXPECT_EQ(entry.path, folder.path(entry.name + ".npy"));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"b.bias", "code/bias", "code/weights", "z"}));
  expect_input_fault(list_npy_folder(folder.path("none")).status(), folder.path("none"), "cannot");
  expect_input_fault(list_npy_folder(folder.path("z.npy")).status(), folder.path("z.npy"),
                     "cannot");
}

}  // namespace
}  // namespace aesweep
