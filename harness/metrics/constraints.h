// Instructions that a program can check, as IFEval defines and names them
// (Zhou et al., 2023, arXiv 2311.07911): "punctuation:no_comma" and its like.
// Beside the paper: no language is told, words are literal, and sentences are
// counted by rules of our own (CountSentences).
#ifndef HARNESS_METRICS_CONSTRAINTS_H_
#define HARNESS_METRICS_CONSTRAINTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::metrics {

struct ConstraintShare {
  int64_t met = 0;
  int64_t checked = 0;
  std::vector<std::string> unknown;  // ids that nothing here checks
};

// `constraints`: Row::constraints. An error where that is no array of objects
// {"id": text, "kwargs": object} or lacks an argument.
absl::StatusOr<ConstraintShare> CheckConstraints(std::string_view constraints,
                                                 std::string_view response);

// The ids that are checked, in alphabetical order.
std::vector<std::string> KnownConstraints();

// Ends are . ! ? and the like before white space or the end, with closing
// quotes between; not after an initial, a list's number or an abbreviation, nor
// before a small letter. What follows the last end is one more.
int64_t CountSentences(std::string_view text);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_CONSTRAINTS_H_
