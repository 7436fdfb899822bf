// status: how far a sweep is.
#ifndef EXPERIMENTS_STATUS_COMMAND_H_
#define EXPERIMENTS_STATUS_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command StatusCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_STATUS_COMMAND_H_
