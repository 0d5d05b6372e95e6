// Proves that the YAML reader accepts exactly its strict subset and stays within its limits: a
// table of texts with their exact messages, trees compared with what was written, and hostile sizes
// under a bound of memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "core/base/text.hpp"
#include "runner/config/node.hpp"

namespace aesweep {
namespace {

std::string repeated(const std::string& piece, std::size_t bytes) {
  std::string all;
  while (all.size() + piece.size() <= bytes) all += piece;
  return all;
}

std::string fault_of(const std::string& bytes) {
  const Result<Node> node = read_yaml(bytes, "f.yaml");
  return node.ok() ? "no fault" : node.status().message();
}

// The tree as text: scalars bare or in quotes, ~ for nothing, every value with its mark.
std::string dump(const Node& node) {
  const std::string mark = text(node.mark.line, ':', node.mark.column);
  std::string inside;
  switch (node.kind) {
    case NodeKind::kNull:
      return text("~@", mark);
    case NodeKind::kScalar:
      return text(found(node), '@', mark);
    case NodeKind::kList:
      for (const Node& item : node.items) inside += text(inside.empty() ? "" : " ", dump(item));
      return text('[', inside, "]@", mark);
    case NodeKind::kMap:
      for (const Entry& entry : node.entries) {
        inside += text(inside.empty() ? "" : " ", entry.key, '=', dump(entry.value));
      }
      return text('{', inside, "}@", mark);
  }
  return "";
}

std::string dump_of(const std::string& bytes) {
  const Result<Node> node = read_yaml(bytes, "f.yaml");
  return node.ok() ? dump(node.value()) : node.status().message();
}

TEST(Yaml, KeepsTextQuotesAndMarks) {
  EXPECT_EQ(dump_of("a: 1\nb:\n  - x\n  - \"2\"\n  - {c: , d: ~}\n"),
            "{a=1@1:4 b=[x@3:5 \"2\"@4:5 {c=~@5:9 d=~@5:14}@5:5]@3:3}@1:1");
}

TEST(Yaml, AcceptsLineEndsAndByteOrderMarkAlike) {
  const std::string unix_text = "a: 1\nb: [x, y]\n# end\n";
  std::string dos_text;
  for (const char c : unix_text) dos_text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(dump_of(dos_text), dump_of(unix_text));
  EXPECT_EQ(dump_of("\xEF\xBB\xBF" + unix_text), dump_of(unix_text));
}

TEST(Yaml, CountsColumnsInCodePoints) {
  EXPECT_EQ(dump_of("{\xC3\xA9: \xE2\x82\xAC, b: 1}"), "{\xC3\xA9=\xE2\x82\xAC@1:5 b=1@1:11}@1:1");
}

TEST(Yaml, AcceptsQuotesInQuotes) {
  EXPECT_EQ(dump_of("a: 'it''s'\nb: \"x\\\"y\\\\\"\nc: \"'\"\n"),
            "{a=\"it's\"@1:4 b=\"x\"y\\\"@2:4 c=\"'\"@3:4}@1:1");
}

TEST(Yaml, AcceptsADocumentStartAndTabsBetweenWords) {
  EXPECT_EQ(dump_of("---\na:\t1\n"), "{a=1@2:4}@2:1");
}

struct Case {
  const char* name;
  std::string text;
  const char* message;
};

TEST(Yaml, RefusesWhatIsOutsideTheSubset) {
  using std::string_literals::operator""s;
  const Case cases[] = {
      {"empty", "", "f.yaml:1:1: the file is empty"},
      {"comment only", "# nothing\n", "f.yaml:1:1: the file is empty"},
      {"utf-16",
       "\xFF\xFE"
       "a\0:\0"s,
       "f.yaml:1:1: the file is UTF-16; save it as UTF-8"},
      {"nul", "a: 1\nb: x\0y\n"s, "f.yaml:2:5: a NUL byte; this is not a text file"},
      {"control", "a: \x07\n", "f.yaml:1:4: control character 0x07; this is not a text file"},
      {"end of transmission", "a: 1\n\x04\nb: 2\n",
       "f.yaml:2:1: control character 0x04; this is not a text file"},
      {"latin-1", "a: caf\xE9\n", "f.yaml:1:7: byte 0xe9 is not UTF-8; save as UTF-8"},
      {"overlong", "a: \xC0\x80\n", "f.yaml:1:4: byte 0xc0 is not UTF-8; save as UTF-8"},
      {"surrogate", "a: \xED\xA0\x80\n", "f.yaml:1:4: byte 0xed is not UTF-8; save as UTF-8"},
      {"old mac", "a: 1\rb: 2\r",
       "f.yaml:1:5: a carriage return without a line feed; end lines with LF or CRLF"},
      {"tab", "a:\n\tb: 1\n",
       "f.yaml:2:1: a tab in the indentation, where YAML allows only spaces"},
      {"tab after spaces", "a:\n  \tb: 1\n",
       "f.yaml:2:3: a tab in the indentation, where YAML allows only spaces"},
      {"anchor", "a: &x 1\n",
       "f.yaml:1:4: a: anchor &x; anchors are not allowed, write the value out"},
      {"anchored list", "a: {b: [1, &x 2]}\n",
       "f.yaml:1:12: a.b[1]: anchor &x; anchors are not allowed, write the value out"},
      {"self alias", "a: &x [*x]\n",
       "f.yaml:1:4: a: anchor &x; anchors are not allowed, write the value out"},
      {"alias", "a: *x\n",
       "f.yaml:1:4: not valid YAML: an alias; aliases are not allowed, write the value out or put "
       "the text in quotes"},
      {"merge", "a: 1\n<<: {b: 2}\n",
       "f.yaml:2:1: a merge key; merges are not allowed, write the keys out"},
      {"tag", "a: !!int 3\n", "f.yaml:1:4: a: a tag; tags are not allowed, leave it out"},
      {"local tag", "a: [!x y]\n", "f.yaml:1:5: a[0]: a tag; tags are not allowed, leave it out"},
      {"bare tag", "a: ! 3\n", "f.yaml:1:4: a: a tag; tags are not allowed, leave it out"},
      {"tag on nothing", "!2", "f.yaml:1:1: a tag; tags are not allowed, leave it out"},
      {"tag on a map", "!x {a: 1}\n", "f.yaml:1:1: a tag; tags are not allowed, leave it out"},
      {"second document", "a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document; expected one"},
      {"doubled key", "a:\n  b: 1\n  c: 2\n  b: 3\n",
       "f.yaml:4:3: a.b: the key is given twice, first at line 2"},
      {"no key", "a: 1\n: 2\n", "f.yaml:2:1: a key is missing before the colon"},
      {"list as key", "? [a]\n: 2\n", "f.yaml:1:3: a list or map as a key; expected a name"},
      {"line break in a key", "? |\n  a\n: 1\n", "f.yaml:1:3: a line break in a key"},
      {"line break in a value", "a: |\n  x\n", "f.yaml:1:4: a: a line break in a value"},
      {"escaped line break in a key", "\"a\\nb\": 1\n", "f.yaml:1:1: a line break in a key"},
      {"escaped NUL", "a: [\"x\\0\"]\n", "f.yaml:1:5: a[0]: control character 0x00 in a value"},
      {"open brace", "a: {b: 1\n",
       "f.yaml:2:1: not valid YAML: a { is not closed by }; check commas and braces"},
      {"open bracket", "a: [1, 2\n",
       "f.yaml:2:1: not valid YAML: a [ is not closed by ]; check commas and brackets"},
      {"open quote", "a: \"x\n", "f.yaml:1:4: a: a quote without its closing quote"},
      {"open single quote", "a: 'it''s\nb: 1\n",
       "f.yaml:1:4: a: a quote without its closing quote"},
      {"escaped quote", "a: \"x\\\"\nb: 1\n", "f.yaml:1:4: a: a quote without its closing quote"},
      {"colon in a value", "a: b: c\n",
       "f.yaml:1:5: not valid YAML: a colon where no value can start; check the indentation, put a "
       "text that contains \": \" in quotes"},
      {"outdented", "a:\n    b: 1\n  c: 2\n",
       "f.yaml:3:3: not valid YAML: this does not belong to the map before it; check the "
       "indentation"},
      {"percent", "a: %x\n",
       "f.yaml:1:4: not valid YAML: a character that cannot start a value; put the text in quotes"},
  };
  for (const Case& c : cases) EXPECT_EQ(fault_of(c.text), c.message) << c.name;
}

TEST(Yaml, HoldsItsLimits) {
  const std::string key(257, 'k');
  EXPECT_EQ(fault_of(key + ": 1\n"), "f.yaml:1:1: a key of 257 bytes; the limit is 256");
  EXPECT_EQ(fault_of("a: " + std::string(65537, 'x')),
            "f.yaml:1:4: a: a scalar of 65537 bytes; the limit is 65536");
  EXPECT_EQ(fault_of(std::string(std::size_t{64} << 20, 'x')),
            "f.yaml:1:1: the file has 67108864 bytes; the limit is 262144");
  EXPECT_EQ(fault_of(text('[', repeated("1,", 240000), ']')),
            "f.yaml:1:200000: more than 100000 values");
  EXPECT_EQ(fault_of(std::string(64, '[') + std::string(64, ']')), "no fault");
  EXPECT_EQ(fault_of(std::string(65, '[') + std::string(65, ']')),
            "f.yaml:1:65: nested deeper than 64 levels");
}

TEST(Yaml, SurvivesDeepNesting) {
  const std::string openings[] = {"[",    "{",    "- ",  "? ",  "a: [",
                                  "[a, ", "{a: ", "? [", "- [", "[[],"};
  for (const std::string& opening : openings) {
    const std::string message = fault_of(repeated(opening, 200000));
    EXPECT_NE(message, "no fault") << opening;
    EXPECT_TRUE(message.starts_with("f.yaml:")) << message;
  }
  std::string indented;
  for (int depth = 0; depth < 600; ++depth) {
    indented += std::string(static_cast<std::size_t>(depth), ' ') + "a:\n";
  }
  EXPECT_EQ(fault_of(indented), "f.yaml:65:65: nested deeper than 64 levels");
}

// The parser looks ahead as far as a flow list reaches, at up to 240 bytes for one of text.
TEST(Yaml, BoundsItsMemory) {
  const std::size_t limit = YamlLimits().bytes;
  for (const std::string& hostile :
       {repeated("[", limit), repeated("{", limit), text('[', repeated("a,", limit - 2))}) {
    EXPECT_NE(fault_of(hostile), "");
  }
  rusage usage{};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(usage.ru_maxrss, (64 + 128) * 1024) << "KiB; 128 MiB for this test's own 64 MiB text";
#endif
}

}  // namespace
}  // namespace aesweep
