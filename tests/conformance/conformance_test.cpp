// Proves that every conformance case finds what it is for: `aesweep plugin check` over libraries
// whose components are each wrong in one known way must fail that case with the expected words, and
// must pass a right component. A case without a row here is itself a failure.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/text.hpp"
#include "runner/plugin_check/plugin_check.hpp"
#include "tests/app/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {
namespace {

struct Line {
  std::string verdict;
  std::string name;
  std::string component;
  std::string text;
};

std::string until(const std::string& line, std::size_t begin, std::size_t width) {
  std::string word = line.substr(begin, width);
  word.erase(word.find_last_not_of(' ') + 1);
  return word;
}

// "FAIL  shapes          right (f32): text" and the like, up to the empty line.
std::vector<Line> parse(const std::string& out) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t end = std::min(out.find('\n', at), out.size());
    const std::string line = out.substr(at, end - at);
    at = end + 1;
    if (line.empty()) break;
    const std::string rest = line.size() > 22 ? line.substr(22) : "";
    const std::size_t name = rest.find(' ') + 1;  // After the kind.
    const std::string component = rest.substr(name, rest.find_first_of(" :", name) - name);
    lines.push_back({until(line, 0, 6), until(line, 6, 16), component, rest});
  }
  return lines;
}

// A limit that a busy machine does not reach, and a hanging component soon does.
const std::vector<std::string> kSeconds = {"--seconds", "2"};

Answer check(const std::string& library, const std::vector<std::string>& options = {}) {
  std::vector<std::string> arguments = {"plugin", "check", library};
  arguments.insert(arguments.end(), kSeconds.begin(), kSeconds.end());
  arguments.insert(arguments.end(), options.begin(), options.end());
  return aesweep(arguments);
}

// The sanitizer's allocator tells nobody how much is in use; its own leak check does that job.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kUncounted = true;
#else
constexpr bool kUncounted = false;
#endif

