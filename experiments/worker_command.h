// worker: one run of a manifest, as a process of its own that `run` and `task`
// start.
#ifndef EXPERIMENTS_WORKER_COMMAND_H_
#define EXPERIMENTS_WORKER_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command WorkerCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_WORKER_COMMAND_H_
