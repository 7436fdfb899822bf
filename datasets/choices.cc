#include "datasets/choices.h"

#include <utility>

#include "datasets/loading.h"
#include "harness/core/status.h"

namespace sft::datasets {

absl::StatusOr<data::KeyedRow> ChoiceRow(std::string prompt,
                                         std::vector<std::string> choices,
                                         int64_t label) {
  if (Stripped(prompt).empty()) {
    return absl::InvalidArgumentError("an empty question");
  }
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("choice ", i + 1, " is empty"));
    }
  }
  if (label < 0 || label >= static_cast<int64_t>(choices.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the right choice is none of ", choices.size(), " choices"));
  }
  data::KeyedRow row;
  row.key = prompt;
  row.row.label = label;
  row.row.turns = {{"user", std::move(prompt)}, {"assistant", choices[label]}};
  row.row.choices = std::move(choices);
  return row;
}

std::string QuestionPrompt(const std::string& question) {
  return absl::StrCat("Question: ", question, "\nAnswer:");
}

absl::StatusOr<data::KeyedRow> BlankChoiceRow(const std::string& sentence,
                                              std::vector<std::string> options,
                                              int64_t label) {
  const size_t blank = sentence.find('_');
  if (blank == std::string::npos) {
    return absl::InvalidArgumentError("a sentence without a blank '_'");
  }
  const std::string rest = sentence.substr(blank + 1);
  for (std::string& option : options) option += rest;
  return ChoiceRow(Stripped(sentence.substr(0, blank)), std::move(options),
                   label);
}

absl::StatusOr<data::Splits> LoadChoiceSet(const ChoiceSet& set,
                                           const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(LoadedRows test,
                       LoadJsonRows(set.test, folders, set.row_of));
  if (*set.train == '\0') return TestOnly(std::move(test));
  SFT_ASSIGN_OR_RETURN(LoadedRows train,
                       LoadJsonRows(set.train, folders, set.row_of));
  return OfficialSplits(std::move(train), std::move(test), set.validation_rows,
                        set.name);
}

data::DatasetRow ChoiceDataset(const std::string& name,
                               std::vector<std::string> files,
                               const std::string& licence,
                               const std::string& source,
                               const std::string& summary) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "multiple_choice";
  row.task.metrics = {"accuracy", "accuracy_norm"};
  row.task.default_form = "plain";
  row.licence = licence;
  row.source = source;
  row.summary = summary;
  row.files = std::move(files);
  return row;
}

}  // namespace sft::datasets
