// The answers to a question about a context, in the forms of SQuAD's copies.
#ifndef HARNESS_DATA_ANSWER_SPANS_H_
#define HARNESS_DATA_ANSWER_SPANS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::data {

struct AnswerSpans {
  std::vector<std::string> texts;  // none: the context holds no answer
  std::vector<int64_t> begins;     // byte of the context at which each begins
};

// `answers`: a text; a list of texts; {"text": ..., "answer_start": ...}, each
// a list or one; a list of {"text", "answer_start"}; an empty list for a
// question without an answer. `starts` (may be null): answer_start from a
// column of its own. `impossible` (may be null): SQuAD 2's is_impossible, under
// which `answers` may be absent. answer_start counts the code points of the
// context as it stands in the file; where there is none, the first place at
// which the answer stands counts. In a table of texts a list is JSON in a text,
// unless the context holds that text itself.
absl::StatusOr<AnswerSpans> ReadAnswerSpans(const nlohmann::json* answers,
                                            const nlohmann::json* starts,
                                            const nlohmann::json* impossible,
                                            const std::string& context,
                                            bool text_table);

}  // namespace sft::data

#endif  // HARNESS_DATA_ANSWER_SPANS_H_
