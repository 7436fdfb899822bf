// Held-out text in windows that do not overlap and never cross documents, as
// every measure of it reads them (EvaluateHeldout).
#ifndef HARNESS_EVAL_HELDOUT_WINDOWS_H_
#define HARNESS_EVAL_HELDOUT_WINDOWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/eval/scoring.h"

namespace sft::eval {

struct HeldoutWindows {
  std::vector<Example> windows;  // row_id: document * 2^20 + window
  std::vector<Wanted> wanted;    // what they predict, in order
  std::string detail;            // for a signature
};

// The first window of each document, then the second ones, and so on until
// `max_tokens` (0 = all). An error if there is no text.
absl::StatusOr<HeldoutWindows> WindowsOf(
    const Tokenizer& tokenizer, const std::vector<std::string>& documents,
    int64_t window, int64_t max_tokens, const std::string& name,
    const std::string& bos);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_HELDOUT_WINDOWS_H_