struct Row {
  const char* component;
  const char* name;  // Of the case.
  const char* words;
  const char* verdict = "FAIL";
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"reads_padding", "shapes", "37 x 1: y (0, 0) is nan"},
      {"writes_padding", "shapes", "forward writes outside of y, into padding or neighbours"},
      {"writes_behind", "shapes", "forward writes outside of y"},
      {"changes_input", "shapes", "forward or accumulate changes x"},
      {"writes_nothing", "shapes", "not written, read from padding, or not finite"},
      {"overruns_workspace", "shapes", "forward writes behind its workspace_bytes"},
      {"needs_alignment", "shapes", "1 element off alignment give other numbers"},
      {"changes_buffer", "shapes", "forward changes buffer calls"},
      {"overwrites", "shapes", "regularizers add to the gradient"},
      {"late_nan", "steps", "y (0, 0) is nan"},
      {"uses_shard_rows", "rows-split", "as shards of 7 and 5 rows instead of one of 12, y (7, 0)"},
      {"local_noise", "rows-split", "as shards of 7 and 5 rows instead of one of 12"},
      {"neighbours", "rows-split", "to the last bit"},
      {"neighbours_to_the_right", "element-wise",
       "declared ELEMENTWISE, but x [17] changes y [16]"},
      {"shard_mean", "rounds", "over 5 shards and an empty one instead of 1, y (18, 0)"},
      {"secret_noise", "random", "declare AESWEEP_RANDOM"},
      {"declared_noise", "random", "change nothing with any example", "warn"},
      {"steps", "gradient", "dx at x (0, 0)"},
      {"counts_calls", "gradient",
       "y varies faster than differences resolve by x at 35 of 35 places"},
      {"not_linear", "gradient", "dx [0] is -1 where dy is 0"},
      {"wrong_parameter", "gradient", "gradient of threshold at threshold (0, 0)"},
      {"forgets_batch", "gradient", "differences of y give"},
      {"wrong_penalty", "gradient", "gradient of weight blocks at w (0, 0)"},
      {"wrong_quantizer", "gradient", "differences of q give"},
      {"wrong_loss", "gradient", "differences of loss give"},
      {"coarse", "f32-f64", "64 roundings are allowed"},
      {"refuses_nan", "special-values", "with NaN in x: forward: internal failure (6): a NaN"},
      {"hides_nan", "special-values", "NaN in x cannot be seen in the result", "warn"},
      {"reads_x", "shapes", "dx (0, 0) is nan"},
      {"reads_x", "in-place", "see shapes", "skip"},
      {"writes_behind", "steps", "see shapes, which it fails by", "skip"},
      {"counts_calls", "abi-longer", "; see purity first, equal calls give other results"},
      {"two_passes", "in-place", "where y is x and dx is dy, y (0, 0)"},
      {"falling_columns", "active-set", "row 0 lists column 0 after 1"},
      {"other_values", "active-set", "y(0, 0) is 0 in the matrix and 1 in the set"},
      {"counts_twice", "active-set", "with x beside its active set y (0, 3)"},
      {"counts_calls", "purity", "the same shard again: y (0, 0)"},
      {"reads_garbage", "purity", "the same shard at another address: y (0, 0)"},
      {"reads_own_address", "purity", "the same shard on another instance: y (0, 0)"},
      {"reads_thread", "purity", "the same shard in another thread: y (0, 0)"},
      {"shared_width", "instances", "beside another instance"},
      {"leaks", "lifecycle", "1000 times create, plan and destroy leave"},
      {"leaks_calls", "lifecycle", "playing a batch 100 times leaves"},
      {"sets_locale", "manners", "forward: changes the locale (C to "},
      {"changes_folder", "manners", "forward: changes the working directory (/ to /usr)"},
      {"single_x87", "manners", "forward: changes the x87 control word (0x37f to 0x7f)"},
      {"crashes", "shapes", "forward of crashes in f32 was ended by signal 11 (SIGSEGV)"},
      {"exits", "shapes", "forward of exits in f32 ended the process with status 0"},
      {"hangs", "shapes", "forward of hangs in f32 did not return within 2 s"},
      {"hangs", "lifecycle", "left out: it broke down in 3 cases already", "skip"},
      {"drifts", "update", "with a gradient of 0 and without MAY_DECAY, w (0, 0)"},
      {"ignores_rate", "update", "with rate_factor 0 w (0, 0)"},
      {"accepts_anything", "parameters", "create accepts no_such_parameter = 1"},
      {"nameless", "parameters", "with a text that does not name no_such_parameter: 'no'"},
      {"at_length", "parameters", "the error text goes beyond its capacity of 0 bytes"},
      {"own_size", "abi-longer", "is refused: invalid parameter (1), 'slope: of another size'"},
      {"plan_throws", "exceptions", "plan: an exception leaves the plugin: no columns"},
      {"plan_silent", "exceptions", "invalid shape (2) without a text"},
  };
  return all;
}

class WrongComponents : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    answer_ = check(std::string(AESWEEP_WRONG_PLUGINS) + "/wrong_components.so");
    lines_ = parse(answer_.out);
  }
  static Answer answer_;
  static std::vector<Line> lines_;
};
Answer WrongComponents::answer_;
std::vector<Line> WrongComponents::lines_;

TEST_F(WrongComponents, AreFoundByTheCaseThatIsForThem) {
  EXPECT_EQ(answer_.status, 1) << answer_.err;
  for (const Row& row : rows()) {
    if (kUncounted && std::string(row.component).starts_with("leaks")) continue;
    SCOPED_TRACE(text(row.component, ", ", row.name));
    bool there = false;
    for (const Line& line : lines_) {
      if (line.component != row.component || line.name != row.name) continue;
      there = true;
      EXPECT_EQ(line.verdict, row.verdict) << line.text;
      EXPECT_NE(line.text.find(row.words), std::string::npos) << line.text;
    }
    EXPECT_TRUE(there);
  }
}

