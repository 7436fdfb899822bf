// Instructions and conversations, measured by the loss of their answers.
#include <algorithm>

#include "absl/algorithm/container.h"
#include "harness/core/status.h"
#include "harness/data/jsonl.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

constexpr char kShareGptRemedy[] =
    "conversations of {from, value}, as ShareGPT has them, are read as "
    "messages of {role, content}: rename the column and the keys, and from "
    "human and gpt to user and assistant";

// Layouts of chats that others use.
std::string ChatRemedy(const std::vector<std::string>& columns) {
  if (absl::c_linear_search(columns, "conversations")) return kShareGptRemedy;
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
  if (data.columns.contains("messages") ||
      (has("messages") && !has("instruction"))) {
    return {.prompt = {"messages"},
            .other = {"instruction", "input", "output"},
            .as_is = true};
  }
  return {.prompt = {"instruction"},
          .more_prompt = {"input"},
          .answer = {"output"},
          .other = {"messages"}};
}

absl::Status FillMessages(const Json& value, Row& row) {
  Json list = value;
  if (value.is_string()) {
    SFT_ASSIGN_OR_RETURN(list, formats::ParseJson(value.get<std::string>()));
  }
  if (!list.is_array()) {
    return absl::InvalidArgumentError("messages: wanted a list");
  }
  for (const Json& message : list) {
    if (!message.is_object()) {
      return absl::InvalidArgumentError("messages: wanted objects in it");
    }
    if (message.contains("from") && !message.contains("role")) {
      return absl::InvalidArgumentError(kShareGptRemedy);
    }
    SFT_ASSIGN_OR_RETURN(const std::string role, JsonText(message, "role"));
    SFT_ASSIGN_OR_RETURN(const std::string content,
                         JsonText(message, "content"));
    if (role != "system" && role != "user" && role != "assistant") {
      return absl::InvalidArgumentError(absl::StrCat(
          "messages: role '", role, "': wanted system, user or assistant"));
    }
    row.turns.push_back({role, content});
  }
  if (row.turns.size() < 2 || row.turns.back().role != "assistant") {
    return absl::InvalidArgumentError(
        "messages: the last one is no assistant's");
  }
  return absl::OkStatus();
}

absl::Status FillInstruction(const UserRecord& record, const Task&, Row& row) {
  const Json* messages = record.Find("messages");
  const bool plain = record.Find("instruction") != nullptr;
  const bool named = record.Names("instruction");
  if (messages != nullptr && plain && !named && !record.Names("messages")) {
    return absl::InvalidArgumentError(
        "both messages and instruction are there; columns: says which is "
        "meant, as in {messages: messages}");
  }
  if (messages != nullptr && !(plain && named)) {
    return FillMessages(*messages, row);
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
