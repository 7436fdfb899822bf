// export-events: the curves of runs for TensorBoard.
#ifndef EXPERIMENTS_EVENTS_COMMAND_H_
#define EXPERIMENTS_EVENTS_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command EventsCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_EVENTS_COMMAND_H_
