// export: a tuned model, or its adapter, as a folder that others load.
#ifndef EXPERIMENTS_EXPORT_COMMAND_H_
#define EXPERIMENTS_EXPORT_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command ExportCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_EXPORT_COMMAND_H_
