#include "core/data/source.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "core/base/buffer.hpp"
#include "core/base/check.hpp"
#include "core/base/text.hpp"
#include "core/data/facts.hpp"
#include "core/data/files_source.hpp"
#include "core/data/layout.hpp"
#include "core/data/scaling.hpp"
#include "core/data/superposition.hpp"

namespace aesweep {
namespace {

Status only_for_files(const DataSpec& spec) {
  const SplitSpec& split = spec.split;
  const char* key = split.train || split.validation || split.test ? "split"
                    : spec.patches.rows != 0                      ? "patches"
                    : spec.storage == Storage::kStream            ? "storage: stream"
                                                                  : nullptr;
  if (key == nullptr) return {};
  return Status::input(text("data.", key,
                            ": is for samples from files; leave it out, or give "
                            "data.source: files"));
}

Result<DatasetLayout> inspect_superposition(const DataSpec& spec) {
  const SuperpositionSpec& numbers = spec.superposition;
  AESWEEP_RETURN_IF_ERROR(only_for_files(spec));
  AESWEEP_RETURN_IF_ERROR(check_superposition(numbers));
  const auto part_of = [&](std::int64_t rows) {
    DatasetLayout::Part part{};
    part.element = Element::kF32;
    part.rows = spec.limit > 0 ? std::min(spec.limit, rows) : rows;
    part.cols = numbers.cols;
    part.scale = 1.0;
    return part;
  };
  DatasetLayout layout{};
  layout.train = part_of(numbers.train_rows);
  layout.test = part_of(numbers.test_rows);
  layout.atoms = numbers.atoms;
  return layout;
}

// Blocks of about 1 MiB and pools of whole blocks of about 64 MiB, where the order is to go by
// blocks and the sizes are not given: functions of the data set alone.
Status choose_blocks(const DataSpec& spec, DatasetLayout& layout) {
  constexpr std::int64_t kBlockBytes = std::int64_t{1} << 20;
  constexpr std::int64_t kPoolBytes = std::int64_t{64} << 20;
  if (spec.block_rows < 0 || spec.pool_rows < 0) {
    return Status::input(text("data.", spec.block_rows < 0 ? "block_rows: " : "pool_rows: ",
                              std::min(spec.block_rows, spec.pool_rows),
                              " is below 0; 0 chooses it"));
  }
  if (spec.storage == Storage::kMemory && spec.block_rows == 0 && spec.pool_rows == 0) return {};
  const auto row_bytes =
      layout.train.cols * static_cast<std::int64_t>(element_bytes(layout.train.element));
  const auto rows_in = [&](std::int64_t bytes) {
    return std::max<std::int64_t>(1, bytes / row_bytes);
  };
  layout.block_rows = spec.block_rows;
  if (layout.block_rows == 0) {
    layout.block_rows = rows_in(kBlockBytes);
    if (spec.pool_rows > 0) layout.block_rows = std::min(layout.block_rows, spec.pool_rows);
  }
  layout.pool_rows = spec.pool_rows;
  if (layout.pool_rows == 0) {
    const std::int64_t blocks = rows_in(kPoolBytes) / layout.block_rows;
    layout.pool_rows = layout.block_rows * std::max<std::int64_t>(1, blocks);
  }
  if (layout.pool_rows >= layout.block_rows) return {};
  return Status::input(text("data.pool_rows: ", layout.pool_rows, " is below data.block_rows, ",
                            layout.block_rows, "; a pool holds one block or more"));
}

// The layout of samples that are known: what all sources have in common.
Result<DatasetLayout> finish(const DataSpec& spec, DatasetLayout layout) {
  AESWEEP_RETURN_IF_ERROR(choose_blocks(spec, layout));
  layout.scaled_by_column = is_by_column(spec.scaling);
  Result<DatasetLayout> finished = lay_out(layout);
  if (!finished.ok() || spec.source == DataSpec::Source::kSuperposition ||
      finished->bytes <= kSampleBytesMax) {
    return finished;
  }
  const bool may_stream = spec.source == DataSpec::Source::kFiles && !has_patches(spec);
  const char* remedy = may_stream          ? "Write data.storage: stream, or lower data.limit"
                       : has_patches(spec) ? "Cut fewer patches"
                                           : "Lower data.limit";
  return Status::input(text(spec.path, ": takes ", finished->bytes, " bytes of memory; at most ",
                            kSampleBytesMax, " are taken. ", remedy));
}

void draw_superposition(const DataSpec& spec, const DatasetLayout& layout,
                        std::span<std::byte> block) {
  const auto atoms =
      numbers_at<double>(block, layout.atoms_offset, layout.atoms * layout.train.cols);
  superposition_atoms(spec.superposition, atoms);
  const auto draw = [&](const DatasetLayout::Part& part, SuperpositionSplit split) {
    superposition_rows(spec.superposition, atoms, split, 0,
                       numbers_at<float>(block, part.samples_offset, part.rows * part.cols));
  };
  draw(layout.train, SuperpositionSplit::kTrain);
  draw(layout.test, SuperpositionSplit::kTest);
}

Status load_samples(const DataSpec& spec, const DatasetLayout& layout, std::span<std::byte> block,
                    const ArrayOpener& open_hdf5) {
  if (spec.source == DataSpec::Source::kSuperposition) {
    draw_superposition(spec, layout, block);
    return {};
  }
  Result<FilesPlan> plan = plan_files(spec, open_hdf5);
  AESWEEP_RETURN_IF_ERROR(plan.status());
  const Result<DatasetLayout> now = finish(spec, plan->layout);
  AESWEEP_RETURN_IF_ERROR(now.status());
  if (!(now.value() == layout)) {
    return Status::input(text(spec.path, ": changed since its header was inspected"));
  }
  plan->layout = layout;
  return load_files(spec, *plan, block);
}

Status find_scales(const DataSpec& spec, const DatasetLayout& layout, const Dataset& dataset,
                   std::span<std::byte> block, DatasetFacts& facts) {
  const std::int64_t columns = layout.scaled_by_column ? layout.train.cols : 0;
  const std::span<double> scales = numbers_at<double>(block, layout.columns_offset, 2 * columns);
  const Result<Affine> affine = find_scaling(
      spec.scaling, dataset.train, scales.first(scales.size() / 2), scales.last(scales.size() / 2));
  AESWEEP_RETURN_IF_ERROR(affine.status());
  const auto scale_of = [&](const Split& split) {  // Types may differ only if each has its own.
    return SplitFacts{spec.scaling == Scaling::kAuto ? split.scale : affine->scale, affine->shift,
                      0.0};
  };
  facts.train = scale_of(dataset.train);
  facts.test = scale_of(dataset.test);
  facts.validation = scale_of(dataset.validation);
  return {};
}

// The split's variation, or which of its values makes it meaningless.
Status find_variation(const Split& split, const std::string& name, SplitFacts& facts) {
  Result<double> value = variation(split);
  AESWEEP_RETURN_IF_ERROR(value.status());
  facts.variation = *value;
  if (std::isfinite(*value)) return {};
  AESWEEP_RETURN_IF_ERROR(check_finite(split, name));
  return Status::input(text(name, " samples are so large that their variance overflows"));
}

Status write_facts(const DataSpec& spec, const DatasetLayout& layout, std::span<std::byte> block) {
  Result<Dataset> dataset = view_samples(spec, layout, block.data());
  AESWEEP_RETURN_IF_ERROR(dataset.status());
  DatasetFacts facts{};
  AESWEEP_RETURN_IF_ERROR(find_scales(spec, layout, *dataset, block, facts));
  apply(facts, layout, block.data(), *dataset);
  AESWEEP_RETURN_IF_ERROR(find_variation(dataset->train, "train", facts.train));
  AESWEEP_RETURN_IF_ERROR(find_variation(dataset->test, "test", facts.test));
  AESWEEP_RETURN_IF_ERROR(find_variation(dataset->validation, "validation", facts.validation));
  const Result<std::string> fingerprint = data_fingerprint(*dataset);
  AESWEEP_RETURN_IF_ERROR(fingerprint.status());
  AESWEEP_CHECK(fingerprint->size() == facts.fingerprint.size(), "a SHA-256 has 64 digits");
  std::copy(fingerprint->begin(), fingerprint->end(), facts.fingerprint.begin());
  std::memcpy(block.data() + layout.facts_offset, &facts, sizeof(facts));
  return {};
}

}  // namespace

Result<DatasetLayout> inspect(const DataSpec& spec, const ArrayOpener& open_hdf5) {
  if (spec.limit < 0) {
    return Status::input(text("data.limit: ", spec.limit, " is below 0; 0 keeps all samples"));
  }
  if (spec.source == DataSpec::Source::kSuperposition) {
    const Result<DatasetLayout> layout = inspect_superposition(spec);
    return layout.ok() ? finish(spec, layout.value()) : layout;
  }
  const Result<FilesPlan> plan = plan_files(spec, open_hdf5);
  AESWEEP_RETURN_IF_ERROR(plan.status());
  return finish(spec, plan.value().layout);
}

Status load(const DataSpec& spec, const DatasetLayout& layout, std::span<std::byte> block,
            const ArrayOpener& open_hdf5) {
  AESWEEP_CHECK(block.size() == layout.bytes, "load needs a block of layout.bytes");
  AESWEEP_CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % kLineBytes == 0,
                "load needs a block on a 64-byte line");
  AESWEEP_RETURN_IF_ERROR(load_samples(spec, layout, block, open_hdf5));
  const bool made = spec.source == DataSpec::Source::kSuperposition;
  return write_facts(spec, layout, block).in(made ? "data.superposition" : spec.path);
}

}  // namespace aesweep
