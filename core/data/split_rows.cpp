#include "core/data/split_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "core/base/text.hpp"
#include "core/data/order.hpp"
#include "core/sdk/philox.hpp"

namespace aesweep {
namespace {

struct NamedPart {
  std::string_view name;
  const std::optional<SplitPart>* part;
  RowSpan span;

  [[nodiscard]] bool given() const { return part->has_value(); }
  [[nodiscard]] std::string key() const { return text("data.split.", name); }
  [[nodiscard]] std::string value() const {
    const SplitPart& given = **part;
    return given.by_index ? text("[", given.first, ", ", given.last, ")")
                          : format_real(given.fraction);
  }
};
using NamedParts = std::array<NamedPart, 3>;  // train, validation, test.

Status check_one_kind(const NamedParts& parts) {
  const NamedPart* first = nullptr;
  for (const NamedPart& one : parts) {
    if (!one.given()) continue;
    if (first == nullptr) first = &one;
    if ((*one.part)->by_index == (*first->part)->by_index) continue;
    return Status::input(text(one.key(), ": ", one.value(), " beside ", first->key(), " ",
                              first->value(), "; give all as fractions or all as row ranges"));
  }
  return {};
}

Status empty_split(const std::string& what, std::int64_t rows) {
  return Status::input(text(what, " of ", rows, rows == 1 ? " sample" : " samples",
                            " leaves the split without any; give it at least one"));
}

Status cut_by_fraction(NamedParts& parts, std::int64_t rows) {
  double sum = 0.0;
  for (const NamedPart& one : parts) {
    if (!one.given()) continue;
    const double fraction = (*one.part)->fraction;
    if (!(fraction > 0.0 && fraction <= 1.0)) {
      return Status::input(text(one.key(), ": ", one.value(), " is not in (0, 1]"));
    }
    sum += fraction;
  }
  constexpr double kRoundings = 1e-9;  // 0.7 + 0.2 + 0.1 is above 1.
  if (sum > 1.0 + kRoundings) {
    return Status::input(
        text("data.split: its fractions add up to ", sum, "; they share the samples, at most 1"));
  }
  std::int64_t given = 0;
  for (NamedPart& one : parts) {
    if (!one.given()) continue;
    const double share = (*one.part)->fraction * static_cast<double>(rows);
    one.span.count = std::min<std::int64_t>(std::llround(share), rows - given);
    if (one.span.count == 0) return empty_split(one.key() + ": " + one.value(), rows);
    given += one.span.count;
  }
  if (!parts[0].given()) parts[0].span.count = rows - given;
  std::int64_t first = 0;
  for (NamedPart& one : parts) {
    one.span.first = first;
    first += one.span.count;
  }
  return {};
}

Status cut_by_index(NamedParts& parts, std::int64_t rows) {
  for (NamedPart& one : parts) {
    if (!one.given()) continue;
    const SplitPart& given = **one.part;
    if (given.first < 0 || given.last > rows) {
      return Status::input(text(one.key(), ": ", one.value(), " is not within the ", rows,
                                " samples [0, ", rows, ")"));
    }
    if (given.last <= given.first) return empty_split(one.key() + ": " + one.value(), rows);
    one.span = {given.first, given.last - given.first};
    for (const NamedPart& other : parts) {
      if (&other == &one) break;
      if (!other.given()) continue;
      const std::int64_t first = std::max(other.span.first, given.first);
      const std::int64_t last = std::min(other.span.first + other.span.count, given.last);
      if (first >= last) continue;
      return Status::input(text(one.key(), ": ", one.value(), " overlaps ", other.key(), " ",
                                other.value(), " in rows [", first, ", ", last,
                                "); no sample may be in two splits"));
    }
  }
  return {};
}

// What lies in none of the parts, ascending.
std::vector<RowSpan> rest_of(const NamedParts& parts, std::int64_t rows) {
  std::vector<RowSpan> taken;
  for (const NamedPart& one : parts) {
    if (one.given()) taken.push_back(one.span);
  }
  std::sort(taken.begin(), taken.end(),
            [](const RowSpan& a, const RowSpan& b) { return a.first < b.first; });
  taken.push_back({rows, 0});
  std::vector<RowSpan> rest;
  std::int64_t at = 0;
  for (const RowSpan& span : taken) {
    if (span.first > at) rest.push_back({at, span.first - at});
    at = span.first + span.count;
  }
  return rest;
}

void pick(const std::vector<std::int64_t>& order, RowList& list) {
  for (const RowSpan& span : list.spans) {
    list.picked.insert(list.picked.end(), order.begin() + span.first,
                       order.begin() + span.first + span.count);
  }
  list.spans.clear();
}

Status cut_random_order(const SplitSpec& split, std::int64_t rows, SplitRows& cut) {
  constexpr std::int64_t kRowsMax = (std::int64_t{1} << 32) - 1;
  if (rows > kRowsMax) {
    return Status::input(text("data.split.order: random takes at most ", kRowsMax, " samples, not ",
                              rows, "; write order: file"));
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  epoch_order(stream_hash(split.seed, "data/split", 0), 0, true, order);
  for (RowList* list : {&cut.train, &cut.validation, &cut.test}) pick(order, *list);
  return {};
}

}  // namespace

std::int64_t RowList::count() const {
  auto rows = static_cast<std::int64_t>(picked.size());
  for (const RowSpan& span : spans) rows += span.count;
  return rows;
}

void RowList::limit(std::int64_t rows) {
  if (static_cast<std::int64_t>(picked.size()) > rows) {
    picked.resize(static_cast<std::size_t>(rows));
  }
  for (RowSpan& span : spans) {
    span.count = std::min(span.count, rows);
    rows -= span.count;
  }
  std::erase_if(spans, [](const RowSpan& span) { return span.count == 0; });
}

Result<SplitRows> split_rows(const SplitSpec& split, std::int64_t rows) {
  NamedParts parts = {{{"train", &split.train, {}},
                       {"validation", &split.validation, {}},
                       {"test", &split.test, {}}}};
  AESWEEP_RETURN_IF_ERROR(check_one_kind(parts));
  const bool by_index = std::any_of(parts.begin(), parts.end(), [](const NamedPart& one) {
    return one.given() && (*one.part)->by_index;
  });
  AESWEEP_RETURN_IF_ERROR(by_index ? cut_by_index(parts, rows) : cut_by_fraction(parts, rows));
  SplitRows cut;
  if (split.train) {
    cut.train.spans = {parts[0].span};
  } else if (by_index) {
    cut.train.spans = rest_of(parts, rows);
  } else if (parts[0].span.count > 0) {
    cut.train.spans = {parts[0].span};
  }
  if (cut.train.spans.empty()) {
    return Status::input(text("data.split: the other splits take all ", rows,
                              " samples and leave none for training; make them smaller"));
  }
  if (split.validation) cut.validation.spans = {parts[1].span};
  if (split.test) cut.test.spans = {parts[2].span};
  if (split.random) AESWEEP_RETURN_IF_ERROR(cut_random_order(split, rows, cut));
  return cut;
}

}  // namespace aesweep
