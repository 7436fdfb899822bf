// chat: a conversation with a model, in a terminal or a pipe.
#ifndef EXPERIMENTS_CHAT_COMMAND_H_
#define EXPERIMENTS_CHAT_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command ChatCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_CHAT_COMMAND_H_
