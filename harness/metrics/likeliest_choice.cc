#include "harness/metrics/likeliest_choice.h"

#include <algorithm>

namespace sft::metrics {
namespace {

// Code points.
double Characters(const std::string& text) {
  return static_cast<double>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

int64_t LikeliestChoice(const std::vector<double>& log_probabilities) {
  return std::max_element(log_probabilities.begin(), log_probabilities.end()) -
         log_probabilities.begin();
}

int64_t LikeliestPerCharacter(const std::vector<double>& log_probabilities,
                              const std::vector<std::string>& choices) {
  std::vector<double> each;
  for (size_t k = 0; k < log_probabilities.size(); ++k) {
    each.push_back(log_probabilities[k] / Characters(choices[k]));
  }
  return LikeliestChoice(each);
}

}  // namespace sft::metrics
