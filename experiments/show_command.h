// show: all that is known of one run.
#ifndef EXPERIMENTS_SHOW_COMMAND_H_
#define EXPERIMENTS_SHOW_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command ShowCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_SHOW_COMMAND_H_
