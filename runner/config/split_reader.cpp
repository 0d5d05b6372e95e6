#include "runner/config/split_reader.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "runner/config/number.hpp"
#include "runner/config/schema.hpp"
#include "runner/config/values.hpp"

namespace aesweep {
namespace {

constexpr const char* kSection = "data.split";

class SplitReader {
 public:
  SplitReader(const std::string& file, FieldReader& fields) : file_(file), fields_(fields) {}

  [[nodiscard]] Result<SplitSpec> read(const Node& document, const Node& section) {
    static const std::vector<std::string> kParts = {"train", "validation", "test"};
    Result<std::vector<NamedParameter>> fields = fields_.read_section(document, kSection, kParts);
    if (!fields.ok()) return fields.status();
    SplitSpec spec;
    AESWEEP_RETURN_IF_ERROR(read_part(section, "train", spec.train));
    AESWEEP_RETURN_IF_ERROR(read_part(section, "validation", spec.validation));
    AESWEEP_RETURN_IF_ERROR(read_part(section, "test", spec.test));
    if (parts_.empty()) {
      return fault_at(file_, section.mark, kSection,
                      "cuts nothing; give train, validation or test, such as {validation: 0.1}");
    }
    AESWEEP_RETURN_IF_ERROR(check_kinds());
    AESWEEP_RETURN_IF_ERROR(parts_[0].part.by_index ? check_rows() : check_sum(spec, section));
    spec.random = value_of<std::string>(*fields, "order") == "random";
    spec.seed = static_cast<std::uint64_t>(value_of<std::int64_t>(*fields, "seed"));
    const Node* seed = find(section, "seed");
    if (seed == nullptr || spec.random) return spec;
    return fault_at(file_, seed->mark, joined(kSection, "seed"),
                    "order file has no such key; add order: random or leave it out");
  }

 private:
  struct Given {
    std::string key;
    Mark mark;
    SplitPart part;
  };

  [[nodiscard]] Status refuse(const Node& node, const std::string& key) const {
    return fault_at(file_, node.mark, key,
                    text("found ", found(node),
                         ", expected a fraction in (0, 1) such as 0.1, or "
                         "rows [first, last) such as [0, 5000]"));
  }

  [[nodiscard]] Status read_part(const Node& section, const char* name,
                                 std::optional<SplitPart>& part) {
    const Node* node = find(section, name);
    if (node == nullptr) return {};
    const std::string key = joined(kSection, name);
    SplitPart read;
    if (node->kind == NodeKind::kList) {
      AESWEEP_RETURN_IF_ERROR(read_rows(*node, key, read));
    } else {
      const std::optional<double> fraction =
          node->kind == NodeKind::kScalar && !node->quoted ? parse_real(node->text) : std::nullopt;
      if (!fraction || !(*fraction > 0.0) || !(*fraction < 1.0)) return refuse(*node, key);
      read.fraction = *fraction;
    }
    part = read;
    parts_.push_back({key, node->mark, read});
    return {};
  }

  [[nodiscard]] Status read_rows(const Node& list, const std::string& key, SplitPart& part) const {
    part.by_index = true;
    std::array<std::int64_t*, 2> ends = {&part.first, &part.last};
    if (list.items.size() != ends.size()) {
      return fault_at(file_, list.mark, key,
                      text("found a list of ", list.items.size(),
                           ", expected two numbers: rows [first, last), such as [0, 5000]"));
    }
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const Node& item = list.items[i];
      const std::optional<std::int64_t> row =
          item.kind == NodeKind::kScalar && !item.quoted ? parse_integer(item.text) : std::nullopt;
      if (!row || *row < 0 || *row > kRowsMax) {
        return fault_at(
            file_, item.mark, text(key, '[', i, ']'),
            text("found ", found(item), ", expected a whole number in [0, ", kRowsMax, "]"));
      }
      *ends[i] = *row;
    }
    if (part.first < part.last) return {};
    return fault_at(file_, list.mark, key,
                    text("[", part.first, ", ", part.last,
                         "] has no rows; the second number is the row after the last"));
  }

  [[nodiscard]] Status check_kinds() const {
    for (const Given& given : parts_) {
      if (given.part.by_index == parts_[0].part.by_index) continue;
      return fault_at(file_, given.mark, given.key,
                      text("is given by ", given.part.by_index ? "rows" : "fraction", ", but ",
                           parts_[0].key, " by ", parts_[0].part.by_index ? "rows" : "fraction",
                           "; give all parts in one way"));
    }
    return {};
  }

  [[nodiscard]] Status check_rows() const {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const SplitPart& a = parts_[j].part;
        const SplitPart& b = parts_[i].part;
        if (a.last <= b.first || b.last <= a.first) continue;
        return fault_at(file_, parts_[i].mark, parts_[i].key,
                        text("shares rows with ", parts_[j].key, ", [", a.first, ", ", a.last,
                             "]; a sample can be in one split only"));
      }
    }
    return {};
  }

  // Something must be left where `train` is the rest.
  [[nodiscard]] Status check_sum(const SplitSpec& spec, const Node& section) const {
    constexpr double kRounding = 1e-9;  // 0.7 + 0.2 + 0.1 is all of it.
    double sum = 0.0;
    for (const Given& given : parts_) sum += given.part.fraction;
    if (spec.train ? sum <= 1.0 + kRounding : sum < 1.0 - kRounding) return {};
    return fault_at(file_, section.mark, kSection,
                    text("its fractions add up to ", shown(rounded_to_12_digits(sum)),
                         spec.train ? ", more than 1" : "; nothing is left to train with"));
  }

  const std::string& file_;
  FieldReader& fields_;
  std::vector<Given> parts_;  // In the order train, validation, test.
};

}  // namespace

Result<SplitSpec> read_split(const std::string& file, FieldReader& reader, const Node& document) {
  const Node* section = find(*find(document, "data"), "split");
  if (section == nullptr) return SplitSpec();
  AESWEEP_RETURN_IF_ERROR(reader.check_map(section, kSection));
  return SplitReader(file, reader).read(document, *section);
}

}  // namespace aesweep
