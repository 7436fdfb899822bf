// generate: an answer to a prompt.
#ifndef EXPERIMENTS_GENERATE_COMMAND_H_
#define EXPERIMENTS_GENERATE_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command GenerateCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_GENERATE_COMMAND_H_
