#include "datasets/pairs.h"

#include <utility>

#include "harness/core/status.h"

namespace sft::datasets {

PairedTexts EntailmentPair(const std::string& premise,
                           const std::string& hypothesis) {
  return {absl::StrCat("Premise: ", premise, "\nHypothesis: ", hypothesis,
                       "\nEntailment:"),
          premise, hypothesis};
}

PairedTexts ParaphrasePair(const std::string& first,
                           const std::string& second) {
  return {absl::StrCat("Question 1: ", first, "\nQuestion 2: ", second,
                       "\nSame meaning:"),
          first, second};
}

PairedTexts PassagePair(const std::string& question,
                        const std::string& passage) {
  return {absl::StrCat("Passage: ", passage, "\nQuestion: ", question,
                       "?\nAnswer:"),
          question, passage};
}

PairedTexts WordSensePair(const std::string& word, const std::string& first,
                          const std::string& second) {
  return {absl::StrCat("Word: ", word, "\nSentence 1: ", first,
                       "\nSentence 2: ", second, "\nSame sense:"),
          absl::StrCat(word, ": ", first), second};
}

PairedTexts CausePair(const std::string& cause_or_effect,
                      const std::string& premise, const std::string& a,
                      const std::string& b) {
  const std::string question =
      absl::StrCat("What is the ", cause_or_effect, " of: ", premise);
  const std::string choices = absl::StrCat("A: ", a, "\nB: ", b);
  return {absl::StrCat(question, "\n", choices, "\nAnswer:"), question,
          choices};
}

data::KeyedRow PairRow(PairedTexts texts, const data::Task& task,
                       int64_t label) {
  data::KeyedRow row;
  row.key = absl::StrCat(texts.text, "\n", texts.text_pair);
  row.row.label = label;
  row.row.turns = {{"user", std::move(texts.prompt)},
                   {"assistant", task.labels[label]}};
  row.row.text = std::move(texts.text);
  row.row.text_pair = std::move(texts.text_pair);
  return row;
}

}  // namespace sft::datasets
