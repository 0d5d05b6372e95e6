#include "runner/plugin_check/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/base/text.hpp"
#include "runner/plugin_host/printable.hpp"

namespace aesweep {
namespace {

using conformance::Grade;

constexpr std::array<const char*, 4> kGradeNames = {"ok", "skip", "warn", "FAIL"};

std::string padded(std::string word, std::size_t width) {
  word.resize(std::max(width, word.size()), ' ');
  return word;
}

const char* grade_name(Grade grade) { return kGradeNames.at(static_cast<std::size_t>(grade)); }

// A string of JSON. Texts come from plugins: what is not printable ASCII is escaped byte by byte.
std::string quoted(const std::string& words) {
  std::string out = "\"";
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte > 0x7E) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", byte);
      out += code.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string verdict_word(Grade grade) { return grade == Grade::kFail ? "fail" : grade_name(grade); }

}  // namespace

std::string case_line(const CheckedCase& result) {
  const bool failed = result.verdict.grade == Grade::kFail;
  std::string who = result.component;
  if (!who.empty()) who = result.kind + " " + who;
  if (failed && !who.empty() && !result.verdict.scalar.empty()) {
    who += " (" + result.verdict.scalar + ")";
  }
  return text(padded(grade_name(result.verdict.grade), 6), padded(result.name, 16), who,
              who.empty() ? "" : ": ", printable_line(result.verdict.text), "\n");
}

std::string closing_lines(const CheckReport& report) {
  std::array<int, 4> counts{};
  for (const CheckedCase& c : report.cases) ++counts.at(static_cast<std::size_t>(c.verdict.grade));
  std::string reproducible = "not checked";
  if (report.reproducible) {
    reproducible = *report.reproducible ? "yes" : "no (" + printable_line(report.impure) + ")";
  }
  return text("\nreproducible: ", reproducible, "\n", counts[0], " ok, ", counts[1], " skipped, ",
              counts[2], counts[2] == 1 ? " warning, " : " warnings, ", counts[3], " failed\n");
}

std::string report_json(const CheckReport& report) {
  std::string out = text("{\"library\": ", quoted(report.library), ", \"id\": ", quoted(report.id),
                         ", \"sha256\": ", quoted(report.sha256), ",\n \"cases\": [");
  const char* separator = "\n";
  for (const CheckedCase& c : report.cases) {
    std::array<char, 32> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%.6f", c.seconds);
    out +=
        text(separator, "  {\"name\": ", quoted(c.name), ", \"kind\": ", quoted(c.kind),
             ", \"component\": ", quoted(c.component), ", \"scalar\": ", quoted(c.verdict.scalar),
             ", \"verdict\": ", quoted(verdict_word(c.verdict.grade)),
             ", \"text\": ", quoted(c.verdict.text), ", \"seconds\": ", seconds.data(), "}");
    separator = ",\n";
  }
  const char* reproducible = !report.reproducible   ? "null"
                             : *report.reproducible ? "true"
                                                    : "false";
  return out + text("],\n \"reproducible\": ", reproducible,
                    ", \"impure\": ", quoted(report.impure), "}\n");
}

}  // namespace aesweep
