// How far a sweep is, from its folder alone.
#ifndef HARNESS_ANALYSIS_RUN_STATUS_H_
#define HARNESS_ANALYSIS_RUN_STATUS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "harness/record/run_progress.h"
#include "harness/record/run_store.h"

namespace sft::analysis {

struct RunState {
  std::string run_id;
  std::map<std::string, std::string> axes;
  // done: a final record. failed: only failed attempts, or a damaged record.
  // running: a worker is at it. interrupted: begun, and nobody is at it.
  // waiting: nothing yet, or at the end of a rung of a search where others
  // decide. stopped: by a search, at the end of a rung.
  std::string state;
  std::string detail;          // "ok", "attempt 1: out_of_memory: ..."
  bool waits_at_rung = false;  // it is there, and others are not
  // What its worker last said; of no run that is done.
  std::optional<record::NotedProgress> progress;
};
struct StatusTable {
  std::vector<RunState> runs;  // in plan order
  int done = 0;
  int failed = 0;
  int running = 0;
  int interrupted = 0;
  int waiting = 0;
  int stopped = 0;

  // Nothing is at work, and nothing is left to do.
  bool IsSettled() const { return running + interrupted + waiting == 0; }
};

// From the plans, DIR/runs and DIR/work. Runs that were done in `before`, an
// earlier answer about the same folder, are not read again.
absl::StatusOr<StatusTable> ReadStatus(const std::string& dir,
                                       const StatusTable* before = nullptr);

// The same of one run whose final record, or else last attempt, was read as
// `last`; NotFound where it has neither. Without axes.
RunState StateOfRun(const record::RunStore& store, const std::string& run_id,
                    const absl::StatusOr<record::RunRecord>& last);

// A header and a row a run: id, state, phase, step, time left, time since its
// worker last said something, axes, detail.
std::vector<std::vector<std::string>> StatusRows(const StatusTable& table,
                                                 absl::Time now);
// "1 done, 0 failed, ...", and what continues a sweep that nobody is at.
std::string StatusCounts(const StatusTable& table);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_RUN_STATUS_H_
