// How far a sweep is: which runs wait, are at work and are settled, which is
// next, and whether one that failed is tried again. No processes, no files, no
// clock: what happened is told to it.
#ifndef HARNESS_LAUNCH_SWEEP_STATES_H_
#define HARNESS_LAUNCH_SWEEP_STATES_H_

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/core/records.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct LaunchSummary {
  int finished = 0;  // ok in this call
  int skipped = 0;   // were final before it
  int diverged = 0;
  int stopped = 0;    // at the end of a rung
  int failed = 0;     // no attempt left, or refused
  int timed_out = 0;  // ran out of their time; the next call continues them
  bool interrupted = false;
  bool disk_full = false;  // nothing could be written any more
};

class SweepStates {
 public:
  // All runs wait, in the plan's order. `runs` outlives it; every name below is
  // that of one of them.
  SweepStates(const std::vector<spec::PlannedRun>& runs, int max_attempts);

  // Before anything is started: a final record of this run stands.
  void Skip(const std::string& run_id);
  // The next run to start; nullptr while none may. A tuned run reads the
  // untuned model's scores: that one is settled first.
  const spec::PlannedRun* Next() const;
  // A waiting run of which `attempts` failed in earlier calls: at work now,
  // or, with no attempt left, settled as failed. True if it is to be started.
  bool Start(const std::string& run_id, int attempts);
  // What was to be started cannot be: settled as failed.
  void Refuse(const std::string& run_id);

  // Of a run that was to be started another launcher's worker is at work: it is
  // left to that one ...
  void LeaveToOther(const std::string& run_id);
  // ... which has finished it, or is gone, so that it is the next one here.
  void FinishElsewhere(const std::string& run_id);
  void TakeBack(const std::string& run_id);

  // A run at work has ended, with the record of what it was to come to (ok,
  // diverged, or stopped at a rung) ...
  void Finish(const std::string& run_id, RunStatus status, double wall_seconds);
  // ... or with the attempts-th failed one: it waits behind the others, or is
  // settled where that was the last. True if it is tried again.
  bool Fail(const std::string& run_id, int attempts);
  // ... or because it was asked to: the next call continues it.
  void PutOff(const std::string& run_id);
  // ... or because its time was over: so does the next call, and not this one.
  void TimeOut(const std::string& run_id);

  // Nothing more is started.
  void Interrupt() { summary_.interrupted = true; }
  void StopForDisk() { summary_.disk_full = true; }
  bool stopping() const { return summary_.interrupted || summary_.disk_full; }

  const spec::PlannedRun& Run(const std::string& run_id) const {
    return *runs_.at(run_id);
  }
  size_t total() const { return runs_.size(); }
  size_t settled() const { return settled_.size(); }
  // In the order in which they were started.
  const std::vector<std::string>& running() const { return running_; }
  // Left to other launchers.
  const std::vector<std::string>& elsewhere() const { return elsewhere_; }
  // Nothing is at work, and nothing can be started.
  bool IsOver() const {
    return running_.empty() && (elsewhere_.empty() || stopping()) &&
           Next() == nullptr;
  }
  // One after another, as long as the finished ones took; 0 before the first.
  double SecondsLeft() const;
  const LaunchSummary& summary() const { return summary_; }

 private:
  std::map<std::string, const spec::PlannedRun*> runs_;
  const int max_attempts_;
  std::deque<const spec::PlannedRun*> waiting_;
  std::vector<std::string> running_;
  std::vector<std::string> elsewhere_;
  std::set<std::string> settled_;
  double timed_seconds_ = 0;
  int timed_runs_ = 0;
  LaunchSummary summary_;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SWEEP_STATES_H_
