// Proves that pictures show the numbers of results.h5: PNG files of small hand-made results,
// decoded by libpng, have at the place of each value the color that is computed here; what cannot
// be drawn is refused.
#include "runner/render/render.hpp"

#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "runner/render/color_map.hpp"
#include "runner/render/histogram.hpp"
#include "runner/render/png_file.hpp"
#include "runner/render/stored_images.hpp"
#include "tests/store/sample_trials.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

NamedTensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                      const std::vector<double>& values) {
  NamedTensor tensor{std::move(name), std::move(shape), Scalar::kF64, {}};
  tensor.bytes.resize(values.size() * sizeof(double));
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

// What libpng reads from a file, as RGB.
struct Decoded {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool grey = false;
  std::vector<std::uint8_t> rgb;

  [[nodiscard]] Color at(std::int64_t x, std::int64_t y) const {
    const auto i = static_cast<std::size_t>(y * width + x) * 3;
    return {rgb.at(i), rgb.at(i + 1), rgb.at(i + 2)};
  }
  // Whether every pixel of the square has the color.
  [[nodiscard]] bool filled(std::int64_t x, std::int64_t y, std::int64_t side, Color color) const {
    for (std::int64_t i = 0; i < side * side; ++i) {
      if (at(x + i % side, y + i / side) != color) return false;
    }
    return true;
  }
};

Decoded decode(const Picture& picture) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.png");
  AESWEEP_CHECK(write_png(path, picture).ok(), "cannot write");
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  AESWEEP_CHECK(png_image_begin_read_from_file(&image, path.c_str()) != 0, image.message);
  Decoded decoded{image.width, image.height, (image.format & PNG_FORMAT_FLAG_COLOR) == 0, {}};
  image.format = PNG_FORMAT_RGB;
  decoded.rgb.resize(PNG_IMAGE_SIZE(image));
  AESWEEP_CHECK(png_image_finish_read(&image, nullptr, decoded.rgb.data(), 0, nullptr) != 0,
                image.message);
  return decoded;
}

// The upper left corner of the last body of so many pixels: captions come first, then the margin.
std::pair<std::int64_t, std::int64_t> body_at(const Decoded& png, std::int64_t height) {
  return {10, png.height - 10 - height};
}

// A stored configuration with these layers, each "name" or "name=layer that it is tied to".
std::string config_of(const std::string& code, const std::vector<std::string>& layers) {
  std::string config = "schema: 1\nmodel:\n  code: " + code + "\n  layers:\n";
  for (const std::string& layer : layers) {
    const std::size_t tie = layer.find('=');
    config += "    - name: " + layer.substr(0, tie) + "\n";
    config += tie == std::string::npos
                  ? "      kind: dense\n"
                  : "      kind: tied_dense\n      of: " + layer.substr(tie + 1) + "\n";
  }
  return config;
}

// Codes of 2 units for images of 2 x 2 values.
TrialResult tiny_result() {
  TrialResult result = sample_result(1, 1);
  result.weights_initial = {tensor_of("code/weights", {4, 2}, {0, 0, 0, 0, 0, 0, 0, 0})};
  result.weights_final = {tensor_of("code/weights", {4, 2}, {1, -4, -1, 2, 0, kNan, 0.5, 4}),
                          tensor_of("decoder/weights", {2, 4}, {4, 0, 0, 0, 0, 1, 0, -2}),
                          tensor_of("code/bias", {2}, {1, 2})};
  result.samples = {tensor_of("inputs", {3, 4}, {0, 1, 0.5, 0, 1, 1, 1, 1, 0, 0, 0, 0}),
                    tensor_of("codes", {3, 2}, {0, 1, 2, 0, 4, 0}),
                    tensor_of("reconstructions", {3, 4}, {1, 0, 0, 2, 0, 0, 0, -1, 1, 1, 1, 1})};
  result.sample_labels.clear();
  return result;
}

