// Instructions and conversations, measured by the loss of their answers.
#include <algorithm>

#include "absl/algorithm/container.h"
#include "harness/core/status.h"
#include "harness/data/conversation.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

// Layouts of chats that others use.
std::string ChatRemedy(const std::vector<std::string>& columns) {
  if (!absl::c_linear_search(columns, "prompt")) return "";
  for (const char* answer : {"completion", "response", "answer", "chosen"}) {
    if (!absl::c_linear_search(columns, answer)) continue;
    return absl::StrCat("columns: {instruction: prompt, output: ", answer,
                        "} reads this file");
  }
  return "";
}

UserParts InstructionParts(const spec::UserData& data,
                           const std::vector<std::string>& columns) {
  const auto has = [&](const std::string& part) {
    return absl::c_linear_search(columns, ColumnOf(data, part));
  };
  const bool share = !has("messages") && !data.columns.contains("messages") &&
                     has(kShareGptColumn);
  if (data.columns.contains("messages") || share ||
      (has("messages") && !has("instruction"))) {
    return {
        .prompt = {share ? kShareGptColumn : "messages"},
        .other = {"instruction", "input", "output", "messages", kShareGptColumn,
                  "system", "tools", "chat_template_kwargs"},
        .as_is = true};
  }
  return {.prompt = {"instruction"},
          .more_prompt = {"input"},
          .answer = {"output"},
          .other = {"messages"}};
}

// A column that may be absent.
const Json& Column(const UserRecord& record, const std::string& part) {
  static const Json& none = *new Json();
  const Json* value = record.Find(part);
  return value == nullptr ? none : *value;
}

absl::Status FillMessages(const UserRecord& record, const Json& messages,
                          bool share, Row& row) {
  SFT_ASSIGN_OR_RETURN(row.turns, ReadConversation(messages));
  SFT_ASSIGN_OR_RETURN(row.chat_variables,
                       ChatVariables(Column(record, "tools"),
                                     Column(record, "chat_template_kwargs")));
  // ShareGPT's system turn has a column of its own.
  if ((share || record.Names("system")) && row.turns[0].role != "system") {
    SFT_ASSIGN_OR_RETURN(std::string text, record.TextOrNone("system"));
    if (!text.empty()) {
      row.turns.insert(row.turns.begin(), {"system", std::move(text)});
    }
  }
  return absl::OkStatus();
}

absl::Status FillInstruction(const UserRecord& record, const Task&, Row& row) {
  const Json* messages = record.Find("messages");
  const bool share = messages == nullptr && !record.Names("messages") &&
                     record.Find(kShareGptColumn) != nullptr;
  if (share) messages = record.Find(kShareGptColumn);
  const bool plain = record.Find("instruction") != nullptr;
  const bool named = record.Names("instruction");
  if (messages != nullptr && plain && !named && !share &&
      !record.Names("messages")) {
    return absl::InvalidArgumentError(
        "both messages and instruction are there; columns: says which is "
        "meant, as in {messages: messages}");
  }
  if (messages != nullptr && !(plain && (named || share))) {
    return FillMessages(record, *messages, share, row);
  }
  SFT_RETURN_IF_ERROR(record.Text("instruction").status());
  SFT_ASSIGN_OR_RETURN(const std::string output, record.Text("output"));
  SFT_ASSIGN_OR_RETURN(const std::string input, record.TextOrNone("input"));
  return record.Ask(
      input.empty() ? "{instruction}" : "{instruction}\n\n{input}", output,
      row);
}

}  // namespace

TaskKindRow InstructionKind() {
  TaskKindRow row{.name = "instruction",
                  .summary =
                      "instructions and conversations, by the loss of "
                      "the answers",
                  .measured_by_loss = true,
                  .has_constraints = true};
  UserForm user = PlainUserForm(row.name, {"validation_loss"});
  user.task.default_form = "chat";
  user.task.stop_strings = {};
  user.parts = InstructionParts;
  // A conversation or an instruction, as each row has it.
  user.compared = UserParts{.more_prompt = {"instruction", "input", "messages"},
                            .answer = {"output"}};
  user.fill = FillInstruction;
  user.column_remedy = ChatRemedy;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
