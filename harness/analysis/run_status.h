// How far a sweep is, from its folder alone.
#ifndef HARNESS_ANALYSIS_RUN_STATUS_H_
#define HARNESS_ANALYSIS_RUN_STATUS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::analysis {

struct RunState {
  std::string run_id;
  std::map<std::string, std::string> axes;
  // done: a final record. failed: only failed attempts, or a damaged record.
  // running: a worker is at it. interrupted: begun, and nobody is at it.
  // pending: nothing yet.
  std::string state;
  std::string detail;  // "ok", "attempt 1: out_of_memory: ..."
};
struct StatusTable {
  std::vector<RunState> runs;  // in plan order
  int done = 0;
  int failed = 0;
  int running = 0;
  int interrupted = 0;
  int pending = 0;
};

// From DIR/manifests, DIR/runs and DIR/work.
absl::StatusOr<StatusTable> ReadStatus(const std::string& dir);
// One line a run, then the counts.
std::string RenderStatus(const StatusTable& table);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_RUN_STATUS_H_
