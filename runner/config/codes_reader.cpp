#include "runner/config/codes_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/base/text.hpp"

namespace aesweep {
namespace {

// In the order of Binarization; null ends the list.
constexpr std::array<const char*, 5> kWords = {"zero", "mean", "median", "itq", nullptr};

class CodesReader {
 public:
  CodesReader(const std::string& file, const FieldReader& reader) : file_(file), reader_(reader) {}

  [[nodiscard]] Result<std::vector<Binarization>> binarizations(const Node& given) const {
    const std::string path = "evaluate.codes.binarize";
    const bool one = given.kind == NodeKind::kScalar;
    if (!one && (given.kind != NodeKind::kList || given.items.empty())) {
      return fault_at(file_, given.mark, path,
                      text("found ", given.kind == NodeKind::kList ? "an empty list" : found(given),
                           ", expected a list such as [zero, itq]"));
    }
    std::vector<Binarization> kinds;
    const std::span<const Node> items = one ? std::span(&given, 1) : std::span(given.items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string item_path = one ? path : text(path, '[', i, ']');
      Result<std::string> word = reader_.read_word(&items[i], item_path, kWords);
      if (!word.ok()) return word.status();
      const auto kind = static_cast<Binarization>(
          std::find(kWords.begin(), kWords.end() - 1, *word) - kWords.begin());
      if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) {
        return fault_at(file_, items[i].mark, item_path,
                        text(*word, " is there twice; give each once"));
      }
      kinds.push_back(kind);
    }
    return kinds;
  }

 private:
  const std::string& file_;
  const FieldReader& reader_;
};

}  // namespace

std::string_view binarization_word(Binarization kind) {
  return kWords[static_cast<std::size_t>(kind)];
}

Result<std::optional<CodeEvaluationSpec>> read_codes(const std::string& file, FieldReader& reader,
                                                     const Node& document) {
  static const std::vector<std::string> kBinarize = {"binarize"};
  const Node* evaluate = find(document, "evaluate");
  const Node* codes = evaluate == nullptr ? nullptr : find(*evaluate, "codes");
  if (codes == nullptr) return std::optional<CodeEvaluationSpec>();
  Result<std::vector<NamedParameter>> fields =
      reader.read_section(document, "evaluate.codes", kBinarize);
  if (!fields.ok()) return fields.status();
  CodeEvaluationSpec spec;
  spec.queries = value_of<std::int64_t>(*fields, "queries");
  spec.database = value_of<std::int64_t>(*fields, "database");
  spec.radius = value_of<std::int64_t>(*fields, "radius");
  if (const Node* given = find(*codes, "binarize")) {
    Result<std::vector<Binarization>> kinds = CodesReader(file, reader).binarizations(*given);
    if (!kinds.ok()) return kinds.status();
    spec.binarize = std::move(kinds).value();
  }
  return std::optional(std::move(spec));
}

}  // namespace aesweep
