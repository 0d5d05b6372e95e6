// Proves that no text makes the parser crash, hang or give a message without a place: thousands of
// mutations of good experiments from a fixed random stream. A failure prints the stream's position.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/config/fake_catalogue.hpp"

namespace aesweep::test {
namespace {

// splitmix64: the same stream everywhere.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t count) {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return static_cast<std::size_t>((z ^ (z >> 31U)) % count);
  }

 private:
  std::uint64_t state_;
};

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> texts = {
      std::string(kBase) +
          "train: {epochs: 3, batch_rows: 7, shuffle: true}\n"
          "parameters:\n"
          "  optimizer.lr: {min: 1.0e-4, max: 1.0e-2, log: true, count: 3}\n"
          "  model.layers.code:\n"
          "    activation: {values: [tanh, {kind: topk, k: 3, label: top}]}\n",
      "schema: 1\nname: b\nplugins: [x.so]\ndata: {source: superposition, atoms: 9, limit: 4}\n"
      "model:\n  scalar: f64\n  code: a\n  loss: {kind: huber, delta: .5}\n  layers:\n"
      "  - name: a\n    kind: dense\n    regularizers: [{kind: l1, on: weights, coefficient: 1},\n"
      "      {kind: l2, coefficient: 2}]\n    quantizer: binary\n  - {name: \"b\", kind: 'dense'}\n"
      "optimizer:\n  kind: sgd # comment\n  lr: 1e-3\nmetric: {name: test/l0, goal: minimize}\n"
      "resources: {ranks_per_trial: 2}\nlimits: {max_trials: 50}\nrecord: {weights: {best: 2}}\n"
      "checkpoint: {every: 1h30m, keep: 2}\n"
      "parameters: {train: {seed: {values: [1, 2]}}, optimizer: {values: [{lr: 1, label: x}, "
      "sgd]}}\n",
  };
  return texts;
}

// Pieces that mean something to YAML or to the format.
const std::vector<std::string>& pieces() {
  static const std::vector<std::string> words = {":",         ": ",        "- ",
                                                 "\n",        "\n\n",      " ",
                                                 "  ",        "[",         "]",
                                                 "{",         "}",         ",",
                                                 "#",         "\"",        "'",
                                                 "&a ",       "*a",        "!t ",
                                                 "|\n",       ">\n",       "? ",
                                                 "---\n",     "...\n",     "%YAML 1.2\n",
                                                 "\t",        "\r",        "<<: ",
                                                 "~",         "null",      "true",
                                                 "1e999",     "-1",        "010",
                                                 "0x1",       "1e-4",      "kind",
                                                 "name",      "values",    "min",
                                                 "count",     "label",     "model.",
                                                 "layers",    "code",      "train",
                                                 "optimizer", "none",      "topk",
                                                 "\\",        "\xC3",      "\xEF\xBB\xBF",
                                                 "@",         "`",         "99999999999999999999",
                                                 ".",         "..",        "schema",
                                                 "data",      "parameters"};
  return words;
}

std::string mutated(std::string text, Stream& random) {
  const std::size_t edits = 1 + random.below(6);
  for (std::size_t edit = 0; edit < edits; ++edit) {
    const std::size_t at = random.below(text.size() + 1);
    const std::size_t length = std::min<std::size_t>(random.below(12), text.size() - at);
    switch (random.below(6)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, pieces()[random.below(pieces().size())]);
        break;
      case 2:
        text.replace(at, length, pieces()[random.below(pieces().size())]);
        break;
      case 3:
        text.insert(random.below(text.size() + 1), text.substr(at, length));
        break;
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(random.below(256));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

bool has_place(const std::string& message) {
  return message.starts_with("a.yaml:") || message.starts_with("--set");
}

TEST(Mutation, EveryTextIsAnExperimentOrHasAPlacedFault) {
  Stream random(37);
  int accepted = 0;
  constexpr int kTexts = 20000;
  for (int i = 0; i < kTexts; ++i) {
    const std::string text = mutated(seeds()[random.below(seeds().size())], random);
    const auto start = std::chrono::steady_clock::now();
    const std::string message = fault(text);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    accepted += message == "no fault" ? 1 : 0;
    ASSERT_TRUE(message == "no fault" || has_place(message)) << i << ": " << message << "\n"
                                                             << text;
    ASSERT_EQ(message.find('\n'), std::string::npos) << i << ": " << message;
    ASSERT_LT(seconds.count(), 5.0) << i << "\n" << text;
  }
  // Both kinds occur, or the mutations would be too timid or too wild to test anything.
  EXPECT_GT(accepted, kTexts / 100);
  EXPECT_LT(accepted, kTexts / 2);
}

TEST(Mutation, OverridesAlike) {
  Stream random(38);
  const std::string keys[] = {
      "model.layers.code.activation.k", "optimizer.lr", "train.seed", "model.layers.code",
      "parameters.optimizer.lr",        "data.limit"};
  for (int i = 0; i < 5000; ++i) {
    const Override given = {mutated(keys[random.below(6)], random), mutated("1e-3", random)};
    const std::string message = fault(seeds()[0], {given});
    ASSERT_TRUE(message == "no fault" || has_place(message))
        << i << ": " << given.key << "=" << given.value << ": " << message;
  }
}

}  // namespace
}  // namespace aesweep::test