class Render : public ::testing::Test {
 protected:
  // results.h5 of these as trials 1, 2, ...
  ResultsReader reader(const std::vector<TrialResult>& results,
                       const std::string& config = config_of("code", {"code", "decoder"})) {
    std::vector<TrialSource> sources;
    const std::string into = folder_.path(std::to_string(++files_));
    std::filesystem::create_directory(into);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto number = static_cast<std::int64_t>(i + 1);
      TrialRecord record = sample_record(number, results[i]);
      record.config = config;
      sources.push_back(store_trial(into, record));
    }
    AESWEEP_CHECK(write_results(into + "/results.h5", sample_run(), sources).ok(), "write");
    Result<ResultsReader> reader = ResultsReader::open(into);
    AESWEEP_CHECK(reader.ok(), reader.status().message());
    return std::move(*reader);
  }

  Decoded draw(const RenderRequest& request) {
    Result<Picture> picture = render_trial(reader({tiny_result()}), 1, request);
    AESWEEP_CHECK(picture.ok(), picture.status().message());
    return decode(*picture);
  }

  void expect_refused(const TrialResult& result, const RenderRequest& request,
                      const std::string& part,
                      const std::string& config = config_of("code", {"code", "decoder"})) {
    const Status status = render_trial(reader({result}, config), 1, request).status();
    EXPECT_EQ(status.fault(), Fault::kInput) << part;
    EXPECT_NE(status.message().find(part), std::string::npos) << part << "\n" << status.message();
  }

  TemporaryFolder folder_;
  int files_ = 0;
};

// Independent of the maps: the ends and the middle of blue - grey - red.
constexpr Color kBlue{33, 75, 170}, kZero{225, 225, 225}, kRed{180, 15, 30};
Color half(Color a, Color b) {
  const auto mean = [](int x, int y) { return static_cast<std::uint8_t>((x + y + 1) / 2); };
  return {mean(a.red, b.red), mean(a.green, b.green), mean(a.blue, b.blue)};
}

TEST_F(Render, FiltersAreColumnsOfTheCode) {
  const Decoded png = draw({.what = PictureOf::kFilters, .columns = 2, .scale = 3});
  const auto [x, y] = body_at(png, 6);
  // Unit 0: 1 -1 / 0 0.5; unit 1: -4 2 / NaN 4, each by its own largest.
  const Color expected[2][4] = {{kRed, kBlue, kZero, half(kZero, kRed)},
                                {kBlue, half(kZero, kRed), kNotANumber, kRed}};
  for (std::int64_t unit = 0; unit < 2; ++unit) {
    for (std::int64_t i = 0; i < 4; ++i) {
      EXPECT_TRUE(png.filled(x + unit * 8 + i % 2 * 3, y + i / 2 * 3, 3, expected[unit][i]))
          << unit << " " << i;
    }
  }
  EXPECT_EQ(png.at(x + 6, y), kWhite);
  EXPECT_FALSE(png.grey);
}

TEST_F(Render, CommonScaleAndDecoder) {
  const Decoded common = draw({.common_scale = true, .columns = 2, .scale = 1});
  const auto [x, y] = body_at(common, 2);
  EXPECT_EQ(common.at(x, y), (Color{214, 173, 176}));  // 1 of 4: a quarter of the way to red.
  const Decoded decoder = draw({.layer = "decoder", .columns = 2, .scale = 1});
  const auto [u, v] = body_at(decoder, 2);
  EXPECT_EQ(decoder.at(u, v), kRed);
  EXPECT_EQ(decoder.at(u + 1, v), kZero);
  EXPECT_EQ(decoder.at(u + 5, v + 1), kBlue);
  EXPECT_EQ(decoder.at(u + 5, v), half(kZero, kRed));
}

