// One of the row's own choices, by likelihood.
#include "harness/core/status.h"
#include "harness/data/choice_answer.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"

namespace sft::data {
namespace {

UserParts MultipleChoiceParts(const spec::UserData&,
                              const std::vector<std::string>&) {
  return {.prompt = {"question", "choices"}, .answer = {"answer", "answerKey"}};
}

absl::Status FillMultipleChoice(const UserRecord& record, const Task&,
                                Row& row) {
  using Json = nlohmann::json;
  SFT_ASSIGN_OR_RETURN(const Json* value, record.Wanted("choices"));
  SFT_ASSIGN_OR_RETURN(const Choices choices, ReadChoices(*value));
  // ARC's name for it.
  const bool arc = !record.Names("answer") && !record.HasColumn("answer") &&
                   record.HasColumn("answerKey");
  SFT_ASSIGN_OR_RETURN(const Json* answer,
                       record.Wanted(arc ? "answerKey" : "answer"));
  SFT_ASSIGN_OR_RETURN(row.label,
                       IndexOfAnswer(*answer, choices, record.text_table()));
  row.choices = choices.texts;
  SFT_RETURN_IF_ERROR(record.Text("question").status());
  return record.Ask("Question: {question}\nAnswer:", row.choices[row.label],
                    row);
}

}  // namespace

TaskKindRow MultipleChoiceKind() {
  TaskKindRow row{.name = "multiple_choice",
                  .summary = "one of a row's own choices, by likelihood",
                  .has_given_answers = true};
  row.decoder.row_answers = [](const Row& one) {
    return std::optional(one.choices);
  };
  UserForm user = PlainUserForm(row.name, {"accuracy", "accuracy_norm"});
  user.parts = MultipleChoiceParts;
  user.fill = FillMultipleChoice;
  // 1, "B" and the choice's own text are one answer; 0 of the same choices in
  // another order is another.
  user.answer_of = [](const Row& one) { return one.choices[one.label]; };
  user.revision = 2;
  user.cleaned_revision = 3;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
