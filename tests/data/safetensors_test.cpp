// Proves the safetensors reader on hand-built bytes: every type, every cut of the header, a table
// of headers each wrong in one way, all lies about lengths and offsets; and the writer by the
// format's description and by reading back. (array_numpy_test.py parses what it writes with
// Python's json.)
#include "core/data/safetensors.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/data/array_builder.hpp"
#include "tests/data/array_expect.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

std::string object(const std::string& members) { return "{" + members + "}"; }

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                const std::string& data) {
  return safetensors_file(object(tensor_json("a", dtype, shape, offsets)), data);
}

const std::string kTwoHeader =
    object(tensor_json("b/w", "F32", "2,3", "0,24") + "," + tensor_json("a", "U8", "5", "24,29"));
const std::string kTwoData = stored<float>({0, 1, -2.5F, 3e38F, 1e-40F, 6}) + "hello";

TEST(Safetensors, ReadsTensorsByName) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x", safetensors_file(kTwoHeader, kTwoData));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_EQ(file.value().tensors().size(), 2u);
  EXPECT_EQ(file.value().tensors()[0].name, "b/w");
  EXPECT_EQ(file.value().tensors()[0].dims, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(file.value().tensors()[0].type, ArrayType::kF32);
  EXPECT_EQ(file.value().tensors()[1].name, "a");
  EXPECT_EQ(file.value().tensors()[1].begin, 24u);
  const auto floats = file.value().open_tensor("b/w");
  ASSERT_TRUE(floats.ok()) << floats.status().message();
  EXPECT_EQ(floats.value()->shape(), (ArrayShape{ArrayType::kF32, {2, 3}}));
  EXPECT_EQ(floats.value()->name(), path + "#b/w");
  EXPECT_EQ(floats.value()->raw()->offset, 8 + kTwoHeader.size());
  EXPECT_EQ(read_whole(path + "#b/w").value(), kTwoData.substr(0, 24));
  EXPECT_EQ(read_whole(path + "#a").value(), "hello");
  expect_input_fault(read_whole(path).status(), path, "holds 2 tensors; name one");
  expect_input_fault(read_whole(path + "#b/v").status(), path, "did you mean b/w?");
}

TEST(Safetensors, ReadsTheFileAfterItsObjectIsGone) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x", safetensors_file(kTwoHeader, kTwoData));
  std::unique_ptr<ArrayFile> array = SafetensorsFile::open(path)->open_tensor("a").value();
  std::string bytes(2, '\0');
  ASSERT_TRUE(array->read(3, std::as_writable_bytes(std::span(bytes))).ok());
  EXPECT_EQ(bytes, "lo");
}

TEST(Safetensors, ReadsEveryTypeAndStepsOverOthers) {
  struct Case {
    const char* dtype;
    std::uint64_t bits;
    std::optional<ArrayType> type;
  };
  const Case cases[] = {{"BOOL", 8, ArrayType::kBool},
                        {"U8", 8, ArrayType::kU8},
                        {"I8", 8, ArrayType::kI8},
                        {"I16", 16, ArrayType::kI16},
                        {"I32", 32, ArrayType::kI32},
                        {"I64", 64, ArrayType::kI64},
                        {"F16", 16, ArrayType::kF16},
                        {"BF16", 16, ArrayType::kBf16},
                        {"F32", 32, ArrayType::kF32},
                        {"F64", 64, ArrayType::kF64},
                        {"U16", 16, {}},
                        {"U32", 32, {}},
                        {"U64", 64, {}},
                        {"C64", 64, {}},
                        {"F8_E4M3", 8, {}},
                        {"F8_E5M2", 8, {}},
                        {"F8_E8M0", 8, {}},
                        {"F6_E2M3", 6, {}},
                        {"F6_E3M2", 6, {}},
                        {"F4", 4, {}}};
  for (const Case& c : cases) {
    const std::string elements(c.bits, '\1');  // Eight of them.
    const std::string offsets = "0," + std::to_string(c.bits);
    const TemporaryFolder folder;
    const std::string path = folder.write("x", one(c.dtype, "8", offsets, elements));
    const Result<SafetensorsFile> file = SafetensorsFile::open(path);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(file.value().tensors()[0].dtype, c.dtype);
    EXPECT_EQ(file.value().tensors()[0].type, c.type);
    const Result<std::string> read = read_whole(path);
    EXPECT_EQ(read.ok(), c.type.has_value()) << c.dtype;
    if (read.ok()) {
      EXPECT_EQ(read.value(), elements);
    } else {
      expect_input_fault(read.status(), path, "is not read");
    }
  }
}