TEST_F(Render, DifferencesShareAScale) {
  TrialResult result = tiny_result();
  result.weights_initial[0] = tensor_of("code/weights", {4, 2}, {2, 0, 0, 0, 0, 0, 0, 0});
  const ResultsReader results = reader({result});
  Result<Picture> picture =
      render_trial(results, 1, {.what = PictureOf::kDifference, .columns = 2, .scale = 1});
  ASSERT_TRUE(picture.ok()) << picture.status().message();
  const Decoded png = decode(*picture);
  const auto [x, y] = body_at(png, 2);
  EXPECT_EQ(png.at(x, y), kRed);                       // Initial 2.
  const std::int64_t second = x + 7 * 6 * 2 - 2 + 24;  // After the heading "initial".
  EXPECT_EQ(png.at(second, y), half(kZero, kRed));     // Final 1, of 2.
  const std::int64_t third = second + 5 * 6 * 2 - 2 + 24;
  EXPECT_EQ(png.at(third, y), half(kZero, kBlue));  // 1 - 2.
}

TEST_F(Render, ReconstructionsAreBelowInputs) {
  const Decoded png = draw({.what = PictureOf::kReconstructions, .columns = 3, .scale = 2});
  const auto [x, y] = body_at(png, 10);
  EXPECT_TRUE(png.grey);
  EXPECT_TRUE(png.filled(x, y, 2, kBlack));
  EXPECT_TRUE(png.filled(x + 2, y, 2, kWhite));
  EXPECT_TRUE(png.filled(x, y + 2, 2, Color{128, 128, 128}));
  EXPECT_TRUE(png.filled(x, y + 6, 2, kWhite));
  EXPECT_TRUE(png.filled(x + 2, y + 6, 2, kBlack));
  EXPECT_TRUE(png.filled(x + 2, y + 8, 2, kWhite));       // 2 is cut at 1,
  EXPECT_TRUE(png.filled(x + 10 + 2, y + 8, 2, kBlack));  // and -1 at 0.
}

TEST_F(Render, CodesStandBetween) {
  const Decoded png =
      draw({.what = PictureOf::kCodes, .code_shape = {1, 2}, .columns = 1, .scale = 4});
  const auto [x, y] = body_at(png, 3 * 8 + 2 * 12);
  const std::int64_t code = x + 8 + 4;  // Units of 8 x 8 pixels.
  EXPECT_TRUE(png.filled(code, y, 8, kBlack));
  EXPECT_TRUE(png.filled(code + 8, y, 8, Color{64, 64, 64}));      // 1 of 4.
  EXPECT_TRUE(png.filled(code, y + 20, 8, Color{128, 128, 128}));  // 2 of 4.
  EXPECT_TRUE(png.filled(code, y + 40, 8, kWhite));                // 4 of 4.
  EXPECT_TRUE(png.filled(code + 16 + 4, y, 4, kWhite));            // Its reconstruction.
}

TEST_F(Render, EqualResultsGiveEqualBytes) {
  for (const PictureOf what : {PictureOf::kFilters, PictureOf::kReconstructions, PictureOf::kCodes,
                               PictureOf::kDifference, PictureOf::kHistogram}) {
    const ResultsReader one = reader({tiny_result(), sample_result(2, 1), tiny_result()});
    const ResultsReader two = reader({tiny_result(), sample_result(2, 1), tiny_result()});
    const Result<Picture> a = render_trial(one, 1, {.what = what});
    const Result<Picture> b = render_trial(two, 1, {.what = what});
    ASSERT_TRUE(a.ok() && b.ok()) << a.status().message();
    EXPECT_EQ(png_bytes(a.value()).value(), png_bytes(b.value()).value());
    // Trial 2 has 7 inputs, no square: one cell says so, the others are there.
    const Result<ContactSheet> sheet = render_sweep(one, {.what = what});
    ASSERT_TRUE(sheet.ok()) << sheet.status().message();
    const bool shaped = what != PictureOf::kHistogram;
    EXPECT_EQ(sheet.value().note.find("1 trials have nothing to draw") != std::string::npos, shaped)
        << sheet.value().note;
    EXPECT_EQ(png_bytes(sheet.value().picture).value(),
              png_bytes(render_sweep(two, {.what = what}).value().picture).value());
  }
}

