#include "core/train/exchange.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/check.hpp"

namespace aesweep {

void share_from_leader(std::span<const std::byte> from, std::span<std::byte> to,
                       Exchange& exchange) {
  std::vector<std::size_t> counts(static_cast<std::size_t>(exchange.ranks()), 0);
  counts[0] = to.size();
  exchange.share(exchange.rank() == 0 ? from : std::span<const std::byte>(), counts, to);
}

SharedText share_text(std::string_view mine, Exchange& exchange) {
  constexpr std::size_t kBytes = 512;
  const auto ranks = static_cast<std::size_t>(exchange.ranks());
  std::vector<char> padded(kBytes, '\0');
  std::copy_n(mine.data(), std::min(mine.size(), kBytes - 1), padded.data());
  const std::vector<std::size_t> counts(ranks, kBytes);
  std::vector<char> all(kBytes * ranks);
  exchange.share(std::as_bytes(std::span(padded)), counts, std::as_writable_bytes(std::span(all)));
  for (std::size_t r = 0; r < ranks; ++r) {
    const char* text = all.data() + r * kBytes;
    if (text[0] != '\0') return {text, static_cast<int>(r)};
  }
  return {};
}

void SoloExchange::share(std::span<const std::byte> mine, std::span<const std::size_t>,
                         std::span<std::byte> all) {
  AESWEEP_CHECK(mine.size() == all.size(), "a group of one shares with itself only");
  if (!mine.empty()) std::memmove(all.data(), mine.data(), mine.size());
}

void SoloExchange::send(int, int, std::span<const std::byte>) {
  check_failed(__FILE__, __LINE__, "a group of one has nobody to send to");
}

Exchange::Ticket SoloExchange::receive(int, int, std::span<std::byte>) {
  check_failed(__FILE__, __LINE__, "a group of one has nobody to receive from");
}

Exchange::Ticket SoloExchange::start_sum(std::span<float>) { return 0; }
Exchange::Ticket SoloExchange::start_sum(std::span<double>) { return 0; }

}  // namespace aesweep
