// power: what a spec's sweep could find, before it is paid for.
#ifndef EXPERIMENTS_POWER_COMMAND_H_
#define EXPERIMENTS_POWER_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command PowerCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_POWER_COMMAND_H_