TEST(Safetensors, ReadsWhatTheFormatAllows) {
  const std::string a = tensor_json("a", "U8", "1", "0,1");
  const std::string accepted[] = {
      safetensors_file(object(a) + "   ", "x"),
      safetensors_file(
          "{ \"a\" : { \"shape\":[ 1 ],\n\t\"data_offsets\" :[ 0 , 1 ],\"dtype\":\"U8\"}}", "x"),
      safetensors_file(object("\"__metadata__\":{\"k\":\"v\",\"l\":\"\\u00e9\"}," + a), "x"),
      safetensors_file(object("\"__metadata__\":{}," + a), "x"),
      safetensors_file(
          object("\"\\u0061\":{\"dtype\":\"\\u00558\",\"shape\":[],\"data_offsets\":[0,1]}"), "x"),
      safetensors_file(object(tensor_json("e", "F32", "0,281474976710656", "0,0") + "," + a), "x")};
  for (const std::string& bytes : accepted) {
    const TemporaryFolder folder;
    const Result<std::string> read = read_whole(folder.write("x", bytes) + "#a");
    ASSERT_TRUE(read.ok()) << read.status().message() << "\n" << bytes.substr(8);
    EXPECT_EQ(read.value(), "x");
  }
  expect_file_refused(accepted[5], "dimension 0 is 0", "e");
  const TemporaryFolder folder;
  EXPECT_TRUE(
      SafetensorsFile::open(folder.write("x", safetensors_file("{}", "")))->tensors().empty());
}

TEST(Safetensors, DecodesEscapesInNames) {
  const std::string name = R"(\u00e9\ud83d\ude00\"\\\/)";
  const TemporaryFolder folder;
  const std::string path =
      folder.write("x", safetensors_file(object(tensor_json(name, "U8", "1", "0,1")), "x"));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file.value().tensors()[0].name, "\xc3\xa9\xf0\x9f\x98\x80\"\\/");
}

TEST(Safetensors, RefusesEveryCutAndEveryExcess) {
  const std::string whole = safetensors_file(kTwoHeader, kTwoData);
  for (std::size_t count = 1; count < whole.size(); ++count) {
    expect_file_refused(whole.substr(0, count), "", "a");
  }
  expect_file_refused(whole.substr(0, whole.size() - 1), "is truncated", "a");
  expect_file_refused(whole + "x", "is too long", "a");
}

TEST(Safetensors, RefusesLengthsOfHeaders) {
  struct Case {
    std::uint64_t length;
    const char* reason;
  };
  for (const Case& c : {Case{0, "header of 0 bytes; expected 2 to 3"}, Case{1, "header of 1 bytes"},
                        Case{4, "header of 4 bytes"}, Case{16 << 20, "header of 16777216 bytes"},
                        Case{1ULL << 63, "header of 9223372036854775808 bytes"},
                        Case{UINT64_MAX, "header of 18446744073709551615 bytes"}}) {
    expect_file_refused(stored(std::vector{c.length}) + "{} ", c.reason);
  }
  const std::string wide = "{" + std::string((16 << 20) - 2, ' ') + "}";
  const TemporaryFolder folder;
  EXPECT_TRUE(SafetensorsFile::open(folder.write("x", safetensors_file(wide, ""))).ok());
  expect_file_refused(safetensors_file(wide + " ", ""), "expected 2 to 16777216");
}

