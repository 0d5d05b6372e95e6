// `aesweep render` as a user calls it, on tiny runs: every picture of a trial and of the sweep is a
// PNG of the size that is said; which layer is drawn where the code is called otherwise, sits deep
// or is decoded by its own weights; and what it says about calls that do not fit.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "tests/app/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

const char* const kHead =
    "schema: 1\n"
    "data: {source: superposition, cols: 36, train_rows: 200, test_rows: 40}\n"
    "optimizer: adam\n"
    "record: {samples: 12}\n";

// Square weights, a code of another name, and a decoder on the encoder's weights: 2 trials.
const char* const kTied =
    "model:\n"
    "  loss: mse\n"
    "  code: hidden\n"
    "  layers:\n"
    "    - {name: enc, kind: dense, units: 36, activation: relu}\n"
    "    - {name: hidden, kind: dense, units: 36, activation: relu}\n"
    "    - {name: dec, kind: dense, units: 36}\n"
    "    - {name: out, kind: tied_dense, of: enc}\n"
    "parameters: {train.seed: {values: [1, 2]}}\n";

// Six units between layers of ten.
const char* const kDeep =
    "model:\n"
    "  loss: mse\n"
    "  layers:\n"
    "    - {name: wide, kind: dense, units: 10, activation: relu}\n"
    "    - {name: code, kind: dense, units: 6, activation: tanh}\n"
    "    - {name: back, kind: dense, units: 10, activation: relu}\n"
    "    - {name: out, kind: dense}\n";

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "40 x 30 pixels", from the header of a PNG file; "" where it is none.
std::string size_of(const std::string& path) {
  const std::string png = content(path);
  if (png.size() < 24 || !png.starts_with("\x89PNG\r\n\x1a\n")) return "";
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      value = value << 8 | static_cast<unsigned char>(png[i]);
    }
    return value;
  };
  return text(number(16), " x ", number(20), " pixels");
}

class RenderCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    runs_ = new TemporaryFolder;
    for (const auto& [name, model] : {std::pair{"tied", kTied}, std::pair{"deep", kDeep}}) {
      const std::string file = runs_->write(text(name, ".yaml"), text(kHead, model));
      const Answer answer = aesweep({"run", file, "-o", runs_->path(name)});
      ASSERT_EQ(answer.status, 0) << answer.err;
    }
  }
  static void TearDownTestSuite() {
    delete runs_;
    runs_ = nullptr;
  }

  // Draws in a folder of the test's own; `run` is the name of one above.
  Answer render(const std::string& run, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"render", runs_->path(run)});
    return aesweep(arguments, {}, out_.path(""));
  }

  // The file `name` is a PNG, and the answer's last line says so.
  void expect_picture(const Answer& answer, const std::string& name, const std::string& note = "") {
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(answer.err, "");
    const std::string size = size_of(out_.path(name));
    EXPECT_NE(size, "") << name;
    EXPECT_EQ(answer.out, note + name + ", " + size + "\n");
  }

  void expect_refused(const Answer& answer, const std::string& words) {
    EXPECT_EQ(answer.status, 2);
    EXPECT_EQ(answer.out, "");
    EXPECT_EQ(count_of(answer.err, "\n"), 1) << answer.err;
    EXPECT_NE(answer.err.find(words), std::string::npos) << answer.err;
    EXPECT_TRUE(std::filesystem::is_empty(out_.path("")));
  }

  static TemporaryFolder* runs_;
  TemporaryFolder out_;
};

TemporaryFolder* RenderCommand::runs_ = nullptr;

TEST_F(RenderCommand, DrawsEveryPictureOfATrialAndOfTheSweep) {
  for (const char* what : {"filters", "reconstructions", "codes", "difference", "histogram"}) {
    expect_picture(render("tied", {"--what", what, "--trial", "1"}), text(what, "-000001.png"));
    expect_picture(render("tied", {"--what", what}), text(what, ".png"));
    // The same results give the same bytes, from the file as from the folder.
    const Answer again = aesweep({"render", runs_->path("tied/results.h5"), "--what", what, "--out",
                                  out_.path("again.png")});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(content(out_.path("again.png")), content(out_.path(text(what, ".png")))) << what;
  }
  expect_picture(render("tied", {"--what", "codes", "--limit", "1", "--out", "two.png"}), "two.png",
                 "drawn are the first 1 of 2 completed trials; --limit 2 draws all\n");
  expect_picture(
      render("tied", {"--what", "codes", "--trial", "0", "--code-shape", "4x9", "--shape", "4x9",
                      "--columns", "3", "--scale", "2", "--limit", "5", "--out", "c.png"}),
      "c.png");
}

TEST_F(RenderCommand, ChoosesTheLayerByTheModel) {
  expect_picture(render("tied", {"--what", "filters", "--trial", "0", "--out", "code.png"}),
                 "code.png");
  for (const char* layer : {"enc", "hidden", "dec"}) {
    const std::string name = text(layer, ".png");
    expect_picture(
        render("tied", {"--what", "filters", "--trial", "0", "--layer", layer, "--out", name}),
        name);
  }
  EXPECT_EQ(content(out_.path("hidden.png")), content(out_.path("code.png")));
  EXPECT_NE(content(out_.path("enc.png")), content(out_.path("code.png")));
  for (const char* what : {"filters", "difference"}) {
    expect_picture(render("deep", {"--what", what}), text(what, ".png"),
                   "drawn is layer wide, as code has no weights on the input\n");
  }
  expect_picture(render("deep", {"--what", "histogram"}), "histogram.png");
}

TEST_F(RenderCommand, RefusesWhatCannotBeDrawn) {
  const struct {
    std::string run;
    std::vector<std::string> arguments;
    std::string words;
  } table[] = {
      {"tied", {"--what", "filters", "--layer", "out"}, "its weights are those of enc (tied)"},
      {"tied", {"--what", "filters", "--trial", "2"}, "trial 2"},
      {"tied", {"--what", "filters", "--shape", "5x7"}, "has no columns of 35 values"},
      {"tied", {"--what", "codes", "--shape", "6"}, "--shape 6: expected rows x columns"},
      {"deep", {"--what", "filters", "--layer", "code"}, "has no columns of 36 values"},
      {"deep", {"--what", "filters", "--layer", "x"}, "no layer x"},
      {"deep", {"--what", "codes", "--code-shape", "2x4"}, "--code-shape 2x4"},
      {"deep", {"--what", "colors"}, "--what"},
      {"deep", {}, "--what is required"},
      {"absent", {"--what", "codes"}, "absent"}};
  for (const auto& [run, arguments, words] : table) {
    SCOPED_TRACE(words);
    expect_refused(render(run, arguments), words);
  }
  const Answer answer = render("deep", {"--what", "codes", "--out", "absent/c.png"});
  EXPECT_EQ(answer.status, 3) << answer.err;
  EXPECT_EQ(count_of(answer.err, "\n"), 1);
}

}  // namespace
}  // namespace aesweep
