// Golden numbers: text files of named vectors that the Python scripts beside them write.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace aesweep::test {

using Values = std::vector<double>;
using Golden = std::map<std::string, Values>;  // By name, such as "weights 3 code/bias".

// The cases of tests/train/NAME by their names.
[[nodiscard]] std::map<std::string, Golden> read_golden(const std::string& name);

// |ours - golden| <= roundings * eps * the largest |golden|.
void expect_close(const std::string& what, const double* ours, const Values& golden,
                  double roundings);

}  // namespace aesweep::test
