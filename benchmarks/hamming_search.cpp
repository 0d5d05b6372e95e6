// hamming_search [K]: seconds on one core for the K (100) nearest of 60,000 random codes of 64 bits
// for 10,000 queries, with each kernel that this CPU can run, and their ratio to a plain loop that
// finds the nearest one alone. The best of five rounds, each of which runs all of them: machines
// are noisy. Start it with `taskset -c 0`.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "core/codes/hamming.hpp"

namespace aesweep {
namespace {

constexpr int kRounds = 5;
constexpr std::int64_t kRows = 60'000;
constexpr std::int64_t kQueries = 10'000;

PackedCodes random_words(std::int64_t rows, unsigned seed) {
  PackedCodes codes = empty_codes(rows, 64);
  std::mt19937_64 random(seed);
  for (std::uint64_t& word : codes.words) word = random();
  return codes;
}

// The nearest row of each query, the lowest one among equals.
std::int64_t plain_loop(const PackedCodes& queries, const PackedCodes& database) {
  std::int64_t sum = 0;
  for (const std::uint64_t query : queries.words) {
    int least = 65;
    std::size_t nearest = 0;
    for (std::size_t i = 0; i < database.words.size(); ++i) {
      const int distance = std::popcount(query ^ database.words[i]);
      if (distance < least) {
        least = distance;
        nearest = i;
      }
    }
    sum += static_cast<std::int64_t>(nearest);
  }
  return sum;
}

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int run(std::int64_t k) {
  const PackedCodes database = random_words(kRows, 1);
  const PackedCodes queries = random_words(kQueries, 2);
  const std::span<const HammingKernels> kernels = hamming_kernels();
  std::vector<Neighbour> out(static_cast<std::size_t>(kQueries * k));
  std::vector<double> best(kernels.size(), 1e9);
  double plain = 1e9;
  std::int64_t plain_sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    plain = std::min(plain, seconds_of([&] { plain_sum = plain_loop(queries, database); }));
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      best[i] = std::min(best[i],
                         seconds_of([&] { k_nearest(queries, database, k, 0, out, kernels[i]); }));
      std::int64_t sum = 0;
      for (std::size_t q = 0; q < out.size(); q += static_cast<std::size_t>(k)) sum += out[q].row;
      if (sum != plain_sum) {
        std::fprintf(stderr, "%s finds other rows than the plain loop\n", kernels[i].name);
        return 1;
      }
    }
  }
  std::printf("plain loop, nearest 1: %.3f s\n", plain);
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    std::printf("%-6s kernels, nearest %lld: %.3f s, %.2f of the plain loop\n", kernels[i].name,
                static_cast<long long>(k), best[i], best[i] / plain);
  }
  return 0;
}

}  // namespace
}  // namespace aesweep

int main(int argc, char** argv) {
  const long long k = argc > 1 ? std::atoll(argv[1]) : 100;
  if (k < 1 || k > 60'000) {
    std::fprintf(stderr, "hamming_search: K is not in [1, 60000]\n");
    return 2;
  }
  return aesweep::run(k);
}
