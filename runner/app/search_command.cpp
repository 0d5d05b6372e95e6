#include "runner/app/search_command.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/text.hpp"
#include "core/codes/hamming.hpp"
#include "core/data/npy.hpp"
#include "runner/app/launcher.hpp"
#include "runner/store/code_file.hpp"
#include "runner/store/durable_write.hpp"
#include "runner/store/image_file.hpp"

namespace aesweep {
namespace {

constexpr std::size_t kColumns = 4;
constexpr std::array<const char*, kColumns> kColumnNames = {"query", "rank", "row", "distance"};
// One neighbour, in the order of kColumnNames. Ranks begin at 0.
using Line = std::array<std::int64_t, kColumns>;
// Takes the lines of some more queries.
using Sink = std::function<Status(std::span<const Line>)>;

// Neighbours that a batch of queries holds in memory, about.
constexpr std::int64_t kBatchNeighbours = std::int64_t{1} << 20;
constexpr std::int64_t kBatchQueries = 256;
// In .npy and .h5 files, which are made in memory: 1 GiB of numbers.
constexpr std::size_t kFileLinesMax = std::size_t{1} << 25;

Result<PackedCodes> read_bits(const std::string& path) {
  Result<StoredCodes> codes = read_codes(path);
  if (!codes.ok()) return codes.status();
  if (!codes->packed) {
    return Status::input(path +
                         ": holds real codes, search compares bits; make them with aesweep "
                         "encode --binarize");
  }
  return std::move(*codes->packed);
}

void add_lines(std::int64_t query, std::span<const Neighbour> neighbours,
               std::vector<Line>& lines) {
  std::int64_t rank = 0;
  for (const Neighbour& found : neighbours) {
    lines.push_back({query, rank++, found.row, found.distance});
  }
}

// Queries in order; of each, the nearest first.
Status nearest_of_all(const PackedCodes& queries, const PackedCodes& database, std::int64_t asked,
                      const Sink& sink) {
  const std::int64_t k = std::min(asked, database.rows);
  if (k == 0) return {};
  const std::int64_t batch = std::clamp<std::int64_t>(kBatchNeighbours / k, 1, kBatchQueries);
  std::vector<Neighbour> found;
  std::vector<Line> lines;
  for (std::int64_t first = 0; first < queries.rows; first += batch) {
    const std::int64_t count = std::min(batch, queries.rows - first);
    found.resize(static_cast<std::size_t>(count * k));
    k_nearest(queries, database, k, first, found);
    lines.clear();
    for (std::int64_t q = 0; q < count; ++q) {
      add_lines(
          first + q,
          std::span(found).subspan(static_cast<std::size_t>(q * k), static_cast<std::size_t>(k)),
          lines);
    }
    AESWEEP_RETURN_IF_ERROR(sink(lines));
  }
  return {};
}

Status radius_of_all(const PackedCodes& queries, const PackedCodes& database, std::int64_t radius,
                     const Sink& sink) {
  const std::int64_t batch = std::clamp<std::int64_t>(
      kBatchNeighbours / std::max<std::int64_t>(1, database.rows), 1, kBatchQueries);
  std::vector<Line> lines;
  for (std::int64_t first = 0; first < queries.rows; first += batch) {
    const std::int64_t count = std::min(batch, queries.rows - first);
    const auto found = within_radius(queries, database, radius, first, count);
    lines.clear();
    for (std::int64_t q = 0; q < count; ++q) {
      add_lines(first + q, found[static_cast<std::size_t>(q)], lines);
    }
    AESWEEP_RETURN_IF_ERROR(sink(lines));
  }
  return {};
}

std::string header_text(char separator) {
  std::string out;
  for (const char* name : kColumnNames) (out += name) += separator;
  out.back() = '\n';
  return out;
}

std::string lines_text(std::span<const Line> lines, char separator) {
  std::string out;
  std::array<char, 24> digits;
  for (const Line& line : lines) {
    for (const std::int64_t value : line) {
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
      out.append(digits.data(), end) += separator;
    }
    out.back() = '\n';
  }
  return out;
}

using Search = std::function<Status(const Sink&)>;

Status print_table(const Search& search) {
  std::fputs(header_text('\t').c_str(), stdout);
  return search([](std::span<const Line> lines) -> Status {
    std::fputs(lines_text(lines, '\t').c_str(), stdout);
    if (std::ferror(stdout) == 0) return {};
    return Status::world("cannot write to standard output; look where it goes");
  });
}

Status write_csv(const std::string& path, const Search& search, std::size_t& count) {
  Result<PendingFile> file = PendingFile::create(path);
  if (!file.ok()) return file.status();
  const auto append = [&](const std::string& words) {
    return file->append(std::as_bytes(std::span(words.data(), words.size())));
  };
  AESWEEP_RETURN_IF_ERROR(append(header_text(',')));
  AESWEEP_RETURN_IF_ERROR(search([&](std::span<const Line> lines) {
    count += lines.size();
    return append(lines_text(lines, ','));
  }));
  return file->commit(WriteMode::kReplace);
}

// Each column is a data set [neighbours].
Status write_h5_columns(const h5::Node& file, const SearchOptions& options,
                        std::span<const Line> lines) {
  AESWEEP_RETURN_IF_ERROR(
      h5::set_attribute(file, ".", "format", std::string_view("aesweep neighbours")));
  AESWEEP_RETURN_IF_ERROR(options.radius ? h5::set_attribute(file, ".", "radius", *options.radius)
                                         : h5::set_attribute(file, ".", "k", *options.k));
  const std::int64_t shape[] = {static_cast<std::int64_t>(lines.size())};
  std::vector<std::int64_t> column(lines.size());
  for (std::size_t c = 0; c < kColumns; ++c) {
    for (std::size_t i = 0; i < lines.size(); ++i) column[i] = lines[i][c];
    AESWEEP_RETURN_IF_ERROR(h5::write_array(file, kColumnNames[c], {"", h5::CellType::kI8}, shape,
                                            std::as_bytes(std::span(column))));
  }
  return {};
}

Status write_table(const SearchOptions& options, const Search& search, std::size_t& count) {
  std::vector<Line> table;
  AESWEEP_RETURN_IF_ERROR(search([&](std::span<const Line> lines) -> Status {
    if (table.size() + lines.size() > kFileLinesMax) {
      return Status::input(text(options.out, ": would hold more than ", kFileLinesMax,
                                " neighbours; ask for fewer, or write .csv"));
    }
    table.insert(table.end(), lines.begin(), lines.end());
    return {};
  }));
  count = table.size();
  if (options.out.ends_with(".npy")) {
    const ArrayShape shape = {ArrayType::kI64,
                              {static_cast<std::int64_t>(count), std::int64_t{kColumns}}};
    const std::string file = npy_bytes(shape, std::as_bytes(std::span(table)));
    return durable_write(options.out, std::as_bytes(std::span(file.data(), file.size())),
                         WriteMode::kReplace);
  }
  Result<std::vector<std::byte>> file =
      h5_image(options.out, count * sizeof(Line),
               [&](const h5::Node& node) { return write_h5_columns(node, options, table); });
  if (!file.ok()) return file.status();
  return durable_write(options.out, *file, WriteMode::kReplace);
}

}  // namespace

Status search_codes(const SearchOptions& options) {
  if (launch_place().rank != 0) return {};  // One process of a launch works for all.
  const std::string& out = options.out;
  const bool csv = out.ends_with(".csv");
  if (!out.empty() && !csv && !out.ends_with(".npy") && !out.ends_with(".h5")) {
    return Status::input(out + ": neighbours are written as .csv, .npy or .h5; end the name so");
  }
  Result<PackedCodes> database = read_bits(options.database);
  if (!database.ok()) return database.status();
  Result<PackedCodes> queries = read_bits(options.queries);
  if (!queries.ok()) return queries.status();
  if (queries->bits != database->bits) {
    return Status::input(text(options.queries, ": codes of ", queries->bits, " bits, but those of ",
                              options.database, " have ", database->bits,
                              "; encode both with one trial into files of one kind (.npy counts "
                              "whole bytes)"));
  }
  const Search search = [&](const Sink& sink) {
    return options.radius ? radius_of_all(*queries, *database, *options.radius, sink)
                          : nearest_of_all(*queries, *database, *options.k, sink);
  };
  if (out.empty()) return print_table(search);
  std::size_t count = 0;
  AESWEEP_RETURN_IF_ERROR(csv ? write_csv(out, search, count)
                              : write_table(options, search, count));
  const std::string line = text(out, ": ", count, " neighbours of ", queries->rows, " queries\n");
  std::fputs(line.c_str(), stdout);
  return {};
}

}  // namespace aesweep
