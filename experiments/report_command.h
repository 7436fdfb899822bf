// report and compare: from records to tables.
#ifndef EXPERIMENTS_REPORT_COMMAND_H_
#define EXPERIMENTS_REPORT_COMMAND_H_

#include "experiments/command_line.h"

namespace sft::experiments {

Command ReportCommand();
Command CompareCommand();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_REPORT_COMMAND_H_