TEST(Safetensors, RefusesOffsetsThatDoNotTile) {
  const auto two = [](const std::string& a, const std::string& b, std::size_t bytes) {
    return safetensors_file(
        object(tensor_json("a", "U8", "2", a) + "," + tensor_json("b", "U8", "2", b)),
        std::string(bytes, 'x'));
  };
  expect_file_refused(two("0,2", "3,5", 5), "a hole", "a");
  expect_file_refused(two("0,2", "1,3", 3), "overlap", "a");
  expect_file_refused(two("0,2", "0,2", 2), "overlap", "a");
  expect_file_refused(two("1,3", "3,5", 5), "begins at 1 of the data where 0", "a");
  expect_file_refused(two("0,2", "2,4", 3), "is truncated", "a");
  expect_file_refused(two("0,2", "2,4", 5), "is too long", "a");
  expect_file_refused(one("U8", "2", "2,0", "xx"), "do not hold the 2 bytes");
  expect_file_refused(one("U8", "2", "0,1", "x"), "do not hold the 2 bytes");
  expect_file_refused(one("U8", "2", "18446744073709551615,1", "xx"), "do not hold the 2 bytes");
  expect_file_refused(one("U8", "2", "18446744073709551614,18446744073709551616", "xx"),
                      "is above");
  expect_file_refused(one("U8", "2", "0,2,2", "xx"), "no more than 2 numbers");
  expect_file_refused(one("U8", "2", "0", "xx"), "no two data_offsets");
}

TEST(Safetensors, RefusesShapesBeyondTheirLimits) {
  const std::string max = "281474976710656";
  expect_file_refused(one("U8", max, "0,1", "x"), "do not hold the 281474976710656 bytes");
  expect_file_refused(one("U8", "281474976710657", "0,1", "x"), "at most 281474976710656");
  expect_file_refused(one("U8", "18446744073709551616", "0,1", "x"), "is above");
  expect_file_refused(one("U8", max + "," + max, "0,0", ""), "more than 2^64 bits");
  // 2^48 * 2^13 * 8 elements of 8 bits are 0 mod 2^64.
  expect_file_refused(one("U8", max + ",8192,8", "0,0", ""), "more than 2^64 bits");
  expect_file_refused(one("U8", "1,1,1,1,1,1,1,1,1", "0,1", "x"), "no more than 8 numbers");
  expect_file_refused(one("F4", "3", "0,1", "x"), "12 bits, no bytes");
  for (const char* shape : {"-1", "1.0", "1e0", "01", "+1", "\"1\"", "[1]", "null", "1,", ",1"}) {
    expect_file_refused(one("U8", shape, "0,1", "x"), "byte ");
  }
}

TEST(Safetensors, RefusesWhatIsNotInTheGrammar) {
  const std::string a = tensor_json("a", "U8", "1", "0,1");
  struct Case {
    std::string header;
    const char* reason;
  };
  const Case cases[] = {
      {object(a + "," + tensor_json("a", "U8", "1", "1,2")), "the tensor 'a' is there twice"},
      {object(a + "," + tensor_json("\\u0061", "U8", "1", "1,2")), "the tensor 'a' is there twice"},
      {object("\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}"), "has its dtype twice"},
      {object("\"a\":{\"dtype\":\"U8\",\"shape\":[1]}"), "no two data_offsets"},
      {object("\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}"), "has no shape"},
      {object("\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}"), "has no dtype"},
      {object("\"a\":{\"x\":1}"), "unknown field 'x'"},
      {object("\"a\":1"), "before a tensor's fields"},
      {object("\"a\":{\"dtype\":8}"), "a dtype in quotes"},
      {object(tensor_json("a", "f32", "1", "0,4")), "unknown dtype 'f32'"},
      {object(tensor_json("", "U8", "1", "0,1")), "is empty"},
      {object(tensor_json("a\\n", "U8", "1", "0,1")), "control characters"},
      {object(tensor_json(std::string(4097, 'n'), "U8", "1", "0,1")), "longer than 4096"},
      {object("\"__metadata__\":{},\"__metadata__\":{}"), "__metadata__ is there twice"},
      {object("\"__metadata__\":{\"k\":\"\",\"k\":\"\"}"), "the key 'k' is there twice"},
      {object("\"__metadata__\":{\"k\":1}"), "a string in quotes"},
      {object("\"__metadata__\":{\"k\":{}}"), "a string in quotes"},
      {object("\"__metadata__\":[]"), "before the metadata"},
      {object("\"\xff\":1"), "not UTF-8"},
      {object("\"\xc0\xaf\":1"), "not UTF-8"},
      {object("\"\xed\xa0\x80\":1"), "not UTF-8"},
      {object("\"\xf4\x90\x80\x80\":1"), "not UTF-8"},
      {object("\"\\ud800\":1"), "surrogate"},
      {object("\"\\ud800\\u0061\":1"), "surrogate"},
      {object("\"\\udc00\":1"), "surrogate"},
      {object("\"\\u00g0\":1"), "four hexadecimal digits"},
      {object("\"\\x\":1"), "an escape of JSON"},
      {object("\"a\tb\":1"), "the end of a string"},
      {object(a + ","), "a key in quotes"},
      {object("a:1"), "a key in quotes"},
      {object("\"a\" 1"), "after a key"},
      {object(a) + "x", "nothing more"},
      {object(a) + std::string(1, '\0'), "nothing more"},
      {"{\"a", "the end of a string"},
      {"[]", "neither IDX"},
      {" {}", "neither IDX"},
  };
  for (const Case& c : cases) expect_file_refused(safetensors_file(c.header, "x"), c.reason, "a");
}

