#include "runner/config/data_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "runner/config/fields.hpp"
#include "runner/config/schema.hpp"
#include "runner/config/split_reader.hpp"
#include "runner/config/values.hpp"

namespace aesweep {
namespace {

using Source = DataSpec::Source;
using Fields = std::vector<NamedParameter>;

// In the order of DataSpec::Source and of Scaling.
constexpr std::array<std::string_view, 3> kSources = {"idx", "superposition", "files"};
constexpr std::array<std::string_view, 6> kScalings = {"auto",      "none",   "unit",
                                                       "symmetric", "center", "standardize"};

template <class Enum, class Words>
Enum value_in(const Words& words, std::string_view word) {
  return static_cast<Enum>(std::find(words.begin(), words.end(), word) - words.begin());
}

// Keys that sources share; the others are those of superposition, "source" and "limit".
constexpr std::array<std::string_view, 7> kOfFiles = {
    "path", "split", "scaling", "patches", "storage", "block_rows", "pool_rows"};
constexpr std::array<std::string_view, 3> kOfFilesAlone = {"labels", "test_path", "test_labels"};

template <class List>
bool contains(const List& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

bool has_key(Source source, std::string_view key) {
  if (key == "source" || key == "limit") return true;
  if (contains(kOfFilesAlone, key)) return source == Source::kFiles;
  return contains(kOfFiles, key) == (source != Source::kSuperposition);
}

std::int64_t whole(const Fields& fields, std::string_view name) {
  return value_of<std::int64_t>(fields, name);
}

class DataReader {
 public:
  DataReader(const std::string& file, const Node& document)
      : file_(file), document_(document), fields_(file, {}) {}

  [[nodiscard]] Result<DataSettings> read() {
    static const std::vector<std::string> kElsewhere = {"path",        "labels", "test_path",
                                                        "test_labels", "split",  "patches"};
    Result<Fields> fields = fields_.read_section(document_, "data", kElsewhere);
    if (!fields.ok()) return fields.status();
    section_ = find(document_, "data");
    DataSpec& data = settings_.spec;
    data.source = value_in<Source>(kSources, value_of<std::string>(*fields, "source"));
    data.limit = whole(*fields, "limit");
    AESWEEP_RETURN_IF_ERROR(check_keys_of_source());
    AESWEEP_RETURN_IF_ERROR(data.source == Source::kSuperposition ? read_superposition(*fields)
                                                                  : read_files(*fields));
    return std::move(settings_);
  }

 private:
  [[nodiscard]] Mark mark(const char* key) const {
    const Node* node = find(*section_, key);
    return node == nullptr ? section_->mark : node->mark;
  }

  [[nodiscard]] Status refuse(const char* key, const std::string& message) const {
    return fault_at(file_, mark(key), joined("data", key), message);
  }

  [[nodiscard]] Status check_keys_of_source() const {
    for (const Entry& entry : section_->entries) {
      if (has_key(settings_.spec.source, entry.key)) continue;
      return fault_at(file_, entry.mark, "data." + entry.key,
                      text("source ", data_source_name(settings_.spec.source), " has no such key"));
    }
    return {};
  }

  [[nodiscard]] Status read_superposition(const Fields& fields) {
    SuperpositionSpec& made = settings_.spec.superposition;
    made.train_rows = whole(fields, "train_rows");
    made.test_rows = whole(fields, "test_rows");
    made.cols = whole(fields, "cols");
    made.atoms = whole(fields, "atoms");
    made.active_mean = value_of<double>(fields, "active_mean");
    made.amplitude_min = value_of<double>(fields, "amplitude_min");
    made.amplitude_max = value_of<double>(fields, "amplitude_max");
    made.noise = value_of<double>(fields, "noise");
    made.seed = static_cast<std::uint64_t>(whole(fields, "seed"));
    if (made.active_mean > static_cast<double>(made.atoms)) {
      return refuse("active_mean",
                    text(shown(made.active_mean), " is more than data.atoms, ", made.atoms));
    }
    if (made.amplitude_min > made.amplitude_max) {
      return refuse("amplitude_min",
                    text(shown(made.amplitude_min), " is more than data.amplitude_max, ",
                         shown(made.amplitude_max)));
    }
    return {};
  }

  [[nodiscard]] Status read_files(const Fields& fields) {
    DataSpec& data = settings_.spec;
    const bool idx = data.source == Source::kIdx;
    const char* const wanted =
        idx ? "the folder of the four idx files" : "a file, or FILE#NAME for an array in it";
    AESWEEP_RETURN_IF_ERROR(read_path("path", wanted, data.path));
    if (data.path.empty()) {
      return refuse("path", idx ? "missing; source idx needs the folder of its four files"
                                : "missing; source files needs the file of its samples");
    }
    AESWEEP_RETURN_IF_ERROR(read_path("labels", wanted, data.labels));
    AESWEEP_RETURN_IF_ERROR(read_path("test_path", wanted, data.test_path));
    AESWEEP_RETURN_IF_ERROR(read_path("test_labels", wanted, data.test_labels));
    AESWEEP_RETURN_IF_ERROR(check_labels());
    Result<SplitSpec> split = read_split(file_, fields_, document_);
    if (!split.ok()) return split.status();
    data.split = *split;
    AESWEEP_RETURN_IF_ERROR(read_patches());
    AESWEEP_RETURN_IF_ERROR(check_test());
    data.scaling = value_in<Scaling>(kScalings, value_of<std::string>(fields, "scaling"));
    return read_storage(fields);
  }

  [[nodiscard]] Status read_path(const char* key, const char* wanted, std::string& path) {
    const Node* node = find(*section_, key);
    if (node == nullptr) return {};
    if (node->kind != NodeKind::kScalar || node->text.empty()) {
      return refuse(key, text("found ", found(*node), ", expected ", wanted));
    }
    path = node->text;
    settings_.paths[key] = node->mark;
    return {};
  }

  // Both splits are labelled, or none is.
  [[nodiscard]] Status check_labels() const {
    const DataSpec& data = settings_.spec;
    if (!data.test_labels.empty() && data.test_path.empty()) {
      return refuse("test_labels",
                    "data.test_path is not given; labels of samples that data.split "
                    "sets aside come from data.labels");
    }
    if (!data.test_labels.empty() && data.labels.empty()) {
      return refuse("test_labels", "data.labels is not given; label both, or none");
    }
    if (!data.labels.empty() && !data.test_path.empty() && data.test_labels.empty()) {
      return refuse("labels", "data.test_labels is not given; label both, or none");
    }
    return {};
  }

  // Test samples come from one place; patches may all be cut from the same images.
  [[nodiscard]] Status check_test() const {
    const DataSpec& data = settings_.spec;
    const Node* split = find(*section_, "split");
    const bool own = data.source == Source::kIdx || !data.test_path.empty();
    if (data.split.test && own) {
      return fault_at(
          file_, find(*split, "test")->mark, "data.split.test",
          data.source == Source::kIdx
              ? "source idx has test samples of its own; leave it out"
              : "the test samples are those of data.test_path; leave one of the two out");
    }
    if (data.split.test || own || data.patches.rows > 0) return {};
    return refuse("path",
                  "there are no test samples; give their file as data.test_path, or set some of "
                  "these aside, a tenth by data.split: {test: 0.1}");
  }

  [[nodiscard]] Status read_patches() {
    const Node* patches = find(*section_, "patches");
    if (patches == nullptr) return {};
    Result<Fields> fields = fields_.read_section(document_, "data.patches");
    if (!fields.ok()) return fields.status();
    PatchSpec& spec = settings_.spec.patches;
    spec.rows = whole(*fields, "rows");
    spec.cols = whole(*fields, "cols");
    spec.train_count = whole(*fields, "train_count");
    spec.validation_count = whole(*fields, "validation_count");
    spec.test_count = whole(*fields, "test_count");
    spec.seed = static_cast<std::uint64_t>(whole(*fields, "seed"));
    for (const char* key : {"rows", "cols"}) {
      if (find(*patches, key) != nullptr) continue;
      return fault_at(file_, patches->mark, joined("data.patches", key),
                      "missing; expected the height (rows) and width (cols) of a patch in pixels");
    }
    if (!settings_.spec.split.validation || spec.validation_count > 0) return {};
    const Node* count = find(*patches, "validation_count");
    return fault_at(file_, count == nullptr ? patches->mark : count->mark,
                    "data.patches.validation_count",
                    "expected a number of patches from the images of data.split.validation");
  }

  [[nodiscard]] Status read_storage(const Fields& fields) {
    DataSpec& data = settings_.spec;
    const bool streamed = value_of<std::string>(fields, "storage") == "stream";
    data.storage = streamed ? Storage::kStream : Storage::kMemory;
    data.block_rows = whole(fields, "block_rows");
    data.pool_rows = whole(fields, "pool_rows");
    if (!streamed && data.pool_rows > 0 && data.block_rows == 0) {
      return refuse("pool_rows", "needs data.block_rows, too, where the data is in memory");
    }
    if (data.pool_rows == 0 || data.block_rows <= data.pool_rows) return {};
    return refuse("block_rows",
                  text(data.block_rows, " is more than data.pool_rows, ", data.pool_rows));
  }

  const std::string& file_;
  const Node& document_;
  FieldReader fields_;
  const Node* section_ = nullptr;
  DataSettings settings_;
};

}  // namespace

std::string_view data_source_name(DataSpec::Source source) {
  return kSources[static_cast<std::size_t>(source)];
}

std::string_view scaling_name(Scaling scaling) {
  return kScalings[static_cast<std::size_t>(scaling)];
}

Result<DataSettings> read_data_section(const std::string& file, const Node& document) {
  return DataReader(file, document).read();
}

}  // namespace aesweep
