// The right one of several choices, as files write it.
#ifndef HARNESS_DATA_CHOICE_ANSWER_H_
#define HARNESS_DATA_CHOICE_ANSWER_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::data {

struct Choices {
  std::vector<std::string> texts;
  std::vector<std::string> labels;  // as many, or none
};

// A list of texts; or {"text": [...], "label": [...]}, as ARC has it; or
// either as JSON in a text. At least two.
absl::StatusOr<Choices> ReadChoices(const nlohmann::json& value);

// The index of the right choice. A number is an index from 0. A text is a label
// where the choices have labels and it is one of them; else a choice's text;
// else a letter from A on. In a table of texts (CSV, TSV: `text_table`) a
// number is a text too: a choice's text or an index. What could be read in two
// ways is an error that says both.
absl::StatusOr<int64_t> IndexOfAnswer(const nlohmann::json& answer,
                                      const Choices& choices, bool text_table);

}  // namespace sft::data

#endif  // HARNESS_DATA_CHOICE_ANSWER_H_
