// Golden numbers of tests/plugins/reference: text files of cases, each a list of named vectors.
//
//   case NAME
//   KEY COUNT number...        hexadecimal, so that nothing is lost in writing
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/check.hpp"

namespace aesweep::test {

using GoldenCase = std::map<std::string, std::vector<double>>;

// Reads tests/plugins/reference/NAME.txt; stops the program where it is missing or cut.
inline std::map<std::string, GoldenCase> read_golden(const std::string& name) {
  const std::string path =
      std::string(AESWEEP_SOURCE_DIRECTORY) + "/tests/plugins/reference/" + name + ".txt";
  std::ifstream file(path);
  std::map<std::string, GoldenCase> cases;
  std::string current;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "case") {
      words >> current;
      continue;
    }
    std::size_t count = 0;
    words >> count;
    std::vector<double>& values = cases[current][key];
    for (std::string word; words >> word;) values.push_back(std::strtod(word.c_str(), nullptr));
    AESWEEP_CHECK(values.size() == count, path + ": " + key + " is cut");
  }
  AESWEEP_CHECK(!cases.empty(), path + ": cannot be read");
  return cases;
}

}  // namespace aesweep::test
