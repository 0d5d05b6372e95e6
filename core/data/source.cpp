#include "core/data/source.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <type_traits>

#include "core/base/buffer.hpp"
#include "core/base/check.hpp"
#include "core/base/checked.hpp"
#include "core/base/text.hpp"
#include "core/data/facts.hpp"
#include "core/data/idx_folder.hpp"
#include "core/data/superposition.hpp"

namespace aesweep {
namespace {

// What lies at facts_offset.
struct Facts {
  double train_variation;
  double test_variation;
  std::array<char, 64> fingerprint;
};
static_assert(std::is_trivially_copyable_v<Facts>);
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

DatasetLayout::Part part_of(const IdxSplitShape& shape, bool has_labels) {
  DatasetLayout::Part part{};
  part.element = shape.element;
  part.rows = shape.rows;
  part.cols = shape.cols;
  part.scale = shape.scale;
  part.has_labels = has_labels;
  return part;
}

IdxSplitShape shape_of(const DatasetLayout::Part& part) {
  return {part.element, part.rows, part.cols, part.scale};
}

Result<DatasetLayout> lay_out(DatasetLayout layout) {
  Allotment allotment;
  for (DatasetLayout::Part* part : {&layout.train, &layout.test}) {
    const auto rows = static_cast<std::uint64_t>(part->rows);
    part->samples_offset = allotment.place(
        {rows, static_cast<std::uint64_t>(part->cols), element_bytes(part->element)});
    part->labels_offset = allotment.place({part->has_labels ? rows : 0, sizeof(std::int32_t)});
  }
  layout.atoms_offset =
      allotment.place({static_cast<std::uint64_t>(layout.atoms),
                       static_cast<std::uint64_t>(layout.train.cols), sizeof(double)});
  layout.facts_offset = allotment.place({sizeof(Facts)});
  if (!allotment.bytes()) return Status::input("data: needs more than 2^64 bytes of memory");
  layout.bytes = *allotment.bytes();
  return layout;
}

Result<DatasetLayout> inspect_idx(const DataSpec& spec) {
  const Result<IdxSplitShape> train = inspect_idx_split(spec.path, IdxSplit::kTrain, spec.limit);
  if (!train.ok()) return train.status();
  const Result<IdxSplitShape> test = inspect_idx_split(spec.path, IdxSplit::kTest, spec.limit);
  if (!test.ok()) return test.status();
  if (train.value().cols != test.value().cols) {
    return Status::input(text(spec.path, ": training samples have ", train.value().cols,
                              " values, test samples ", test.value().cols,
                              "; both splits must come from one data set"));
  }
  DatasetLayout layout{};
  layout.train = part_of(train.value(), true);
  layout.test = part_of(test.value(), true);
  return lay_out(layout);
}

Result<DatasetLayout> inspect_superposition(const DataSpec& spec) {
  const SuperpositionSpec& numbers = spec.superposition;
  AESWEEP_RETURN_IF_ERROR(check_superposition(numbers));
  const auto limited = [&](std::int64_t rows) {
    return spec.limit > 0 ? std::min(spec.limit, rows) : rows;
  };
  DatasetLayout layout{};
  layout.train = part_of({Element::kF32, limited(numbers.train_rows), numbers.cols, 1.0}, false);
  layout.test = part_of({Element::kF32, limited(numbers.test_rows), numbers.cols, 1.0}, false);
  layout.atoms = numbers.atoms;
  return lay_out(layout);
}

// The block's bytes [offset, offset + count * sizeof(T)) as numbers; offsets are on 64-byte lines.
template <class T>
std::span<T> numbers_at(std::span<std::byte> block, std::uint64_t offset, std::int64_t count) {
  return {reinterpret_cast<T*>(block.data() + offset), static_cast<std::size_t>(count)};
}

Status load_idx_part(const std::string& folder, IdxSplit split, const DatasetLayout::Part& part,
                     std::span<std::byte> block) {
  const std::size_t bytes =
      static_cast<std::size_t>(part.rows * part.cols) * element_bytes(part.element);
  return load_idx_split(folder, split, shape_of(part), block.subspan(part.samples_offset, bytes),
                        numbers_at<std::int32_t>(block, part.labels_offset, part.rows));
}

Status load_samples(const DataSpec& spec, const DatasetLayout& layout, std::span<std::byte> block) {
  if (spec.source == DataSpec::Source::kIdx) {
    AESWEEP_RETURN_IF_ERROR(load_idx_part(spec.path, IdxSplit::kTrain, layout.train, block));
    return load_idx_part(spec.path, IdxSplit::kTest, layout.test, block);
  }
  const auto atoms =
      numbers_at<double>(block, layout.atoms_offset, layout.atoms * layout.train.cols);
  superposition_atoms(spec.superposition, atoms);
  const auto draw = [&](const DatasetLayout::Part& part, SuperpositionSplit split) {
    superposition_rows(spec.superposition, atoms, split, 0,
                       numbers_at<float>(block, part.samples_offset, part.rows * part.cols));
  };
  draw(layout.train, SuperpositionSplit::kTrain);
  draw(layout.test, SuperpositionSplit::kTest);
  return {};
}

Split split_of(const DatasetLayout::Part& part, const std::byte* block, double variation) {
  Split split;
  split.element = part.element;
  split.rows = part.rows;
  split.cols = part.cols;
  split.scale = part.scale;
  split.samples = block + part.samples_offset;
  split.labels =
      part.has_labels ? reinterpret_cast<const std::int32_t*>(block + part.labels_offset) : nullptr;
  split.variation = variation;
  return split;
}

// Everything of the block but its facts, which may not be there yet.
Dataset view_with(const DatasetLayout& layout, const std::byte* block, const Facts& facts) {
  Dataset dataset;
  dataset.train = split_of(layout.train, block, facts.train_variation);
  dataset.test = split_of(layout.test, block, facts.test_variation);
  dataset.dictionary.count = layout.atoms;
  dataset.dictionary.atoms =
      layout.atoms > 0 ? reinterpret_cast<const double*>(block + layout.atoms_offset) : nullptr;
  return dataset;
}

// The split's variation, or which of its values makes it meaningless.
Result<double> checked_variation(const Split& split, const std::string& name) {
  const double value = variation(split);
  if (std::isfinite(value)) return value;
  AESWEEP_RETURN_IF_ERROR(check_finite(split, name));
  return Status::input(text(name, " samples are so large that their variance overflows"));
}

Status write_facts(const DatasetLayout& layout, std::span<std::byte> block) {
  const Dataset dataset = view_with(layout, block.data(), Facts{});
  const Result<double> train = checked_variation(dataset.train, "train");
  if (!train.ok()) return train.status();
  const Result<double> test = checked_variation(dataset.test, "test");
  if (!test.ok()) return test.status();
  Facts facts{train.value(), test.value(), {}};
  const std::string fingerprint = data_fingerprint(dataset);
  AESWEEP_CHECK(fingerprint.size() == facts.fingerprint.size(), "a SHA-256 has 64 digits");
  std::copy(fingerprint.begin(), fingerprint.end(), facts.fingerprint.begin());
  std::memcpy(block.data() + layout.facts_offset, &facts, sizeof(facts));
  return {};
}

}  // namespace

Result<DatasetLayout> inspect(const DataSpec& spec) {
  if (spec.limit < 0) {
    return Status::input(text("data.limit: ", spec.limit, " is below 0; 0 keeps all samples"));
  }
  return spec.source == DataSpec::Source::kIdx ? inspect_idx(spec) : inspect_superposition(spec);
}

Status load(const DataSpec& spec, const DatasetLayout& layout, std::span<std::byte> block) {
  AESWEEP_CHECK(block.size() == layout.bytes, "load needs a block of layout.bytes");
  AESWEEP_CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % kLineBytes == 0,
                "load needs a block on a 64-byte line");
  AESWEEP_RETURN_IF_ERROR(load_samples(spec, layout, block));
  return write_facts(layout, block)
      .in(spec.source == DataSpec::Source::kIdx ? spec.path : "data.superposition");
}

Dataset view(const DatasetLayout& layout, std::span<const std::byte> block) {
  AESWEEP_CHECK(block.size() >= layout.bytes, "view needs a block of layout.bytes");
  Facts facts;
  std::memcpy(&facts, block.data() + layout.facts_offset, sizeof(facts));
  Dataset dataset = view_with(layout, block.data(), facts);
  dataset.fingerprint.assign(facts.fingerprint.begin(), facts.fingerprint.end());
  return dataset;
}

}  // namespace aesweep