TEST_F(WrongComponents, ARightOnePassesEverything) {
  int ok = 0;
  for (const Line& line : lines_) {
    if (line.component != "right") continue;
    EXPECT_TRUE(line.verdict == "ok" || line.verdict == "skip") << line.text;
    ok += line.verdict == "ok" ? 1 : 0;
  }
  EXPECT_GE(ok, 15);
}

// Where a fault shows in one case alone, the others must not cry, too.
TEST_F(WrongComponents, FailNothingElse) {
  const std::set<std::string> precise = {
      "overwrites",   "wrong_penalty", "wrong_quantizer", "wrong_loss",  "forgets_batch",
      "steps",        "not_linear",    "refuses_nan",     "leaks",       "leaks_calls",
      "sets_locale",  "single_x87",    "changes_folder",  "drifts",      "ignores_rate",
      "nameless",     "at_length",     "own_size",        "plan_throws", "plan_silent",
      "secret_noise", "two_passes",    "counts_twice",    "late_nan"};
  for (const Line& line : lines_) {
    if (line.verdict != "FAIL" || precise.count(line.component) == 0) continue;
    bool expected = false;
    for (const Row& row : rows()) {
      expected = expected || (line.component == row.component && line.name == row.name);
    }
    EXPECT_TRUE(expected) << line.name << ' ' << line.text;
  }
}

TEST_F(WrongComponents, MakeTheLibraryNotReproducible) {
  EXPECT_NE(
      answer_.out.find("\nreproducible: no (activation counts_calls: f32: the same shard again"),
      std::string::npos)
      << answer_.out.substr(answer_.out.size() - std::min<std::size_t>(answer_.out.size(), 400));
}

// What they do to the process, and what earlier versions of the cases took for a fault.
class WrongDeeds : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    answer_ = check(std::string(AESWEEP_WRONG_PLUGINS) + "/wrong_deeds.so");
    lines_ = parse(answer_.out);
  }
  static Answer answer_;
  static std::vector<Line> lines_;
};
Answer WrongDeeds::answer_;
std::vector<Line> WrongDeeds::lines_;

TEST_F(WrongDeeds, AreFoundByTheCaseThatIsForThem) {
  const std::vector<Row> table = {
      {"closes", "purity", "forward of closes in f32 did not return within 2 s"},
      {"slow", "gradient", "the case took longer than 2 s, its last call was "},
      {"slow", "gradient", "by --seconds"},
      {"forks", "purity", "leaves 2 processes behind; plugins start none"},
      {"forks", "shapes", "see purity", "skip"},
      {"threads", "purity", " running; plugins start none"},
      {"takes_signal", "manners", "forward: changes what happens at signal 11 (SIGSEGV)"},
      {"root", "shapes", "; x lies within [-2."},
      {"swings", "gradient", "y varies faster than differences resolve by x"},
      {"breaks_lines", "parameters", "does not name no_such_parameter: 'one two three four'"},
      {"one_wrong", "gradient", "gradient of table summed with signs over all 20000 of table"},
      {"ascends", "update", "updates with a constant gradient g raise the loss"},
      {"blind", "shapes", "none of on_activations, accumulate, on_layer_parameters is there"},
      {"unread", "shapes", "plan declares rounds, but there is no accumulate"},
  };
  for (const Row& row : table) {
    SCOPED_TRACE(text(row.component, ", ", row.name));
    bool there = false;
    for (const Line& line : lines_) {
      if (line.component != row.component || line.name != row.name) continue;
      there = true;
      EXPECT_EQ(line.verdict, row.verdict) << line.text;
      EXPECT_NE(line.text.find(row.words), std::string::npos) << line.text;
    }
    EXPECT_TRUE(there);
  }
}

