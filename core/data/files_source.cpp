#include "core/data/files_source.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/data/convert.hpp"
#include "core/data/idx_folder.hpp"
#include "core/data/layout.hpp"
#include "core/data/patches.hpp"
#include "core/data/scaling.hpp"

namespace aesweep {
namespace {

// What a split is made of.
struct PartSource {
  const SampleFiles* files;
  const RowList* rows;
  PatchSplit patches;
  std::int64_t patch_count;
  DatasetLayout::Part DatasetLayout::*part;
};

std::vector<PartSource> part_sources(const DataSpec& spec, const FilesPlan& plan) {
  const PatchSpec& patches = spec.patches;
  return {{&plan.files, &plan.rows.train, PatchSplit::kTrain, patches.train_count,
           &DatasetLayout::train},
          {&plan.files_of_test(), &plan.rows.test, PatchSplit::kTest, patches.test_count,
           &DatasetLayout::test},
          {&plan.files, &plan.rows.validation, PatchSplit::kValidation, patches.validation_count,
           &DatasetLayout::validation}};
}

Status open_files(const DataSpec& spec, const ArrayOpener& open_hdf5, FilesPlan& plan) {
  IdxFolderFiles paths{spec.path, spec.labels, spec.test_path, spec.test_labels};
  if (spec.source == DataSpec::Source::kIdx) {
    Result<IdxFolderFiles> found = find_idx_files(spec.path);
    AESWEEP_RETURN_IF_ERROR(found.status());
    paths = std::move(found).value();
  }
  Result<SampleFiles> files = open_samples(paths.samples, paths.labels, open_hdf5);
  AESWEEP_RETURN_IF_ERROR(files.status());
  plan.files = std::move(files).value();
  if (paths.test_samples.empty()) return {};
  files = open_samples(paths.test_samples, paths.test_labels, open_hdf5);
  AESWEEP_RETURN_IF_ERROR(files.status());
  plan.test_files = std::move(files).value();
  return {};
}

// Whether the two files can be splits of one data set.
Status compare_files(const DataSpec& spec, const FilesPlan& plan) {
  if (!plan.test_files) return {};
  const SampleFiles& test = *plan.test_files;
  if (plan.files.cols() != test.cols() && !has_patches(spec)) {
    return Status::input(text(spec.path, ": training samples have ", plan.files.cols(),
                              " values, test samples ", test.cols(),
                              "; both splits must come from one data set"));
  }
  const ArrayType type = plan.files.samples->shape().type;
  const ArrayType test_type = test.samples->shape().type;
  // Bytes mean fractions of 255, other numbers themselves.
  if (spec.scaling == Scaling::kNone || type_scale(type) == type_scale(test_type)) return {};
  return Status::input(text("data.scaling: the training samples, ", plan.files.samples->name(),
                            ", are ", array_type_name(type), ", the test samples, ",
                            test.samples->name(), ", ", array_type_name(test_type),
                            ", which cannot be scaled alike; convert one of the files, or write "
                            "none if their numbers mean the same as they are stored"));
}

// Which samples each split takes, `limit` not yet applied.
Status cut_rows(const DataSpec& spec, FilesPlan& plan) {
  const std::int64_t rows = plan.files.rows();
  if (plan.test_files && spec.split.test) {
    return Status::input(text("data.split.test: given, but the test set is ",
                              plan.test_files->samples->name(), "; leave out one of the two"));
  }
  if (!plan.test_files && !spec.split.test && !has_patches(spec)) {
    return Status::input(text(
        "data.split.test: missing; without data.test_path it says which of "
        "the ",
        rows, " samples of ", plan.files.samples->name(), " are for testing, such as test: 0.1"));
  }
  Result<SplitRows> cut = split_rows(spec.split, rows);
  AESWEEP_RETURN_IF_ERROR(cut.status());
  plan.rows = std::move(cut).value();
  if (plan.test_files) plan.rows.test.spans = {{0, plan.test_files->rows()}};
  return {};
}

Status check_patch_counts(const DataSpec& spec, FilesPlan& plan) {
  const PatchSpec& patches = spec.patches;
  AESWEEP_RETURN_IF_ERROR(check_patches(patches, *plan.files.samples));
  if (plan.test_files) AESWEEP_RETURN_IF_ERROR(check_patches(patches, *plan.test_files->samples));
  const auto check = [](const char* key, std::int64_t count, std::int64_t least) {
    constexpr std::int64_t kMost = std::int64_t{1} << 26;  // Some 50 bytes each while loading.
    if (count >= least && count <= kMost) return Status();
    return Status::input(
        text("data.patches.", key, ": ", count, " is not in [", least, ", ", kMost, "]"));
  };
  AESWEEP_RETURN_IF_ERROR(check("train_count", patches.train_count, 1));
  AESWEEP_RETURN_IF_ERROR(check("test_count", patches.test_count, 1));
  const bool validates = spec.split.validation.has_value();
  AESWEEP_RETURN_IF_ERROR(check("validation_count", patches.validation_count, validates ? 1 : 0));
  if (plan.rows.test.count() == 0) plan.rows.test = plan.rows.train;
  if (plan.rows.validation.count() == 0) plan.rows.validation = plan.rows.train;
  return {};
}

Status refuse_stream(const std::string& why) {
  return Status::input("data.storage: stream " + why + "; write memory");
}

// Where in its file the split lies, if that is one run of rows as they are kept in memory.
Status stream_part(const SampleFiles& files, const RowList& rows, bool in_test_file,
                   const std::string& path, DatasetLayout::Part& part) {
  const ArrayFile& samples = *files.samples;
  const ArrayType type = samples.shape().type;
  if (!is_kept(type)) {
    return refuse_stream(text("takes u8, f32 and f64 as they are; ", samples.name(), " holds ",
                              array_type_name(type)));
  }
  const std::optional<RawBytes> raw = samples.raw();
  if (!raw || raw->path != parse_array_ref(path).path) {
    return refuse_stream(text("takes files that hold raw rows; those of ", samples.name(),
                              " are compressed, in pieces or in another byte order"));
  }
  if (!rows.picked.empty() || rows.spans.size() != 1) {
    return refuse_stream(
        text("takes splits that are one run of rows of ", samples.name(),
             ", not data.split.order: random, nor a training split around others"));
  }
  const Result<InputFile> file = InputFile::open(raw->path);
  AESWEEP_RETURN_IF_ERROR(file.status());
  const Result<FileState> state = file->state();
  AESWEEP_RETURN_IF_ERROR(state.status());
  part.file = state.value();
  part.streamed = true;
  part.in_test_file = in_test_file;
  part.samples_offset = raw->offset + static_cast<std::uint64_t>(rows.spans[0].first) *
                                          static_cast<std::uint64_t>(part.cols) *
                                          element_bytes(part.element);
  return {};
}

Status plan_part(const DataSpec& spec, const PartSource& source, FilesPlan& plan) {
  DatasetLayout::Part& part = plan.layout.*source.part;
  const ArrayType type = source.files->samples->shape().type;
  part.element = element_of(type);
  part.scale = type_scale(type);
  part.rows = has_patches(spec) ? source.patch_count : source.rows->count();
  if (spec.limit > 0) part.rows = std::min(part.rows, spec.limit);
  part.cols = has_patches(spec) ? spec.patches.rows * spec.patches.cols : source.files->cols();
  part.has_labels = source.files->labels != nullptr && part.rows > 0;
  if (spec.storage == Storage::kMemory || part.rows == 0) return {};
  if (spec.source != DataSpec::Source::kFiles) {
    return refuse_stream("needs data.source: files, with data.path: .../train-images-idx3-ubyte");
  }
  if (has_patches(spec)) return refuse_stream("does not cut patches");
  const bool in_test_file = source.files != &plan.files;
  return stream_part(*source.files, *source.rows, in_test_file,
                     in_test_file ? spec.test_path : spec.path, part);
}

}  // namespace

Result<FilesPlan> plan_files(const DataSpec& spec, const ArrayOpener& open_hdf5) {
  FilesPlan plan;
  AESWEEP_RETURN_IF_ERROR(open_files(spec, open_hdf5, plan));
  AESWEEP_RETURN_IF_ERROR(compare_files(spec, plan));
  AESWEEP_RETURN_IF_ERROR(cut_rows(spec, plan));
  if (has_patches(spec)) {
    AESWEEP_RETURN_IF_ERROR(check_patch_counts(spec, plan));
  } else if (spec.limit > 0) {
    for (RowList* rows : {&plan.rows.train, &plan.rows.validation, &plan.rows.test}) {
      rows->limit(spec.limit);
    }
  }
  for (const PartSource& source : part_sources(spec, plan)) {
    AESWEEP_RETURN_IF_ERROR(plan_part(spec, source, plan));
  }
  return plan;
}

Status load_files(const DataSpec& spec, const FilesPlan& plan, std::span<std::byte> block) {
  for (const PartSource& source : part_sources(spec, plan)) {
    const DatasetLayout::Part& part = plan.layout.*source.part;
    const ArrayFile& samples = *source.files->samples;
    RowList rows = *source.rows;
    if (part.rows == 0) continue;
    if (has_patches(spec)) {
      const std::vector<std::int64_t>& dims = samples.shape().dims;
      const std::vector<PatchPlace> places = patch_places(spec.patches, source.patches, part.rows,
                                                          source.rows->count(), dims[1], dims[2]);
      AESWEEP_RETURN_IF_ERROR(
          read_patches(spec.patches, samples, *source.rows, places, samples_at(block, part)));
      rows = images_of(*source.rows, places);
    } else if (!part.streamed) {
      AESWEEP_RETURN_IF_ERROR(read_samples(samples, rows, samples_at(block, part)));
    }
    if (!part.has_labels) continue;
    AESWEEP_RETURN_IF_ERROR(
        read_labels(*source.files->labels, rows,
                    numbers_at<std::int32_t>(block, part.labels_offset, part.rows)));
  }
  return {};
}

}  // namespace aesweep
