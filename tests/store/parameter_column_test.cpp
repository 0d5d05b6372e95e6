// Proves the rules of parameter_column.hpp and names.hpp by a table of cases each.
#include "runner/store/parameter_column.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "runner/store/names.hpp"

namespace aesweep {
namespace {

using h5::CellType;
using Values = std::vector<std::optional<ParameterValue>>;

h5::Table filled(const Values& values) {
  ParameterColumn parameter("p");
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (values[row]) parameter.add(row, *values[row]);
  }
  h5::Table table({parameter.column("p", values.size())});
  table.resize(values.size());
  parameter.fill(table, 0);
  return table;
}

std::string word(const char* text) { return text; }

TEST(ParameterColumn, ChoosesTheType) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const std::int64_t one = 1;
  struct Case {
    const char* name;
    Values values;
    CellType type;
  };
  const std::vector<Case> cases = {
      {"booleans", {{true}, {false}}, CellType::kU1},
      {"integers", {{one}, {big}}, CellType::kI8},
      {"reals", {{0.5}, {0.25}}, CellType::kF8},
      {"both numbers", {{one}, {0.25}}, CellType::kF8},
      {"both numbers, one too big", {{big}, {0.25}}, CellType::kText},
      {"integers, one missing", {{one}, {}}, CellType::kF8},
      {"reals, one missing", {{}, {0.25}}, CellType::kF8},
      {"booleans, one missing", {{true}, {}}, CellType::kText},
      {"boolean and integer", {{true}, {one}}, CellType::kText},
      {"text and real", {{word("x")}, {0.25}}, CellType::kText},
  };
  for (const Case& c : cases) EXPECT_EQ(filled(c.values).columns()[0].type, c.type) << c.name;
}

TEST(ParameterColumn, FillsNumbers) {
  const h5::Table table = filled({{std::int64_t{3}}, {}, {0.25}});
  EXPECT_EQ(table.real(0, 0), 3.0);
  EXPECT_TRUE(std::isnan(table.real(1, 0)));
  EXPECT_EQ(table.real(2, 0), 0.25);
  EXPECT_EQ(filled({{true}, {false}}).integer(0, 0), 1);
  EXPECT_EQ(filled({{std::int64_t{-7}}}).integer(0, 0), -7);
}

TEST(ParameterColumn, FillsTexts) {
  const h5::Table table = filled({{word("gr\xC3\xB6\xC3\x9F"
                                        "er")},
                                  {},
                                  {true},
                                  {0.1},
                                  {1e-300},
                                  {std::int64_t{-5}}});
  const char* expected[] = {
      "gr\xC3\xB6\xC3\x9F"
      "er",
      "",
      "true",
      "0.1",
      "1e-300",
      "-5"};
  for (std::size_t row = 0; row < 6; ++row) EXPECT_EQ(table.text(row, 0), expected[row]);
  EXPECT_EQ(table.columns()[0].text_bytes, 8u);
  EXPECT_FALSE(table.columns()[0].ascii);
}

TEST(Names, AreStoredWithoutDotsAndSlashes) {
  EXPECT_EQ(stored_name("model.layers.code.units"), "model_layers_code_units");
  EXPECT_EQ(stored_name("train/loss_a.b"), "train_loss_a_b");
  EXPECT_EQ(stored_name(""), "");
  EXPECT_EQ(trial_name(12), "000012");
  EXPECT_EQ(trial_name(0), "000000");
  EXPECT_EQ(trial_name(12345678), "12345678");
}

TEST(Names, CollisionsAreErrors) {
  NameSet names("parameter");
  names.reserve("id");
  EXPECT_TRUE(names.add("a_b", "a.b").ok());
  EXPECT_TRUE(names.add("c", "c").ok());
  EXPECT_EQ(names.add("a_b", "a/b").message(),
            "parameters 'a.b' and 'a/b' would both be stored as a_b ('.' and '/' become '_'); "
            "rename one");
  EXPECT_EQ(names.add("a_b", "a.b").message(), "parameter 'a.b' is there twice");
  EXPECT_EQ(names.add("", "").message(), "a parameter has no name");
  EXPECT_EQ(names.add("id", "id").message(),
            "parameter 'id' would be stored as id, a name that the results format uses itself; "
            "rename it");
}

TEST(Names, CutTextKeepsUtf8Whole) {
  EXPECT_EQ(cut_text("short", 10), "short");
  EXPECT_EQ(cut_text("exactly 10", 10), "exactly 10");
  EXPECT_EQ(cut_text("more than ten", 10), "more [...]");
  // The two bytes of the fourth letter would straddle the cut.
  EXPECT_EQ(cut_text("abc\xC3\xB6xxxxxxxxx", 10), "abc [...]");
}

}  // namespace
}  // namespace aesweep
