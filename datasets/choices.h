// Rows of multiple choice: a prompt and its continuations.
#ifndef DATASETS_CHOICES_H_
#define DATASETS_CHOICES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/data/jsonl.h"
#include "harness/data/splits.h"

namespace sft::datasets {

// `prompt` with the right choice as its answer, keyed by the prompt. An error
// for an empty prompt or choice, or a label that is none of the choices.
absl::StatusOr<data::KeyedRow> ChoiceRow(std::string prompt,
                                         std::vector<std::string> choices,
                                         int64_t label);

// "Question: ...\nAnswer:"
std::string QuestionPrompt(const std::string& question);

// A sentence with a blank '_': up to the blank it is the prompt, and a choice
// is an option with the rest of the sentence.
absl::StatusOr<data::KeyedRow> BlankChoiceRow(const std::string& sentence,
                                              std::vector<std::string> options,
                                              int64_t label);

// A set in JSON files, a row a record.
struct ChoiceSet {
  const char* name;
  const char* train;  // "" if there is none
  const char* test;
  int64_t validation_rows;
  absl::StatusOr<data::KeyedRow> (*row_of)(const data::JsonRecord&);
  const char* licence;
  const char* source;
  const char* summary;
};
// Its OfficialSplits, or the test rows alone.
absl::StatusOr<data::Splits> LoadChoiceSet(const ChoiceSet& set,
                                           const data::DataFolders& folders);

// A data set of such rows; its `load` is left to the caller.
data::DatasetRow ChoiceDataset(const std::string& name,
                               std::vector<std::string> files,
                               const std::string& licence,
                               const std::string& source,
                               const std::string& summary);

}  // namespace sft::datasets

#endif  // DATASETS_CHOICES_H_
