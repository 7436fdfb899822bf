// Conversations as people's files hold them: messages of {role, content}, with
// tool calls, thoughts and contents in parts, and ShareGPT's of {from, value}.
// What a message says beyond its text is kept as JSON (ChatTurn::message), for
// chat templates write it.
#ifndef HARNESS_DATA_CONVERSATION_H_
#define HARNESS_DATA_CONVERSATION_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"

namespace sft::data {

// ShareGPT's name of the column that others call messages.
inline constexpr char kShareGptColumn[] = "conversations";

// A list of messages of either layout.
bool IsConversation(const nlohmann::json& value);
// What a message's role is, by the name that its layout has for it; that name
// where it is none of them.
std::string RoleOfMessage(const nlohmann::json& message);
// The text that cleaning compares: all that a message says but its role.
std::string TextOfMessage(const nlohmann::json& message);

// Turns of a list of messages, or of its JSON as a text. The last is an
// assistant's. Errors name the message.
absl::StatusOr<std::vector<ChatTurn>> ReadConversation(
    const nlohmann::json& value);

// The variables that a chat template is given beside the turns (Tokenizer::
// RenderChatWith): `tools`, a list or its JSON as a text, and `more`, an object
// of others. Either may be null; "" where nothing comes of them.
absl::StatusOr<std::string> ChatVariables(const nlohmann::json& tools,
                                          const nlohmann::json& more);

// A record keeps no order of keys, but templates write tools and their calls in
// the file's. So these become, in `record`, the texts that they are in `text`.
void KeepOrderOfTools(std::string_view text, nlohmann::json& record);

}  // namespace sft::data

#endif  // HARNESS_DATA_CONVERSATION_H_
