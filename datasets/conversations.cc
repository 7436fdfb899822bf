#include "datasets/conversations.h"

#include <utility>

#include "datasets/loading.h"
#include "harness/core/status.h"

namespace sft::datasets {

absl::StatusOr<std::string> RoleOf(const std::string& name) {
  for (const char* known : {"human", "user", "prompter"}) {
    if (name == known) return std::string("user");
  }
  for (const char* known : {"gpt", "chatgpt", "assistant", "bing", "bard"}) {
    if (name == known) return std::string("assistant");
  }
  if (name == "system") return name;
  return absl::InvalidArgumentError(
      absl::StrCat("a turn of '", name, "', wanted user, assistant, system"));
}

absl::StatusOr<data::KeyedRow> ConversationRow(std::vector<ChatTurn> turns) {
  data::KeyedRow row;
  std::string wanted = "user";
  size_t answered = 0;  // turns up to the last answer
  for (size_t i = 0; i < turns.size(); ++i) {
    ChatTurn& turn = turns[i];
    turn.content = Stripped(turn.content);
    const std::string where = absl::StrCat("turn ", i + 1);
    if (i == 0 && turn.role == "system") {
      if (turn.content.empty()) {
        turns.erase(turns.begin());
        return ConversationRow(std::move(turns));
      }
      continue;
    }
    if (turn.role != wanted) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, " is by ", turn.role, ", wanted one by ", wanted));
    }
    if (turn.content.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(where, " is empty"));
    }
    if (row.key.empty()) row.key = turn.content;
    if (wanted == "assistant") answered = i + 1;
    wanted = wanted == "user" ? "assistant" : "user";
  }
  if (answered == 0) {
    return absl::InvalidArgumentError("no turn by assistant");
  }
  turns.resize(answered);
  row.row.turns = std::move(turns);
  return row;
}

}  // namespace sft::datasets
