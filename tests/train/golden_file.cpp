#include "tests/train/golden_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

namespace aesweep::test {

std::map<std::string, Golden> read_golden(const std::string& name) {
  std::ifstream file(AESWEEP_SOURCE_DIRECTORY "/tests/train/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::map<std::string, Golden> cases;
  Golden* current = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("case ")) {
      current = &cases[line.substr(5)];
      continue;
    }
    // The name is everything before the count; numbers are hexadecimal, which streams do not read.
    std::istringstream words(line);
    std::string key;
    std::string word;
    while (words >> word && word.find_first_not_of("0123456789") != std::string::npos) {
      key += (key.empty() ? "" : " ") + word;
      if (word == "terms" || word == "error" || word == "gradient" || word == "weights") {
        words >> word;
        key += " " + word;
      }
    }
    const std::size_t count = std::stoul(word);
    Values values;
    while (words >> word) values.push_back(std::strtod(word.c_str(), nullptr));
    EXPECT_EQ(values.size(), count) << key;
    (*current)[key] = std::move(values);
  }
  return cases;
}

void expect_close(const std::string& what, const double* ours, const Values& golden,
                  double roundings) {
  double magnitude = 0.0;
  for (const double g : golden) magnitude = std::max(magnitude, std::abs(g));
  const double bound = roundings * std::numeric_limits<double>::epsilon() * magnitude;
  for (std::size_t i = 0; i < golden.size(); ++i) {
    EXPECT_NEAR(ours[i], golden[i], bound) << what << "[" << i << "]";
  }
}

}  // namespace aesweep::test
