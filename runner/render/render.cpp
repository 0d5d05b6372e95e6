#include "runner/render/render.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "runner/render/caption.hpp"
#include "runner/render/tiles.hpp"
#include "runner/render/trial_body.hpp"
#include "runner/store/fence.hpp"
#include "runner/store/names.hpp"

namespace aesweep {
namespace {

constexpr std::int64_t kTextScale = 2;
constexpr std::int64_t kWidthMin = 420;  // Of a title.
constexpr std::int64_t kCellTextScale = 1;
constexpr std::int64_t kCellWidthMin = 180;
constexpr std::int64_t kTrialsDefault = 256;
constexpr Color kEmpty{240, 240, 240};

// "test/mse 0.0421", as the run's metric ended.
std::string metric_text(const ResultsReader& results, const StoredTrial& trial) {
  const std::string stored = stored_name(results.metric());
  for (const auto& [name, value] : trial.metrics) {
    if (name == stored) return text(results.metric(), " ", value);
  }
  return "";
}

std::string label_text(const StoredTrial& trial) {
  return text("trial ", trial.number, trial.label.empty() ? "" : ": ", trial.label);
}

// What is to be said of all cells together.
struct CellWords {
  std::vector<std::string> drawn;  // Whose filters; each once.
  std::string choice;              // The first reason to draw another layer than the code's.
  std::string reason;              // The first reason why a trial has nothing to draw,
  std::size_t empty = 0;           // and how many have one.
};

// A cell whose trial has nothing to draw says why.
Result<Picture> cell_of(const ResultsReader& results, const StoredTrial& trial,
                        const RenderRequest& request, CellWords& all) {
  Result<TrialBody> body = trial_body(results, trial.number, request, Extent::kCell);
  const std::vector<std::string> words = {label_text(trial), metric_text(results, trial)};
  if (body.ok()) {
    const auto known = std::find(all.drawn.begin(), all.drawn.end(), body->drawn);
    if (known == all.drawn.end() && !body->drawn.empty()) all.drawn.push_back(body->drawn);
    if (all.choice.empty()) all.choice = body->choice;
    return captioned(body->picture, words, kCellTextScale, kCellWidthMin);
  }
  if (all.empty++ == 0) all.reason = body.status().message();
  Result<Picture> nothing = Picture::make(kCellWidthMin, kCellWidthMin / 3, kEmpty);
  if (!nothing.ok()) return nothing.status();
  return captioned(*nothing, {words[0], words[1], "nothing to draw"}, kCellTextScale,
                   kCellWidthMin);
}

// What the cells of a contact sheet show.
const char* legend_of(PictureOf what) {
  switch (what) {
    case PictureOf::kFilters:
      return "first filters, blue - 0 + red";
    case PictureOf::kReconstructions:
      return "above inputs, below reconstructions";
    case PictureOf::kCodes:
      return "input, code, reconstruction";
    case PictureOf::kDifference:
      return "first filters: initial, final, final - initial";
    case PictureOf::kHistogram:
      return "weights and codes";
  }
  return "";
}

Result<Picture> grid_of(const std::vector<Picture>& cells, std::int64_t columns_asked) {
  const auto count = static_cast<std::int64_t>(cells.size());
  std::int64_t width = 0;
  std::int64_t height = 0;
  for (const Picture& cell : cells) {
    width = std::max(width, cell.width());
    height = std::max(height, cell.height());
  }
  const Grid grid{count, columns_for(count, columns_asked), width, height, 0};
  Result<Picture> sheet = Picture::make(grid.width(), grid.height());
  if (!sheet.ok()) return sheet.status();
  for (std::int64_t i = 0; i < count; ++i) {
    sheet->paste(cells[static_cast<std::size_t>(i)], grid.x(i), grid.y(i));
  }
  return sheet;
}

Result<std::vector<Picture>> cells_of(const ResultsReader& results,
                                      const std::vector<StoredTrial>& trials,
                                      const RenderRequest& request, CellWords& words) {
  std::vector<Picture> cells;
  std::int64_t pixels = 0;
  for (const StoredTrial& trial : trials) {
    Result<Picture> cell = cell_of(results, trial, request, words);
    if (!cell.ok()) return cell.status();
    pixels += cell->width() * cell->height();
    if (pixels > Picture::kPixelsMax) {  // Before memory holds them all.
      return Picture::make(Picture::kPixelsMax, 2).status();
    }
    cells.push_back(std::move(*cell));
  }
  if (words.empty == trials.size()) return Status::input(words.reason);
  return cells;
}

// Lines for the terminal.
std::string note_of(const CellWords& words, std::size_t drawn, std::size_t all) {
  std::vector<std::string> lines;
  if (all > drawn) {
    lines.push_back(text("drawn are the first ", drawn, " of ", all, " completed trials; --limit ",
                         all, " draws all"));
  }
  if (!words.choice.empty()) lines.push_back(words.choice);
  if (words.empty > 0) {
    lines.push_back(text(words.empty, " trials have nothing to draw; the first: ", words.reason));
  }
  std::string note;
  for (const std::string& line : lines) note += (note.empty() ? "" : "\n") + line;
  return note;
}

Result<ContactSheet> draw_sweep(const ResultsReader& results, const RenderRequest& request) {
  std::vector<StoredTrial> trials = results.trials();
  std::erase_if(trials, [](const StoredTrial& trial) { return trial.status != "completed"; });
  if (trials.empty()) {
    return Status::input(results.path() + ": no trial completed, so there is nothing to draw");
  }
  const std::size_t all = trials.size();
  const auto limit = static_cast<std::size_t>(request.limit > 0 ? request.limit : kTrialsDefault);
  if (all > limit) trials.resize(limit);
  CellWords words;
  Result<std::vector<Picture>> cells = cells_of(results, trials, request, words);
  if (!cells.ok()) return cells.status();
  Result<Picture> grid = grid_of(*cells, request.columns);
  if (!grid.ok()) return grid.status();
  const std::string shown =
      all > trials.size() ? text("the first ", trials.size(), " of ", all) : std::to_string(all);
  std::vector<std::string> title = {text(results.name(), ": ", shown, " completed trials"),
                                    legend_of(request.what)};
  std::string drawn;
  for (const std::string& filters : words.drawn) drawn += (drawn.empty() ? "" : ", ") + filters;
  if (!drawn.empty()) title.push_back(drawn);
  Result<Picture> picture = captioned(*grid, title, kTextScale, kWidthMin);
  if (!picture.ok()) return picture.status();
  return ContactSheet{std::move(*picture), note_of(words, trials.size(), all)};
}

}  // namespace

Result<Picture> render_trial(const ResultsReader& results, std::int64_t trial,
                             const RenderRequest& request) {
  return fenced(results.path(), [&]() -> Result<Picture> {
    Result<StoredTrial> row = results.trial(trial);
    if (!row.ok()) return row.status();
    Result<TrialBody> body = trial_body(results, trial, request, Extent::kWhole);
    if (!body.ok()) return body.status();
    std::vector<std::string> words = {results.name() + ", " + label_text(*row)};
    if (const std::string metric = metric_text(results, *row); !metric.empty()) {
      words.push_back(metric);
    }
    words.insert(words.end(), body->notes.begin(), body->notes.end());
    return captioned(body->picture, words, kTextScale, kWidthMin);
  });
}

Result<ContactSheet> render_sweep(const ResultsReader& results, const RenderRequest& request) {
  return fenced(results.path(), [&]() { return draw_sweep(results, request); });
}

}  // namespace aesweep
