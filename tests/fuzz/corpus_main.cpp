// Runs a fuzz target over its committed corpus and over fixed mutations of every file, without a
// fuzzer: the regression test of the target. Usage: fuzz_NAME_corpus FOLDER. Fails (exit status or
// abort) on a broken property, on an input that takes over a second of processor time, and on a
// process larger than 512 MiB.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr double kInputSecondsMax = 1.0;
constexpr long kResidentKibMax = 512 * 1024;
// Headers are small: every one of so many bytes is changed, and the file is cut at every one.
constexpr std::size_t kMutatedBytes = 128;
constexpr unsigned char kValues[] = {0x00, 0x7f, 0xff, '9', '"', '}', ' '};
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;  // Its shadow and quarantine would be counted.
#else
constexpr bool kSanitized = false;
#endif

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Counts inputs and says which one a fault belongs to.
class Runner {
 public:
  explicit Runner(std::string name) : name_(std::move(name)) {}

  void operator()(const Bytes& input, const char* what, std::size_t at) {
    // Whatever stops the program below, the last line of stderr says where.
    const double start = processor_seconds();
    Bytes copy(input);  // Exactly as large as the input, for sanitizers.
    copy.shrink_to_fit();
    LLVMFuzzerTestOneInput(copy.data(), copy.size());
    const double seconds = processor_seconds() - start;
    ++count_;
    if (seconds <= kInputSecondsMax) return;
    std::fprintf(stderr, "%s, %s %zu: %.2f s; at most %.2f\n", name_.c_str(), what, at, seconds,
                 kInputSecondsMax);
    failed_ = true;
  }

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::string name_;
  std::size_t count_ = 0;
  bool failed_ = false;
};

void run_mutations(const Bytes& original, Runner& run) {
  const std::size_t reach = std::min(original.size(), kMutatedBytes);
  for (std::size_t at = 0; at < reach; ++at) {
    run(Bytes(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(at)), "cut at", at);
    for (const unsigned char value : kValues) {
      Bytes changed = original;
      changed[at] = value;
      run(changed, "byte set at", at);
    }
    for (const int bit : {0, 3, 7}) {
      Bytes changed = original;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1U << bit);
      run(changed, "bit turned at", at);
    }
    Bytes longer = original;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), original[at]);
    run(longer, "byte doubled at", at);
    Bytes shorter = original;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
    run(shorter, "byte taken out at", at);
  }
  Bytes longer = original;
  longer.push_back(0);
  run(longer, "byte appended at", original.size());
  if (original.empty()) return;
  run(Bytes(original.begin(), original.end() - 1), "cut at", original.size() - 1);
}

Bytes read_whole(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::size_t inputs = 0;
  bool failed = files.empty();  // A corpus that has got lost proves nothing.
  for (const std::filesystem::path& path : files) {
    std::fprintf(stderr, "%s\n", path.filename().c_str());
    Runner run(path.filename());
    const Bytes original = read_whole(path);
    run(original, "whole", 0);
    run_mutations(original, run);
    inputs += run.count();
    failed = failed || run.failed();
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%zu files, %zu inputs, %ld KiB\n", files.size(), inputs, usage.ru_maxrss);
  const bool large = !kSanitized && usage.ru_maxrss > kResidentKibMax;
  if (large) std::fprintf(stderr, "at most %ld KiB are allowed\n", kResidentKibMax);
  return failed || large ? 1 : 0;
}
