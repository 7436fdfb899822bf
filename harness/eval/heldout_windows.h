// Held-out text in windows that never cross documents, as every measure of it
// reads them (EvaluateHeldout). With a stride they overlap, and each predicts
// what no window before it did: transformers' perplexity of models of a fixed
// length; a stride of one less than the window is lm-evaluation-harness's, but
// for the last window, which there reads older text, too.
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
  std::vector<int64_t> bytes;    // of what each window predicts, if counted
  std::string detail;            // for a signature
};

struct HeldoutForm {
  int64_t window = 512;
  int64_t stride = 0;      // 0: as many tokens of text as a window holds
  int64_t max_tokens = 0;  // 0 = all
  std::string bos = "auto";
  bool count_bytes = false;
};

// The first window of each document, then the second ones, and so on until
// `max_tokens` are read that were in none before. An error if there is no text.
absl::StatusOr<HeldoutWindows> WindowsOf(
    const Tokenizer& tokenizer, const std::vector<std::string>& documents,
    const HeldoutForm& form, const std::string& name);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_HELDOUT_WINDOWS_H_
