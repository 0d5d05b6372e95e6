#include "core/data/layout.hpp"

#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/buffer.hpp"
#include "core/base/check.hpp"
#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "core/data/stream_file.hpp"

namespace aesweep {
namespace {

static_assert(std::is_trivially_copyable_v<DatasetFacts>);
static_assert(std::is_trivially_copyable_v<DatasetLayout>);

// Hands out places in the block, one after another, each on its own 64-byte line.
class Allotment {
 public:
  std::uint64_t place(std::initializer_list<std::uint64_t> factors) {
    const std::uint64_t offset = end_.value_or(0);
    const std::optional<std::uint64_t> bytes = checked_product(factors);
    end_ = end_ && bytes ? checked_add(offset, *bytes) : std::nullopt;
    if (end_) end_ = checked_align(*end_, kLineBytes);
    return offset;
  }
  // Of all places; none if they overflow.
  [[nodiscard]] std::optional<std::uint64_t> bytes() const { return end_; }

 private:
  std::optional<std::uint64_t> end_ = 0;
};

Result<Split> split_of(const DataSpec& spec, const DatasetLayout& layout,
                       const DatasetLayout::Part& part, const std::byte* block) {
  Split split;
  split.element = part.element;
  split.rows = part.rows;
  split.cols = part.cols;
  split.scale = part.scale;
  split.block_rows = layout.block_rows;
  split.pool_rows = layout.pool_rows;
  if (part.has_labels) {
    split.labels = reinterpret_cast<const std::int32_t*>(block + part.labels_offset);
  }
  if (!part.streamed) {
    split.samples = block + part.samples_offset;
    return split;
  }
  const std::string& path = part.in_test_file ? spec.test_path : spec.path;
  Result<StreamFile> file = StreamFile::open(
      parse_array_ref(path).path, part.samples_offset,
      static_cast<std::uint64_t>(part.cols) * element_bytes(part.element), part.rows, part.file);
  AESWEEP_RETURN_IF_ERROR(file.status());
  split.stream = std::make_shared<const StreamFile>(std::move(file).value());
  return split;
}

void apply(const SplitFacts& facts, const DatasetLayout& layout, const std::byte* block,
           Split& split) {
  if (split.rows == 0) return;
  split.scale = facts.scale;
  split.shift = facts.shift;
  split.variation = facts.variation;
  if (!layout.scaled_by_column) return;
  split.col_scale = reinterpret_cast<const double*>(block + layout.columns_offset);
  split.col_shift = split.col_scale + layout.train.cols;
}

}  // namespace

Result<DatasetLayout> lay_out(DatasetLayout layout) {
  Allotment allotment;
  for (DatasetLayout::Part* part : {&layout.train, &layout.test, &layout.validation}) {
    const auto rows = static_cast<std::uint64_t>(part->rows);
    if (!part->streamed) {
      part->samples_offset = allotment.place(
          {rows, static_cast<std::uint64_t>(part->cols), element_bytes(part->element)});
    }
    part->labels_offset = allotment.place({part->has_labels ? rows : 0, sizeof(std::int32_t)});
  }
  const auto cols = static_cast<std::uint64_t>(layout.train.cols);
  layout.columns_offset =
      allotment.place({layout.scaled_by_column ? std::uint64_t{2} : 0, cols, sizeof(double)});
  layout.atoms_offset =
      allotment.place({static_cast<std::uint64_t>(layout.atoms), cols, sizeof(double)});
  layout.facts_offset = allotment.place({sizeof(DatasetFacts)});
  if (!allotment.bytes()) return Status::input("data: needs more than 2^64 bytes of memory");
  layout.bytes = *allotment.bytes();
  return layout;
}

std::span<std::byte> samples_at(std::span<std::byte> block, const DatasetLayout::Part& part) {
  return block.subspan(part.samples_offset, static_cast<std::size_t>(part.rows * part.cols) *
                                                element_bytes(part.element));
}

Result<Dataset> view_samples(const DataSpec& spec, const DatasetLayout& layout,
                             const std::byte* block) {
  Dataset dataset;
  const std::pair<const DatasetLayout::Part*, Split*> splits[] = {
      {&layout.train, &dataset.train},
      {&layout.test, &dataset.test},
      {&layout.validation, &dataset.validation}};
  for (const auto& [part, split] : splits) {
    if (part->rows == 0) continue;
    Result<Split> made = split_of(spec, layout, *part, block);
    AESWEEP_RETURN_IF_ERROR(made.status());
    *split = std::move(made).value();
  }
  dataset.dictionary.count = layout.atoms;
  dataset.dictionary.atoms =
      layout.atoms > 0 ? reinterpret_cast<const double*>(block + layout.atoms_offset) : nullptr;
  return dataset;
}

void apply(const DatasetFacts& facts, const DatasetLayout& layout, const std::byte* block,
           Dataset& dataset) {
  apply(facts.train, layout, block, dataset.train);
  apply(facts.test, layout, block, dataset.test);
  apply(facts.validation, layout, block, dataset.validation);
}

Result<Dataset> view(const DataSpec& spec, const DatasetLayout& layout,
                     std::span<const std::byte> block) {
  AESWEEP_CHECK(block.size() >= layout.bytes, "view needs a block of layout.bytes");
  Result<Dataset> dataset = view_samples(spec, layout, block.data());
  if (!dataset.ok()) return dataset;
  DatasetFacts facts;
  std::memcpy(&facts, block.data() + layout.facts_offset, sizeof(facts));
  apply(facts, layout, block.data(), *dataset);
  dataset->fingerprint.assign(facts.fingerprint.begin(), facts.fingerprint.end());
  return dataset;
}

}  // namespace aesweep
