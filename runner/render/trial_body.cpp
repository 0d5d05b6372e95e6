#include "runner/render/trial_body.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/text.hpp"
#include "runner/render/caption.hpp"
#include "runner/render/font.hpp"
#include "runner/render/histogram.hpp"
#include "runner/render/stored_images.hpp"
#include "runner/render/tiles.hpp"

namespace aesweep {
namespace {

constexpr std::int64_t kTextScale = 2;
constexpr std::int64_t kImageSide = 56;  // Of an image, in pixels, unless asked otherwise.
constexpr std::int64_t kCellImageSide = 28;
constexpr std::int64_t kCellFilters = 25;
constexpr std::int64_t kCellDifferences = 9;
constexpr std::int64_t kCellPairs = 8;
constexpr std::int64_t kCellCodes = 4;
constexpr std::int64_t kInnerGap = 2;
constexpr std::int64_t kOuterGap = 12;

// How many of `count` are drawn.
std::int64_t drawn(std::int64_t count, const RenderRequest& request, Extent extent,
                   std::int64_t cell) {
  if (extent == Extent::kCell) return std::min(count, cell);
  return request.limit > 0 ? std::min(count, request.limit) : count;
}

std::string first_of(std::int64_t drawn, std::int64_t count, const std::string& what) {
  if (drawn == count) return text(count, " ", what);
  return text("the first ", drawn, " of ", count, " ", what);
}

std::int64_t side_of(Extent extent) {
  return extent == Extent::kWhole ? kImageSide : kCellImageSide;
}

// In a contact sheet columns and scale are those of the sheet and of all cells alike.
std::int64_t columns_asked(const RenderRequest& request, Extent extent) {
  return extent == Extent::kWhole ? request.columns : 0;
}

Grid filter_grid(const Filters& filters, std::int64_t count, const RenderRequest& request,
                 Extent extent, std::int64_t scale) {
  const std::int64_t columns = columns_for(count, columns_asked(request, extent));
  return {count, columns, filters.shape.cols * scale, filters.shape.rows * scale, kInnerGap};
}

ColorMap diverging(double most) { return {ColorMap::Kind::kDiverging, -most, most}; }

std::string scale_note(const RenderRequest& request, double most) {
  if (!request.common_scale) {
    return "blue - 0 + red, each filter by its own largest value";
  }
  return text("blue ", -most, ", grey 0, red ", most);
}

// "code_weights: the first 5 of 100 filters, each a column"
std::string filters_note(const Filters& filters, std::int64_t count) {
  return text(filters.tensor, ": ", first_of(count, filters.images.rows, "filters"), ", each a ",
              filters.rows ? "row" : "column");
}

TrialBody of_filters(Picture picture, std::vector<std::string> notes, const Filters& filters) {
  if (!filters.note.empty()) notes.push_back(filters.note);
  return {std::move(picture), std::move(notes),
          text(filters.rows ? "rows of " : "columns of ", filters.tensor), filters.note};
}

Result<TrialBody> filters_body(const ResultsReader& results, std::int64_t trial,
                               const RenderRequest& request, Extent extent) {
  Result<Filters> filters = read_filters(results, trial, request, request.weights);
  if (!filters.ok()) return filters.status();
  const std::int64_t count = drawn(filters->images.rows, request, extent, kCellFilters);
  const std::int64_t scale = scale_for(filters->shape, request.scale, side_of(extent));
  const double most = largest(filters->images.values);
  Result<Picture> sheet = filter_sheet(
      filters->images, filters->shape, filter_grid(*filters, count, request, extent, scale), scale,
      [&](std::int64_t unit) {
        return diverging(request.common_scale ? most : largest(filters->images.row(unit)));
      });
  if (!sheet.ok()) return sheet.status();
  const char* when = request.weights == WeightsOf::kInitial ? "initial" : "final";
  return of_filters(std::move(*sheet),
                    {text(when, " ", filters_note(*filters, count)), scale_note(request, most)},
                    *filters);
}

Result<TrialBody> difference_body(const ResultsReader& results, std::int64_t trial,
                                  const RenderRequest& request, Extent extent) {
  Result<Filters> initial = read_filters(results, trial, request, WeightsOf::kInitial);
  if (!initial.ok()) return initial.status();
  Result<Filters> final = read_filters(results, trial, request, WeightsOf::kFinal);
  if (!final.ok()) return final.status();
  if (initial->tensor != final->tensor || initial->images.rows != final->images.rows ||
      initial->shape != final->shape) {
    return Status::input(text("trial ", trial, ": initial and final ", final->tensor,
                              " have not one shape, so there is no difference"));
  }
  Matrix change = final->images;
  for (std::size_t i = 0; i < change.values.size(); ++i) {
    change.values[i] -= initial->images.values[i];
  }
  const std::pair<const char*, const Matrix*> parts[] = {
      {"initial", &initial->images}, {"final", &final->images}, {"final - initial", &change}};
  double most = 0;
  for (const auto& [name, matrix] : parts) most = std::max(most, largest(matrix->values));
  const std::int64_t count = drawn(change.rows, request, extent, kCellDifferences);
  const std::int64_t scale = scale_for(final->shape, request.scale, side_of(extent));
  const auto map = [&](std::int64_t unit) {
    double own = 0;
    for (const auto& [name, matrix] : parts) own = std::max(own, largest(matrix->row(unit)));
    return diverging(request.common_scale ? most : own);
  };
  std::vector<Picture> sheets;
  std::vector<std::string> headings;
  for (const auto& [name, matrix] : parts) {
    Result<Picture> sheet = filter_sheet(
        *matrix, final->shape, filter_grid(*final, count, request, extent, scale), scale, map);
    if (!sheet.ok()) return sheet.status();
    sheets.push_back(std::move(*sheet));
    headings.emplace_back(extent == Extent::kWhole ? name : "");
  }
  Result<Picture> row = side_by_side(sheets, headings, kTextScale,
                                     extent == Extent::kWhole ? 2 * kOuterGap : kOuterGap / 2);
  if (!row.ok()) return row.status();
  const std::string scaling = request.common_scale
                                  ? scale_note(request, most)
                                  : "blue - 0 + red, a filter's three images on one scale";
  return of_filters(std::move(*row), {filters_note(*final, count), scaling}, *final);
}

std::string range_note(const ColorMap& map) {
  if (map.kind == ColorMap::Kind::kDiverging) return text("blue ", map.low, " to red ", map.high);
  return text("black ", map.low, " to white ", map.high);
}

// The rows of `matrix` that are drawn.
std::span<const double> first_rows(const Matrix& matrix, std::int64_t count) {
  return std::span(matrix.values).first(static_cast<std::size_t>(count * matrix.cols));
}

Result<TrialBody> reconstructions_body(const ResultsReader& results, std::int64_t trial,
                                       const RenderRequest& request, Extent extent) {
  Result<Samples> samples = read_samples_of(results, trial, request);
  if (!samples.ok()) return samples.status();
  if (samples->reconstructions.rows == 0) {
    return Status::input(text("trial ", trial,
                              " predicts labels and has no reconstructions; draw "
                              "its codes by --what codes"));
  }
  const std::int64_t count = drawn(samples->inputs.rows, request, extent, kCellPairs);
  const std::int64_t scale = scale_for(samples->shape, request.scale, side_of(extent));
  const std::int64_t asked = columns_asked(request, extent);
  // Pairs are twice as high as wide.
  const std::int64_t columns = columns_for(count, asked > 0 ? asked : columns_for(2 * count, 0));
  const std::int64_t height = samples->shape.rows * scale;
  const Grid grid{count, columns, samples->shape.cols * scale, 2 * height + kInnerGap,
                  3 * kInnerGap};
  Result<Picture> sheet = Picture::make(grid.width(), grid.height());
  if (!sheet.ok()) return sheet.status();
  const ColorMap map = grey_of(first_rows(samples->inputs, count));
  for (std::int64_t i = 0; i < count; ++i) {
    draw_tile(*sheet, grid.x(i), grid.y(i), samples->inputs.row(i), samples->shape, scale, map);
    draw_tile(*sheet, grid.x(i), grid.y(i) + height + kInnerGap, samples->reconstructions.row(i),
              samples->shape, scale, map);
  }
  return TrialBody{std::move(*sheet),
                   {text("above inputs, below reconstructions: ",
                         first_of(count, samples->inputs.rows, "test samples")),
                    range_note(map)}};
}

// Where the parts of one sample lie: input, code, reconstruction, in the middle of one line.
struct CodeCell {
  std::int64_t scale = 1;
  std::int64_t code_scale = 1;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t code_x = 0;
  std::int64_t code_width = 0;
  std::int64_t code_height = 0;
};

CodeCell code_cell(const Samples& samples, ImageShape code, const RenderRequest& request,
                   Extent extent) {
  CodeCell cell;
  cell.scale = scale_for(samples.shape, request.scale, side_of(extent));
  const std::int64_t image_width = samples.shape.cols * cell.scale;
  const std::int64_t image_height = samples.shape.rows * cell.scale;
  // As high as the image, and not wider than five.
  cell.code_scale = std::clamp<std::int64_t>(
      std::min(image_height / code.rows, 5 * image_width / code.cols), 1, 64);
  cell.code_x = image_width + 2 * kInnerGap;
  cell.code_width = code.cols * cell.code_scale;
  cell.code_height = code.rows * cell.code_scale;
  cell.height = std::max(image_height, cell.code_height);
  cell.width = cell.code_x + cell.code_width;
  if (samples.reconstructions.rows > 0) cell.width += 2 * kInnerGap + image_width;
  return cell;
}

Result<TrialBody> codes_body(const ResultsReader& results, std::int64_t trial,
                             const RenderRequest& request, Extent extent) {
  Result<Samples> samples = read_samples_of(results, trial, request);
  if (!samples.ok()) return samples.status();
  Result<ImageShape> code = code_shape(samples->codes.cols, request.code_shape);
  if (!code.ok()) return code.status().in(text("trial ", trial));
  const std::int64_t count = drawn(samples->codes.rows, request, extent, kCellCodes);
  const CodeCell cell = code_cell(*samples, *code, request, extent);
  const std::int64_t asked = columns_asked(request, extent);
  const std::int64_t usual = extent == Extent::kCell || count < 5 ? 1 : 2;
  const Grid grid{count, columns_for(count, asked > 0 ? asked : usual), cell.width, cell.height,
                  kOuterGap};
  Result<Picture> sheet = Picture::make(grid.width(), grid.height());
  if (!sheet.ok()) return sheet.status();
  const ColorMap image_map = grey_of(first_rows(samples->inputs, count));
  const ColorMap code_map = map_of(first_rows(samples->codes, count));
  const std::int64_t image_down = (cell.height - samples->shape.rows * cell.scale) / 2;
  const std::int64_t code_down = (cell.height - cell.code_height) / 2;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t x = grid.x(i);
    const std::int64_t y = grid.y(i);
    draw_tile(*sheet, x, y + image_down, samples->inputs.row(i), samples->shape, cell.scale,
              image_map);
    draw_tile(*sheet, x + cell.code_x, y + code_down, samples->codes.row(i), *code, cell.code_scale,
              code_map);
    if (samples->reconstructions.rows == 0) continue;
    draw_tile(*sheet, x + cell.code_x + cell.code_width + 2 * kInnerGap, y + image_down,
              samples->reconstructions.row(i), samples->shape, cell.scale, image_map);
  }
  const char* parts =
      samples->reconstructions.rows > 0 ? "input, code, reconstruction: " : "input, code: ";
  return TrialBody{std::move(*sheet),
                   {text(parts, first_of(count, samples->codes.rows, "test samples")),
                    text(samples->codes.cols, " units as ", code->rows, " x ", code->cols, ", ",
                         range_note(code_map))}};
}

Result<TrialBody> histogram_body(const ResultsReader& results, std::int64_t trial,
                                 const RenderRequest& request, Extent extent) {
  Result<ChosenLayer> layer = read_layer(results, trial, request, request.weights);
  if (!layer.ok()) return layer.status();
  Result<StoredSamples> samples = results.samples(trial);
  if (!samples.ok()) return samples.status();
  const bool cell = extent == Extent::kCell;
  const PanelSize size = cell ? PanelSize{3, 60, 1} : PanelSize{};
  const char* when = request.weights == WeightsOf::kInitial ? "initial " : "final ";
  std::vector<std::pair<std::string, Matrix>> parts;
  parts.emplace_back(when + layer->weights.name, matrix_of(layer->weights));
  if (!samples->codes.shape.empty()) {
    parts.emplace_back(text("codes of ", samples->codes.shape[0], " test samples"),
                       matrix_of(samples->codes));
  }
  std::vector<Picture> panels;
  for (const auto& [name, matrix] : parts) {
    Result<Picture> panel = histogram_panel(bins_of(matrix.values, 64), name, size);
    if (!panel.ok()) return panel.status();
    panels.push_back(std::move(*panel));
  }
  Result<Picture> row = side_by_side(panels, std::vector<std::string>(panels.size()), 1,
                                     cell ? kOuterGap : 3 * kOuterGap);
  if (!row.ok()) return row.status();
  TrialBody body{std::move(*row), {}};
  if (!layer->note.empty()) body.notes.push_back(layer->note);
  body.choice = layer->note;
  return body;
}

}  // namespace

Result<TrialBody> trial_body(const ResultsReader& results, std::int64_t trial,
                             const RenderRequest& request, Extent extent) {
  switch (request.what) {
    case PictureOf::kFilters:
      return filters_body(results, trial, request, extent);
    case PictureOf::kReconstructions:
      return reconstructions_body(results, trial, request, extent);
    case PictureOf::kCodes:
      return codes_body(results, trial, request, extent);
    case PictureOf::kDifference:
      return difference_body(results, trial, request, extent);
    case PictureOf::kHistogram:
      return histogram_body(results, trial, request, extent);
  }
  AESWEEP_CHECK(false, "a picture of nothing");
  return Status::input("");
}

}  // namespace aesweep
