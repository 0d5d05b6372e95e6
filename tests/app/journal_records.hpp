// The records of a kind in a run's journal, for tests.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "runner/journal/journal_file.hpp"
#include "runner/journal/records.hpp"

namespace aesweep {

// In the order of the journal at `path`; empty where it cannot be read.
template <class T>
[[nodiscard]] std::vector<T> records_in(const std::string& path) {
  std::vector<T> found;
  const Result<JournalLines> lines = read_journal(path);
  if (!lines.ok()) return found;
  for (const std::string& line : lines.value().payloads) {
    const Result<Record> record = decode_record(line);
    if (!record.ok()) continue;
    if (const T* one = std::get_if<T>(&record.value())) found.push_back(*one);
  }
  return found;
}

}  // namespace aesweep
