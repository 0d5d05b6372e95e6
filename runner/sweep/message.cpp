#include "runner/sweep/message.hpp"

#include <cstring>
#include <type_traits>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

class Writer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void string(std::string_view value) {
    number(static_cast<std::uint64_t>(value.size()));
    bytes_.append(value);
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  [[nodiscard]] T number() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  [[nodiscard]] std::string string() {
    const auto size = number<std::uint64_t>();
    return std::string(take(size));
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    AESWEEP_CHECK(size <= rest_.size(), "a message between ranks is too short");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

void write_summary(Writer& writer, const TrialSummary& summary) {
  writer.number(summary.outcome);
  writer.string(summary.reason);
  writer.number(summary.failed_rank);
  writer.number(summary.epochs);
  writer.number(summary.seconds);
  writer.number(summary.ranks);
  writer.string(summary.host);
  writer.number(static_cast<std::uint64_t>(summary.last.size()));
  for (const auto& [metric, value] : summary.last) {
    writer.string(metric);
    writer.number(value);
  }
}

TrialSummary read_summary(Reader& reader) {
  TrialSummary summary;
  summary.outcome = reader.number<Outcome>();
  summary.reason = reader.string();
  summary.failed_rank = reader.number<int>();
  summary.epochs = reader.number<std::int64_t>();
  summary.seconds = reader.number<double>();
  summary.ranks = reader.number<int>();
  summary.host = reader.string();
  const auto metrics = reader.number<std::uint64_t>();
  for (std::uint64_t i = 0; i < metrics; ++i) {
    std::string metric = reader.string();
    summary.last.emplace_back(std::move(metric), reader.number<double>());
  }
  return summary;
}

}  // namespace

std::string encode(const Message& message) {
  Writer writer;
  writer.number(message.kind);
  writer.number(message.group);
  writer.number(message.trial);
  writer.number(message.epoch);
  writer.number(message.samples);
  if (message.kind == Message::Kind::kFinished) {
    write_summary(writer, message.summary);
    writer.number(message.stored.fault());
    writer.string(message.stored.message());
  }
  return writer.take();
}

Message decode(std::string_view bytes) {
  Reader reader(bytes);
  Message message;
  message.kind = reader.number<Message::Kind>();
  message.group = reader.number<std::int32_t>();
  message.trial = reader.number<std::int64_t>();
  message.epoch = reader.number<std::int64_t>();
  message.samples = reader.number<std::int64_t>();
  if (message.kind == Message::Kind::kFinished) {
    message.summary = read_summary(reader);
    const auto fault = reader.number<Fault>();
    message.stored = Status::of(fault, reader.string());
  }
  AESWEEP_CHECK(reader.at_end(), "a message between ranks is too long");
  return message;
}

}  // namespace aesweep
