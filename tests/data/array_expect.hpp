// What the tests of all array readers share: reading an array whole, and expecting a refusal.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.hpp"
#include "core/data/array.hpp"
#include "tests/support/temporary_folder.hpp"

namespace aesweep {

// FILE or FILE#NAME through open_array, read whole.
inline Result<std::string> read_whole(const std::string& reference) {
  const Result<std::unique_ptr<ArrayFile>> array = open_array(parse_array_ref(reference));
  if (!array.ok()) return array.status();
  std::string bytes(array.value()->shape().bytes(), '\0');
  const Status status = array.value()->read(0, std::as_writable_bytes(std::span(bytes)));
  if (!status.ok()) return status;
  return bytes;
}

// An input fault that begins with the path and says `reason`. Messages are one line.
inline void expect_input_fault(const Status& status, const std::string& path,
                               const std::string& reason) {
  EXPECT_EQ(status.fault(), Fault::kInput) << "expected: " << reason;
  EXPECT_EQ(status.message().rfind(path, 0), 0u) << status.message();
  EXPECT_NE(status.message().find(reason), std::string::npos)
      << status.message() << "\nexpected: " << reason;
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
}

// A file of these bytes (and, by `dataset`, an array in it) is refused.
inline void expect_file_refused(const std::string& bytes, const std::string& reason,
                                const std::string& dataset = "") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", bytes);
  const Result<std::string> read = read_whole(dataset.empty() ? path : path + "#" + dataset);
  ASSERT_FALSE(read.ok()) << "expected: " << reason;
  expect_input_fault(read.status(), path, reason);
}

}  // namespace aesweep
