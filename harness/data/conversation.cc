#include "harness/data/conversation.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kThoughts[] = {"reasoning_content", "thinking",
                                     "reasoning"};
constexpr const char* kOfResults[] = {"name", "tool_call_id"};

struct RoleName {
  const char* name;
  const char* role;
};
// ShareGPT's, and what its followers call them.
constexpr RoleName kShareGptRoles[] = {
    {"human", "user"},
    {"user", "user"},
    {"gpt", "assistant"},
    {"assistant", "assistant"},
    {"chatgpt", "assistant"},
    {"bing", "assistant"},
    {"bard", "assistant"},
    {"model", "assistant"},
    {"system", "system"},
    {"tool", "tool"},
    {"observation", "tool"},
    {"function_response", "tool"},
    {"function_call", "assistant"},
};
constexpr char kCall[] = "function_call";

bool IsShareGpt(const json& message) {
  return !message.contains("role") && message.contains("from");
}

// What stands under `key`; null where nothing does.
const json& At(const json& object, const char* key) {
  static const json& none = *new json();
  const auto it = object.find(key);
  return it == object.end() ? none : *it;
}

bool Says(const json& value) {
  return !value.is_null() && !(value.is_string() && value == "") &&
         !(value.is_structured() && value.empty());
}

// A value, or the JSON that a text holds: people write calls either way.
absl::StatusOr<ordered_json> Structure(const json& value, const char* what) {
  const std::string text =
      value.is_string() ? value.get<std::string>() : value.dump();
  ordered_json out;
  if (const auto fault =
          formats::ReadJsonInto(text, formats::kMaxJsonDepth, out)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", what, "' is no JSON: ", fault->what));
  }
  return out;
}

absl::StatusOr<std::string> TextOfParts(const json& parts) {
  std::string text;
  for (const json& part : parts) {
    if (part.is_string()) {
      text += part.get<std::string>();
      continue;
    }
    const json& type = part.is_object() ? At(part, "type") : part;
    if (!part.is_object() || !At(part, "text").is_string() ||
        !(type.is_null() || type == "text")) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a part of 'content' is no text",
          type.is_string()
              ? absl::StrCat(" but of type '", type.get<std::string>(), "'")
              : std::string()));
    }
    text += part["text"].get<std::string>();
  }
  return text;
}

// The calls that a ShareGPT turn writes: one of {name, arguments}, or a list.
absl::StatusOr<ordered_json> CallsOf(const json& value) {
  SFT_ASSIGN_OR_RETURN(ordered_json calls, Structure(value, kCall));
  if (calls.is_object()) calls = ordered_json::array({std::move(calls)});
  if (!calls.is_array() || calls.empty()) {
    return absl::InvalidArgumentError(
        "a function_call is neither an object nor a list of them");
  }
  ordered_json out = ordered_json::array();
  for (const ordered_json& call : calls) {
    if (!call.is_object() || !call.contains("name")) {
      return absl::InvalidArgumentError("a function_call without a 'name'");
    }
    out.push_back({{"type", "function"}, {"function", call}});
  }
  return out;
}

// Sets the content of `turn` and, in `whole`, what templates see as it.
absl::Status ReadContent(const json& content, bool may_be_none, ChatTurn& turn,
                         ordered_json& whole, bool& says_more) {
  if (content.is_null() && may_be_none) {
    says_more = true;
    return absl::OkStatus();
  }
  if (content.is_string()) {
    turn.content = content.get<std::string>();
  } else if (content.is_array()) {
    SFT_ASSIGN_OR_RETURN(turn.content, TextOfParts(content));
  } else if (content.is_object() && turn.role == "tool") {
    turn.content = content.dump();
  } else {
    return absl::InvalidArgumentError(absl::StrCat(
        "'content' is no text",
        content.is_null() ? std::string()
                          : absl::StrCat(" but ", content.type_name())));
  }
  whole["content"] = turn.content;
  return absl::OkStatus();
}

absl::StatusOr<ChatTurn> TurnOf(const json& message) {
  if (!message.is_object()) {
    return absl::InvalidArgumentError("wanted an object");
  }
  const bool share = IsShareGpt(message);
  const json& name = At(message, share ? "from" : "role");
  if (!name.is_string()) {
    return absl::InvalidArgumentError("no 'role'");
  }
  ChatTurn turn;
  turn.role = RoleOfMessage(message);
  if (turn.role != "system" && turn.role != "user" &&
      turn.role != "assistant" && turn.role != "tool") {
    return absl::InvalidArgumentError(
        absl::StrCat("role '", name.get<std::string>(),
                     "': wanted system, user, assistant or tool"));
  }
  ordered_json whole = {{"role", turn.role}};
  bool says_more = false;
  const json& content = At(message, share ? "value" : "content");
  ordered_json calls;
  if (share && name == kCall) {
    SFT_ASSIGN_OR_RETURN(calls, CallsOf(content));
    says_more = true;
  } else {
    if (turn.role == "assistant" && Says(At(message, "tool_calls"))) {
      SFT_ASSIGN_OR_RETURN(calls,
                           Structure(message["tool_calls"], "tool_calls"));
      if (!calls.is_array()) {
        return absl::InvalidArgumentError("'tool_calls' is no list");
      }
    }
    SFT_RETURN_IF_ERROR(
        ReadContent(content, !calls.is_null(), turn, whole, says_more));
  }
  if (turn.role == "assistant") {
    for (const char* key : kThoughts) {
      if (!At(message, key).is_string() || !Says(At(message, key))) continue;
      whole[key] = message[key].get<std::string>();
      says_more = true;
    }
  }
  if (!calls.is_null()) {
    whole["tool_calls"] = std::move(calls);
    says_more = true;
  }
  if (turn.role == "tool") {
    for (const char* key : kOfResults) {
      if (!At(message, key).is_string()) continue;
      whole[key] = message[key].get<std::string>();
      says_more = true;
    }
  }
  if (says_more) turn.message = whole.dump();
  return turn;
}

