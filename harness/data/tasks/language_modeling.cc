// Held-out text, by the loss of every token.
#include "harness/core/status.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"

namespace sft::data {
namespace {

UserParts LanguageModelingParts(const spec::UserData&,
                                const std::vector<std::string>&) {
  return {.prompt = {"text"}, .as_is = true};
}

absl::Status FillLanguageModeling(const UserRecord& record, const Task&,
                                  Row& row) {
  SFT_ASSIGN_OR_RETURN(row.text, record.Text("text"));
  return absl::OkStatus();
}

}  // namespace

TaskKindRow LanguageModelingKind() {
  TaskKindRow row{.name = "language_modeling",
                  .summary = "held-out text, by the loss of every token",
                  .is_text = true};
  UserForm user = PlainUserForm(row.name, {"cross_entropy", "perplexity"});
  user.metrics.push_back("bits_per_byte");
  user.parts = LanguageModelingParts;
  user.fill = FillLanguageModeling;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