TEST_F(Render, RefusesWhatCannotBeDrawn) {
  const TrialResult tiny = tiny_result();
  expect_refused(tiny, {.layer = "none"}, "layers with a matrix of weights: code [4, 2]");
  expect_refused(tiny, {.shape = {3, 1}}, "has no columns of 3 values");
  expect_refused(tiny, {.what = PictureOf::kCodes, .code_shape = {3, 1}}, "--code-shape 3x1");
  expect_refused(tiny, {.what = PictureOf::kReconstructions, .shape = {2, 3}}, "--shape 2x3");
  expect_refused(sample_result(1, 1), {}, "no square");
  TrialResult bare = tiny;
  bare.samples.clear();
  expect_refused(bare, {.what = PictureOf::kCodes}, "has no samples");
  bare.weights_final.clear();
  expect_refused(bare, {}, "record.weights");
  TrialResult predicts = tiny;
  predicts.samples[2] = tensor_of("predictions", {3, 1}, {1, 2, 3});
  expect_refused(predicts, {.what = PictureOf::kReconstructions}, "predicts labels");
  TrialResult large = tiny;
  large.weights_final = {counting_tensor("code/weights", {2500, 900}, Scalar::kF32, 0)};
  large.samples.clear();
  expect_refused(large, {.scale = 64}, "64 megapixels");
  TrialResult failed = tiny;
  failed.outcome = Outcome::kFailed;
  EXPECT_NE(render_sweep(reader({failed}), {}).status().message().find("no trial completed"),
            std::string::npos);
}

// Square weights fit both ways: only the layer's place tells columns from rows.
TEST_F(Render, SquareLayersAreColumnsUpToTheCodeAndRowsBehind) {
  TrialResult result = tiny_result();
  std::vector<double> values(16, 0);
  values[1] = 2;   // Row 0, column 1: filter 1 at 0, or filter 0 at 1.
  values[4] = -1;  // Row 1, column 0.
  const std::string config = config_of("hidden", {"enc", "hidden", "dec"});
  result.weights_final.clear();
  for (const char* name : {"enc/weights", "hidden/weights", "dec/weights"}) {
    result.weights_final.push_back(tensor_of(name, {4, 4}, values));
  }
  for (const std::string layer : {"", "enc", "hidden", "dec"}) {
    const ResultsReader results = reader({result}, config);
    const Result<Picture> picture =
        render_trial(results, 1, {.layer = layer, .columns = 4, .scale = 1});
    ASSERT_TRUE(picture.ok()) << picture.status().message();
    const Decoded png = decode(picture.value());
    const auto [x, y] = body_at(png, 2);
    const bool rows = layer == "dec";
    EXPECT_EQ(png.at(x + 1, y), rows ? kRed : kBlue) << layer;  // Filter 0 at 1.
    EXPECT_EQ(png.at(x + 4, y), rows ? kBlue : kRed) << layer;  // Filter 1 at 0.
    EXPECT_EQ(png.at(x, y), kZero) << layer;
  }
}

TEST_F(Render, DeepNetworksShowTheFirstLayerOnTheInput) {
  TrialResult result = tiny_result();
  result.weights_final = {tensor_of("a/weights", {4, 3}, std::vector<double>(12, 1)),
                          tensor_of("code/weights", {3, 2}, std::vector<double>(6, 1)),
                          tensor_of("b/weights", {2, 3}, std::vector<double>(6, 1)),
                          tensor_of("c/weights", {3, 4}, std::vector<double>(12, 1))};
  const std::string config = config_of("code", {"a", "code", "b", "c"});
  const ResultsReader deep = reader({result}, config);
  const Result<ContactSheet> sheet = render_sweep(deep, {});
  ASSERT_TRUE(sheet.ok()) << sheet.status().message();
  EXPECT_EQ(sheet.value().note, "drawn is layer a, as code has no weights on the input");
  const Result<Filters> filters = read_filters(deep, 1, {}, WeightsOf::kFinal);
  ASSERT_TRUE(filters.ok()) << filters.status().message();
  EXPECT_EQ(filters.value().tensor, "a_weights");
  EXPECT_FALSE(filters.value().rows);
  EXPECT_EQ(filters.value().images.rows, 3);
  EXPECT_EQ(read_filters(deep, 1, {.layer = "c"}, WeightsOf::kFinal).value().images.rows, 3);
  // The code's weights have no image's size, unless a shape says so.
  expect_refused(result, {.layer = "code"}, "code_weights [3, 2] has no columns of 4", config);
  EXPECT_EQ(read_filters(deep, 1, {.shape = {1, 3}}, WeightsOf::kFinal).value().tensor,
            "code_weights");
  expect_refused(result, {.layer = "b"}, "b_weights [2, 3] has no rows of 4", config);
  // A histogram needs no image.
  EXPECT_EQ(read_layer(deep, 1, {}, WeightsOf::kFinal).value().weights.name, "code_weights");
}