// The texts, in `text`'s order of keys, of values that `record` has sorted.
void KeepOrder(const ordered_json& from, const char* key, json& record) {
  const auto it = from.find(key);
  if (it != from.end() && it->is_structured() && !it->empty()) {
    record[key] = it->dump();
  }
}

}  // namespace

bool IsConversation(const json& value) {
  if (!value.is_array() || value.empty()) return false;
  return std::all_of(value.begin(), value.end(), [](const json& message) {
    if (!message.is_object()) return false;
    const bool share = IsShareGpt(message);
    return At(message, share ? "from" : "role").is_string() &&
           (message.contains(share ? "value" : "content") ||
            message.contains("tool_calls"));
  });
}

std::string RoleOfMessage(const json& message) {
  if (!IsShareGpt(message)) return At(message, "role").get<std::string>();
  const auto name = message["from"].get<std::string>();
  for (const RoleName& known : kShareGptRoles) {
    if (name == known.name) return known.role;
  }
  return name;
}

std::string TextOfMessage(const json& message) {
  const json& content = At(message, IsShareGpt(message) ? "value" : "content");
  std::string text = content.is_string() ? content.get<std::string>()
                     : content.is_null() ? ""
                                         : content.dump();
  if (Says(At(message, "tool_calls"))) text += message["tool_calls"].dump();
  return text;
}

absl::StatusOr<std::vector<ChatTurn>> ReadConversation(const json& value) {
  json list = value;
  if (value.is_string()) {
    SFT_ASSIGN_OR_RETURN(list, formats::ParseJson(value.get<std::string>()));
  }
  if (!list.is_array()) {
    return absl::InvalidArgumentError("messages: wanted a list");
  }
  std::vector<ChatTurn> turns;
  for (const json& message : list) {
    absl::StatusOr<ChatTurn> turn = TurnOf(message);
    if (!turn.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("messages: message ", turns.size() + 1, ": ",
                       ToAbsl(ToStd(turn.status().message()))));
    }
    turns.push_back(*std::move(turn));
  }
  if (turns.size() < 2 || turns.back().role != "assistant") {
    return absl::InvalidArgumentError(
        "messages: the last one is no assistant's");
  }
  return turns;
}

absl::StatusOr<std::string> ChatVariables(const json& tools, const json& more) {
  ordered_json out = ordered_json::object();
  if (Says(more)) {
    SFT_ASSIGN_OR_RETURN(out, Structure(more, "chat_template_kwargs"));
    if (!out.is_object()) {
      return absl::InvalidArgumentError("'chat_template_kwargs' is no object");
    }
  }
  if (Says(tools)) {
    SFT_ASSIGN_OR_RETURN(ordered_json list, Structure(tools, "tools"));
    if (!list.is_array()) {
      return absl::InvalidArgumentError("'tools' is no list");
    }
    // As transformers wants them; ShareGPT's followers write the inner part.
    for (ordered_json& tool : list) {
      if (tool.is_object() && tool.contains("name") &&
          !tool.contains("function")) {
        tool = {{"type", "function"}, {"function", ordered_json(tool)}};
      }
    }
    if (!list.empty()) out["tools"] = std::move(list);
  }
  return out.empty() ? std::string() : out.dump();
}

void KeepOrderOfTools(std::string_view text, json& record) {
  const bool has_tools = text.find("\"tools\"") != std::string_view::npos;
  const bool has_calls = text.find("\"tool_calls\"") != std::string_view::npos;
  if (!has_tools && !has_calls) return;
  ordered_json from;
  if (formats::ReadJsonInto(text, formats::kMaxJsonDepth, from) ||
      !from.is_object()) {
    return;
  }
  if (has_tools) KeepOrder(from, "tools", record);
  if (!has_calls) return;
  for (const auto& [key, list] : from.items()) {
    if (!list.is_array() || !record[key].is_array()) continue;
    for (size_t i = 0; i < list.size(); ++i) {
      if (list[i].is_object()) KeepOrder(list[i], "tool_calls", record[key][i]);
    }
  }
}

}  // namespace sft::data