TEST(Safetensors, TakesNoDepthAndNotTooManyTensors) {
  std::string nested;
  for (int i = 0; i < 1'000'000; ++i) nested += "{\"a\":";
  expect_file_refused(safetensors_file(nested, ""), "unknown field 'a'");
  expect_file_refused(safetensors_file("{\"a\":{\"shape\":" + std::string(1'000'000, '['), ""),
                      "byte");
  std::string many;
  for (int i = 0; i < 100'001; ++i) {
    many += (i == 0 ? "" : ",") + tensor_json(std::to_string(i), "U8", "0", "0,0");
  }
  expect_file_refused(safetensors_file(object(many), ""), "more than 100000 tensors");
}

Result<std::string> written(std::vector<TensorBytes> tensors) {
  std::string bytes;
  const Status status =
      write_safetensors(std::move(tensors), [&](std::span<const std::byte> piece) {
        bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return Status();
      });
  if (!status.ok()) return status;
  return bytes;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(Safetensors, ReadsWhatItWrites) {
  const std::string doubles = stored<double>({1, -2});
  const std::string halves = "abcdef";
  const std::string bytes = "xyz";
  const Result<std::string> file =
      written({{"odd", {ArrayType::kU8, {3}}, bytes_of(bytes)},
               {"code/w\"\\\xc3\xa9", {ArrayType::kBf16, {1, 3}}, bytes_of(halves)},
               {"a", {ArrayType::kF64, {2}}, bytes_of(doubles)}});
  ASSERT_TRUE(file.ok()) << file.status().message();
  const TemporaryFolder folder;
  const std::string path = folder.write("x", file.value());
  EXPECT_EQ(read_whole(path + "#a").value(), doubles);
  EXPECT_EQ(read_whole(path + "#code/w\"\\\xc3\xa9").value(), halves);
  EXPECT_EQ(read_whole(path + "#odd").value(), bytes);
  const Result<SafetensorsFile> tensors = SafetensorsFile::open(path);
  for (const SafetensorsTensor& tensor : tensors.value().tensors()) {
    const auto array = tensors.value().open_tensor(tensor.name);
    EXPECT_EQ(array.value()->raw()->offset % array_type_bytes(*tensor.type), 0u) << tensor.name;
  }
}

TEST(Safetensors, WritesNothingThatItWouldRefuse) {
  const std::string x = "x";
  const ArrayShape shape{ArrayType::kU8, {1}};
  const auto tensor = [&](const std::string& name) {
    return TensorBytes{name, shape, bytes_of(x)};
  };
  EXPECT_EQ(written({tensor("a"), tensor("b"), tensor("a")}).status().fault(), Fault::kInput);
  for (const char* name : {"", "a\nb", "\xff", "__metadata__"}) {
    EXPECT_EQ(written({tensor(name)}).status().fault(), Fault::kInput) << name;
  }
  EXPECT_EQ(written({}).value(), safetensors_file("{}      ", ""));
}

TEST(Safetensors, StopsAtTheSinksFault) {
  const std::string x = "x";
  int calls = 0;
  const Status status = write_safetensors({{"a", {ArrayType::kU8, {1}}, bytes_of(x)}},
                                          [&](std::span<const std::byte>) {
                                            ++calls;
                                            return Status::world("full");
                                          });
  EXPECT_EQ(status.fault(), Fault::kWorld);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace aesweep
