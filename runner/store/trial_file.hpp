// A trial's file: all that results.h5 shows of one finished trial, immutable, without time, host,
// rank or attempt. Equal records have equal bytes. The layout is private to the store
// (trial_file.cpp).
//
// Threads: calls may come from any thread; inside libhdf5 they run one at a time. Failures: an
// input fault for names that collide, a fault of the world for the disk; nothing is left behind
// then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/model/spec.hpp"
#include "core/train/result.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/h5.hpp"
#include "runner/store/image_file.hpp"

namespace aesweep {

struct TrialRecord {
  std::int64_t number = 0;
  int attempt = 1;  // Part of the file's name only.
  std::string key;
  std::uint64_t seed = 0;
  std::string label;
  std::string config;  // Canonical text of all that affects the result.
  std::vector<NamedParameter> parameters;
  const TrialResult* result = nullptr;  // Not owned; must be there.
};

// "000012.1.h5"
[[nodiscard]] std::string trial_file_name(std::int64_t number, int attempt);

// The bytes of the file.
[[nodiscard]] Result<std::vector<std::byte>> trial_image(const TrialRecord& record);

// Creates the file durably (durable_write.hpp, kCreate): through an image in memory, or, where that
// would be larger than image_bytes_max, by writing to the temporary file. The bytes are the same.
[[nodiscard]] Result<FileFacts> write_trial(const std::string& path, const TrialRecord& record,
                                            std::uint64_t image_bytes_max = kImageBytesMax);

// A trial's file as read back, without tensors and samples: write_results copies those as they are.
struct OpenedTrial {
  h5::Node file;
  std::int64_t number = 0;
  std::string key;
  std::uint64_t seed = 0;
  std::string label;
  std::string config;
  std::string status;
  std::int64_t status_code = 0;
  std::string reason;
  std::int64_t epochs = 0;
  std::int64_t steps = 0;
  std::vector<NamedParameter> parameters;
  std::vector<MetricInfo> metrics;
  std::vector<HistoryRow> history;
};

// `image` has the file's bytes and must outlive the result; `name` is for messages. Needs an
// h5::Session.
[[nodiscard]] Result<OpenedTrial> open_trial(ByteSink& image, const std::string& name);

// Copies config, reason, samples and, if asked for, weights and the input's scaling of the trial's
// file into a new group. Needs an h5::Session.
[[nodiscard]] Status copy_trial_objects(const h5::Node& file, bool weights, const h5::Node& to,
                                        const std::string& name);

// The bytes of a trial's file that lacks the weights and is the same otherwise; a function of the
// image's bytes. Must not be called within an h5::Session.
[[nodiscard]] Result<std::vector<std::byte>> trial_without_weights(ByteSink& image,
                                                                   const std::string& name);

}  // namespace aesweep
