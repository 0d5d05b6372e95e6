#include "runner/sweep/message.hpp"

#include <cstring>
#include <type_traits>

#include "core/base/check.hpp"

namespace aesweep {
namespace {

template <class T>
concept Number = std::is_arithmetic_v<T> || std::is_enum_v<T>;

// Writer and Reader are given the same fields in the same order, by the same functions below.
class Writer {
 public:
  template <Number T>
  void operator()(const T& value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void operator()(const std::string& value) {
    (*this)(static_cast<std::uint64_t>(value.size()));
    bytes_.append(value);
  }
  void operator()(const Status& status) {
    (*this)(status.fault());
    (*this)(status.message());
  }
  template <class T>
  void operator()(std::vector<T>& values) {
    (*this)(static_cast<std::uint64_t>(values.size()));
    for (T& value : values) fields(*this, value);
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <Number T>
  void operator()(T& value) {
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
  }
  void operator()(std::string& value) {
    std::uint64_t size = 0;
    (*this)(size);
    value = take(size);
  }
  void operator()(Status& status) {
    Fault fault{};
    std::string message;
    (*this)(fault);
    (*this)(message);
    status = Status::of(fault, std::move(message));
  }
  template <class T>
  void operator()(std::vector<T>& values) {
    std::uint64_t count = 0;
    (*this)(count);
    for (std::uint64_t i = 0; i < count; ++i) fields(*this, values.emplace_back());
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

template <class F>
void fields(F& f, std::pair<std::string, double>& metric) {
  f(metric.first);
  f(metric.second);
}

template <class F>
void fields(F& f, FileRecord& file) {
  f(file.name);
  f(file.bytes);
  f(file.sha256);
}

template <class F>
void fields(F& f, TrialSummary& summary) {
  f(summary.outcome);
  f(summary.reason);
  f(summary.failed_rank);
  f(summary.epochs);
  f(summary.steps);
  f(summary.seconds);
  f(summary.reproducible);
  f(summary.ranks);
  f(summary.host);
  f(summary.last);
}

template <class F>
void fields(F& f, CheckpointWritten& checkpoint) {
  f(checkpoint.number);
  f(checkpoint.attempt);
  f(checkpoint.step);
  f(checkpoint.epochs);
  f(checkpoint.seconds);
  f(checkpoint.numeric_fingerprint);
  f(checkpoint.reproducible);
  fields(f, checkpoint.file);
}

template <class F>
void fields(F& f, Message& message) {
  f(message.kind);
  f(message.group);
  f(message.trial);
  f(message.attempt);
  f(message.number);
  f(message.epoch);
  f(message.step);
  f(message.samples);
  f(message.metrics);
  fields(f, message.summary);
  fields(f, message.file);
  fields(f, message.checkpoint);
  f(message.checkpoints);
  f(message.stored);
  f(message.text);
}

}  // namespace

std::string encode(const Message& message) {
  Message copy = message;  // The same functions name the fields for writing and for reading.
  Writer writer;
  fields(writer, copy);
  return writer.take();
}

Message decode(std::string_view bytes) {
  Message message;
  Reader reader(bytes);
  fields(reader, message);
  AESWEEP_CHECK(reader.at_end(), "a message between ranks is too long");
  return message;
}

}  // namespace aesweep
