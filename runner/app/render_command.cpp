#include "runner/app/render_command.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

#include "core/base/text.hpp"
#include "runner/app/launcher.hpp"
#include "runner/render/png_file.hpp"
#include "runner/render/render.hpp"
#include "runner/store/names.hpp"

namespace aesweep {
namespace {

constexpr std::array kPictures = {std::pair{"filters", PictureOf::kFilters},
                                  std::pair{"reconstructions", PictureOf::kReconstructions},
                                  std::pair{"codes", PictureOf::kCodes},
                                  std::pair{"difference", PictureOf::kDifference},
                                  std::pair{"histogram", PictureOf::kHistogram}};

// "28x28": rows, then columns.
Result<ImageShape> parse_shape(const std::string& option, const std::string& words) {
  ImageShape shape;
  if (words.empty()) return shape;
  constexpr std::int64_t kSideMax = 1 << 20;
  const char* end = words.data() + words.size();
  const auto rows = std::from_chars(words.data(), end, shape.rows);
  const bool by = rows.ec == std::errc() && rows.ptr != end && *rows.ptr == 'x';
  const auto cols = by ? std::from_chars(rows.ptr + 1, end, shape.cols) : rows;
  if (!by || cols.ec != std::errc() || cols.ptr != end || shape.rows < 1 || shape.cols < 1 ||
      shape.rows > kSideMax || shape.cols > kSideMax) {
    return Status::input(text(option, " ", words, ": expected rows x columns, such as 28x28, each ",
                              "from 1 to ", kSideMax));
  }
  return shape;
}

Result<RenderRequest> request_of(const RenderOptions& options) {
  RenderRequest request;
  for (const auto& [name, what] : kPictures) {
    if (options.what == name) request.what = what;
  }
  Result<ImageShape> shape = parse_shape("--shape", options.shape);
  if (!shape.ok()) return shape.status();
  Result<ImageShape> code_shape = parse_shape("--code-shape", options.code_shape);
  if (!code_shape.ok()) return code_shape.status();
  request.shape = *shape;
  request.code_shape = *code_shape;
  request.layer = options.layer;
  request.weights = options.weights == "initial" ? WeightsOf::kInitial : WeightsOf::kFinal;
  request.common_scale = options.common_scale;
  request.columns = options.columns;
  request.scale = options.scale;
  request.limit = options.limit;
  return request;
}

// Of a trial, or of the sweep where none is asked for. `note` is for people.
Result<Picture> draw(const ResultsReader& results, const RenderOptions& options,
                     const RenderRequest& request, std::string& note) {
  if (options.trial) return render_trial(results, *options.trial, request);
  Result<ContactSheet> sheet = render_sweep(results, request);
  if (!sheet.ok()) return sheet.status();
  note = std::move(sheet->note);
  return std::move(sheet->picture);
}

}  // namespace

Status render_results(const RenderOptions& options) {
  if (launch_place().rank != 0) return {};  // One process of a launch works for all.
  Result<RenderRequest> request = request_of(options);
  if (!request.ok()) return request.status();
  Result<ResultsReader> results = ResultsReader::open(options.run);
  if (!results.ok()) return results.status();
  std::string note;
  Result<Picture> picture = draw(*results, options, *request, note);
  if (!picture.ok()) return picture.status();
  std::string path = options.out;
  if (path.empty()) {
    path = options.what + (options.trial ? "-" + trial_name(*options.trial) : "") + ".png";
  }
  AESWEEP_RETURN_IF_ERROR(write_png(path, *picture));
  if (!note.empty()) note += "\n";
  const std::string line =
      text(note, path, ", ", picture->width(), " x ", picture->height(), " pixels\n");
  std::fputs(line.c_str(), stdout);
  return {};
}

}  // namespace aesweep
