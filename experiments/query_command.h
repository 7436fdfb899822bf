// query: records as rows, filtered.
#ifndef EXPERIMENTS_QUERY_COMMAND_H_
#define EXPERIMENTS_QUERY_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command QueryCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_QUERY_COMMAND_H_
