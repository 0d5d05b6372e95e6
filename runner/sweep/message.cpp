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

using Values = std::vector<std::pair<std::string, double>>;

void write_values(Writer& writer, const Values& values) {
  writer.number(static_cast<std::uint64_t>(values.size()));
  for (const auto& [name, value] : values) {
    writer.string(name);
    writer.number(value);
  }
}

Values read_values(Reader& reader) {
  Values values;
  const auto count = reader.number<std::uint64_t>();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string name = reader.string();
    values.emplace_back(std::move(name), reader.number<double>());
  }
  return values;
}

void write_summary(Writer& writer, const TrialSummary& summary) {
  writer.number(summary.outcome);
  writer.string(summary.reason);
  writer.number(summary.failed_rank);
  writer.number(summary.epochs);
  writer.number(summary.steps);
  writer.number(summary.seconds);
  writer.number(summary.reproducible);
  writer.number(summary.ranks);
  writer.string(summary.host);
  write_values(writer, summary.last);
}

TrialSummary read_summary(Reader& reader) {
  TrialSummary summary;
  summary.outcome = reader.number<Outcome>();
  summary.reason = reader.string();
  summary.failed_rank = reader.number<int>();
  summary.epochs = reader.number<std::int64_t>();
  summary.steps = reader.number<std::int64_t>();
  summary.seconds = reader.number<double>();
  summary.reproducible = reader.number<bool>();
  summary.ranks = reader.number<int>();
  summary.host = reader.string();
  summary.last = read_values(reader);
  return summary;
}

void write_file(Writer& writer, const FileRecord& file) {
  writer.string(file.name);
  writer.number(file.bytes);
  writer.string(file.sha256);
}

FileRecord read_file(Reader& reader) {
  FileRecord file;
  file.name = reader.string();
  file.bytes = reader.number<std::uint64_t>();
  file.sha256 = reader.string();
  return file;
}

void write_checkpoint(Writer& writer, const CheckpointWritten& checkpoint) {
  writer.number(checkpoint.number);
  writer.number(checkpoint.attempt);
  writer.number(checkpoint.step);
  writer.number(checkpoint.epochs);
  writer.number(checkpoint.seconds);
  writer.string(checkpoint.numeric_fingerprint);
  writer.number(checkpoint.reproducible);
  write_file(writer, checkpoint.file);
}

CheckpointWritten read_checkpoint(Reader& reader) {
  CheckpointWritten checkpoint;
  checkpoint.number = reader.number<std::int64_t>();
  checkpoint.attempt = reader.number<int>();
  checkpoint.step = reader.number<std::int64_t>();
  checkpoint.epochs = reader.number<std::int64_t>();
  checkpoint.seconds = reader.number<double>();
  checkpoint.numeric_fingerprint = reader.string();
  checkpoint.reproducible = reader.number<bool>();
  checkpoint.file = read_file(reader);
  return checkpoint;
}

}  // namespace

std::string encode(const Message& message) {
  Writer writer;
  writer.number(message.kind);
  writer.number(message.group);
  writer.number(message.trial);
  writer.number(message.attempt);
  writer.number(message.number);
  writer.number(message.epoch);
  writer.number(message.step);
  writer.number(message.samples);
  write_values(writer, message.metrics);
  write_summary(writer, message.summary);
  write_file(writer, message.file);
  write_checkpoint(writer, message.checkpoint);
  writer.number(static_cast<std::uint64_t>(message.checkpoints.size()));
  for (const CheckpointWritten& one : message.checkpoints) write_checkpoint(writer, one);
  writer.number(message.stored.fault());
  writer.string(message.stored.message());
  writer.string(message.text);
  return writer.take();
}

Message decode(std::string_view bytes) {
  Reader reader(bytes);
  Message message;
  message.kind = reader.number<Message::Kind>();
  message.group = reader.number<std::int32_t>();
  message.trial = reader.number<std::int64_t>();
  message.attempt = reader.number<std::int32_t>();
  message.number = reader.number<std::int32_t>();
  message.epoch = reader.number<std::int64_t>();
  message.step = reader.number<std::int64_t>();
  message.samples = reader.number<std::int64_t>();
  message.metrics = read_values(reader);
  message.summary = read_summary(reader);
  message.file = read_file(reader);
  message.checkpoint = read_checkpoint(reader);
  const auto checkpoints = reader.number<std::uint64_t>();
  for (std::uint64_t i = 0; i < checkpoints; ++i) {
    message.checkpoints.push_back(read_checkpoint(reader));
  }
  const auto fault = reader.number<Fault>();
  message.stored = Status::of(fault, reader.string());
  message.text = reader.string();
  AESWEEP_CHECK(reader.at_end(), "a message between ranks is too long");
  return message;
}

}  // namespace aesweep