TEST_F(WrongDeeds, RightOnesPassEverything) {
  const std::set<std::string> right = {"many", "fast_sine"};
  int ok = 0;
  for (const Line& line : lines_) {
    if (right.count(line.component) == 0) continue;
    EXPECT_TRUE(line.verdict == "ok" || line.verdict == "skip") << line.name << ' ' << line.text;
    ok += line.verdict == "ok" ? 1 : 0;
  }
  EXPECT_GE(ok, 26);
}

TEST_F(WrongDeeds, LoadingListsWhatIsOffered) {
  ASSERT_GE(lines_.size(), 4U);
  EXPECT_EQ(lines_[3].name, "load");
  EXPECT_NE(answer_.out.find("activation closes (no optional function)"), std::string::npos);
  EXPECT_NE(answer_.out.find("regularizer blind (offers on_parameter_block)"), std::string::npos);
  EXPECT_NE(answer_.out.find("optimizer ascends;"), std::string::npos);
}

struct LibraryRow {
  std::string library;
  const char* name;
  const char* words;
};

std::vector<LibraryRow> library_rows() {
  const std::string bad = AESWEEP_BAD_PLUGINS;
  const std::string wrong = AESWEEP_WRONG_PLUGINS;
  return {
      {wrong + "/init_once.so", "one-symbol", "also aesweep_plugin_too"},
      {wrong + "/init_once.so", "abi-shorter", "called again with the oldest supported host"},
      {wrong + "/knows_all.so", "abi-shorter", "is not null; give NULL for ids"},
      {bad + "/unresolved_symbol.so", "unresolved", "nobody_defines_this"},
      {bad + "/missing_symbol.so", "one-symbol", "exports no symbol aesweep_plugin"},
      {bad + "/other_magic.so", "load", "magic number 0x12345678"},
      {bad + "/constructor_hangs.so", "load", "loading did not return within 2 s"},
      {bad + "/constructor_exits.so", "load", "loading ended the process with status"},
      {bad + "/constructor_crashes.so", "load", "loading was ended by signal 11 (SIGSEGV)"},
      {bad + "/throws.so", "steps", "an exception leaves the plugin"},
      {bad + "/error_without_text.so", "steps", "the plugin gave no reason"},
      {bad + "/writes_past_output.so", "shapes", "forward writes outside of y"},
      {bad + "/writes_padding.so", "shapes", "forward writes outside of y, into padding"},
      {bad + "/returns_nan.so", "steps", "not finite"},
      {bad + "/segfaults_at_step.so", "steps", "was ended by signal 11 (SIGSEGV)"},
      {bad + "/never_returns.so", "shapes", "did not return within 2 s"},
      {bad + "/changes_rounding.so", "manners", "changes the floating-point mode (MXCSR 0x1f80"},
      {bad + "/changes_flush_to_zero.so", "manners", "changes the floating-point mode"},
      {bad + "/prints_to_stdout.so", "manners", "bytes to stdout or stderr"},
      {bad + "/hidden_state.so", "purity", "the same shard again"},
      {bad + "/wrong_gradient.so", "gradient", "differences of y give"}};
}

TEST(BadLibraries, AreFoundByTheCaseThatIsForThem) {
  for (const LibraryRow& row : library_rows()) {
    SCOPED_TRACE(row.library + ", " + row.name);
    const Answer answer = check(row.library, {"--case", row.name});
    EXPECT_EQ(answer.status, 1) << answer.out << answer.err;
    const std::vector<Line> lines = parse(answer.out);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.front().verdict, "FAIL") << lines.front().text;
    EXPECT_EQ(lines.front().name, row.name);
    EXPECT_NE(lines.front().text.find(row.words), std::string::npos) << lines.front().text;
  }
}

TEST(BadLibraries, AGoodOneOfTheSameMakeExportsTooMuchAndNothingElse) {
  const Answer answer = check(std::string(AESWEEP_BAD_PLUGINS) + "/good.so");
  for (const Line& line : parse(answer.out)) {
    if (line.name == "one-symbol") continue;  // Linked without the version script.
    if (line.name == "parameters") continue;  // In C, and without any parameter to look at.
    EXPECT_NE(line.verdict, "FAIL") << line.name << ": " << line.text;
  }
}

