// Conversations of several turns, checked before they become rows.
#ifndef DATASETS_CONVERSATIONS_H_
#define DATASETS_CONVERSATIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/data/splits.h"

namespace sft::datasets {

// "user", "assistant" or "system" for the names that data sets give them
// ("human", "gpt", "prompter", ...); the error names the unknown one.
absl::StatusOr<std::string> RoleOf(const std::string& name);

// `turns` as a row keyed by its first user's turn. At most one system turn,
// the first; then user and assistant in turns, none of them empty. What comes
// behind the last assistant's turn is cut off, for it holds no target. The
// error names the turn, from 1, and what is wrong with it.
absl::StatusOr<data::KeyedRow> ConversationRow(std::vector<ChatTurn> turns);

}  // namespace sft::datasets

#endif  // DATASETS_CONVERSATIONS_H_
