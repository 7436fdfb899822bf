// Which of several answers a model finds likeliest, as lm-evaluation-harness
// 0.4.13 has it: by the sum of its log-probabilities (acc), or by that sum over
// the answer's characters (acc_norm); of equals the first.
#ifndef HARNESS_METRICS_LIKELIEST_CHOICE_H_
#define HARNESS_METRICS_LIKELIEST_CHOICE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace sft::metrics {

// Neither is empty; choices are as many as sums.
int64_t LikeliestChoice(const std::vector<double>& log_probabilities);
int64_t LikeliestPerCharacter(const std::vector<double>& log_probabilities,
                              const std::vector<std::string>& choices);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_LIKELIEST_CHOICE_H_