// One line for all that could not be played.
TEST(BadLibraries, OneThatCannotBeLoadedHasOneLineForTheRest) {
  const Answer answer = check(std::string(AESWEEP_BAD_PLUGINS) + "/other_magic.so");
  EXPECT_EQ(answer.status, 1);
  const std::vector<Line> lines = parse(answer.out);
  ASSERT_EQ(lines.size(), 5U) << answer.out;
  EXPECT_EQ(lines.back().verdict, "skip");
  EXPECT_NE(answer.out.find("other cases: the library cannot be loaded"), std::string::npos);
}

TEST(Manifests, TheirKindIsHeldToTheComponents) {
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  const fs::path tanh = fs::path(AESWEEP_PLUGIN_DIRECTORY) / "tanh.so";
  const fs::path copy = folder.path("tanh.so");
  fs::copy_file(tanh, copy);
  std::ifstream in(fs::path(tanh).replace_extension(".plugin.yaml"));
  std::string manifest((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t said = manifest.find("kind:");
  if (said != std::string::npos) manifest.erase(said, manifest.find('\n', said) + 1 - said);
  for (const char* kind : {"activation", "layer"}) {
    std::ofstream(fs::path(copy).replace_extension(".plugin.yaml"))
        << manifest << "kind: " << kind << '\n';
    const Answer answer = check(copy.string(), {"--case", "load"});
    const bool right = std::string(kind) == "activation";
    EXPECT_EQ(answer.status, right ? 0 : 1) << answer.out << answer.err;
    EXPECT_EQ(answer.out.find("the manifest says kind: layer, but activation tanh is none") ==
                  std::string::npos,
              right)
        << answer.out;
  }
}

TEST(Cases, EachHasARowThatItFails) {
  std::set<std::string> seen = {"manifest",     // Below: a file that was changed.
                                "throughput"};  // Never a failure.
  for (const Row& row : rows()) seen.insert(row.name);
  for (const LibraryRow& row : library_rows()) seen.insert(row.name);
  for (const std::string& name : case_names()) EXPECT_EQ(seen.count(name), 1U) << name;
}

TEST(WrongCalls, AreAnsweredWithStatus2) {
  const std::string good = std::string(AESWEEP_BAD_PLUGINS) + "/good.so";
  Answer answer = check(good, {"--case", "shape"});
  EXPECT_EQ(answer.status, 2);
  EXPECT_NE(answer.err.find("--case shape: no such case"), std::string::npos) << answer.err;
  EXPECT_NE(answer.err.find("shapes"), std::string::npos) << answer.err;

  answer = check(AESWEEP_BAD_PLUGINS);
  EXPECT_EQ(answer.status, 2);
  EXPECT_NE(answer.err.find("is a folder; name a library in it"), std::string::npos) << answer.err;

  answer = check("/no/such/library.so");
  EXPECT_EQ(answer.status, 2);
  EXPECT_NE(answer.err.find("/no/such/library.so"), std::string::npos) << answer.err;
}

TEST(InProcess, GivesTheSameVerdicts) {
  const std::string library = std::string(AESWEEP_PLUGIN_DIRECTORY) + "/tanh.so";
  const Answer apart = check(library);
  const Answer here = check(library, {"--in-process"});
  EXPECT_EQ(apart.status, 0) << apart.out;
  EXPECT_EQ(here.status, 0) << here.out;
  const std::vector<Line> expected = parse(apart.out);
  const std::vector<Line> found = parse(here.out);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].verdict, expected[i].verdict) << found[i].text;
    EXPECT_EQ(found[i].name, expected[i].name);
  }
}

}  // namespace
}  // namespace aesweep