TEST_F(Render, TiedAndMissingLayersSaySo) {
  const TrialResult tiny = tiny_result();
  TrialResult tied = tiny;
  tied.weights_final.erase(tied.weights_final.begin() + 1);
  expect_refused(tied, {.layer = "decoder"},
                 "its weights are those of code (tied); draw them by --layer code",
                 config_of("code", {"code", "decoder=code"}));
  expect_refused(tied, {.layer = "decoder"}, "layer decoder has no matrix of weights");
  expect_refused(tiny, {}, "no layer up to the code has a matrix",
                 config_of("x", {"x", "decoder"}));
  expect_refused(tiny, {}, "0 layers called code", config_of("code", {"a", "b"}));
  expect_refused(tiny, {}, "2 layers called code", config_of("code", {"code", "code"}));
  expect_refused(tiny, {}, "no model.layers", "schema: 1\n");
  expect_refused(tiny, {}, "trial 1: the stored configuration:", "schema: [\n");
}

TEST_F(Render, LimitIsSaid) {
  const Result<ContactSheet> sheet =
      render_sweep(reader({tiny_result(), tiny_result(), tiny_result()}), {.limit = 2});
  ASSERT_TRUE(sheet.ok());
  EXPECT_NE(sheet.value().note.find("the first 2 of 3"), std::string::npos) << sheet.value().note;
}

TEST(Shapes, OfImagesAndCodes) {
  EXPECT_EQ(image_shape(784, {}).value(), (ImageShape{28, 28}));
  EXPECT_EQ(image_shape(6, {2, 3}).value(), (ImageShape{2, 3}));
  EXPECT_FALSE(image_shape(6, {}).ok());
  const std::pair<std::int64_t, ImageShape> codes[] = {
      {1, {1, 2}},   {10, {2, 5}},   {16, {2, 8}},    {32, {4, 8}},
      {64, {4, 16}}, {100, {5, 20}}, {400, {10, 40}}, {401, {10, 41}}};
  for (const auto& [units, expected] : codes) {
    EXPECT_EQ(code_shape(units, {}).value(), expected) << units;
  }
}

TEST(Histogram, CountsEveryValueOnce) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {0, 1, 2, 2.5, 4, kNan, inf, 4};
  const Bins bins = bins_of(values, 4);
  EXPECT_EQ(bins.counts, (std::vector<std::int64_t>{1, 1, 2, 2}));
  EXPECT_EQ(bins.low, 0);
  EXPECT_EQ(bins.high, 4);
  EXPECT_EQ(bins.left_out, 2);
  EXPECT_EQ(bins_of(std::vector<double>{3, 3}, 4).counts, (std::vector<std::int64_t>{0, 0, 2, 0}));
  EXPECT_EQ(bins_of(std::vector<double>{-1e308, 1e308}, 2).counts,
            (std::vector<std::int64_t>{1, 1}));
  EXPECT_TRUE(histogram_panel(bins_of({}, 64), "nothing", {}).ok());
}

}  // namespace
}  // namespace aesweep
