// The stages of one run: load, measure the base model, train stage by stage and
// measure, conclude. Continues from a checkpoint if there is one; the record is
// the same as if it had never been killed.
#ifndef HARNESS_LAUNCH_RUN_WORKER_H_
#define HARNESS_LAUNCH_RUN_WORKER_H_

#include <cstdint>
#include <iterator>

#include "absl/status/status.h"
#include "harness/core/records.h"
#include "harness/launch/run_stops.h"
#include "harness/launch/run_under_way.h"
#include "harness/launch/run_voice.h"
#include "harness/launch/rung_pause.h"
#include "harness/launch/stage_measures.h"
#include "harness/launch/workbench.h"
#include "harness/launch/worker_options.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_plan.h"
#include "harness/train/trainer.h"

namespace sft::launch {

class Worker {
 public:
  // All outlive it.
  Worker(const Workbench& bench, const spec::PlannedRun& run,
         const spec::RunPlan& plan, const WorkerOptions& options,
         RunVoice& voice);

  // Ok: record() is final, or that of a rung. Aborted: a checkpoint was saved.
  // Else it failed. LibTorch's exceptions pass through.
  absl::Status Run();

  record::RunRecord& record() { return now_.record; }
  // Whether the run ended because somebody asked it to, not for its limit.
  bool WasAsked() const { return stops_.WasAsked(); }

 private:
  int64_t Rounds() const { return std::ssize(run_.config.train); }
  absl::Status Load();
  // Base scores, method, batching, trainer; and a checkpoint taken up.
  absl::Status PutTogether();
  absl::Status RunRound(int64_t round);
  absl::Status BeginRound(int64_t round);
  train::TrainerHooks HooksFor(int64_t round);
  void OnStep(const StepRecord& step);
  bool IsAtPause() const;
  absl::Status Pause(int64_t round);
  // Measures behind a round that trained to its end.
  absl::Status EndRound(int64_t round, int64_t steps_taken);
  void TakeTrained();
  absl::Status Conclude();

  const Workbench& bench_;
  const spec::PlannedRun& run_;
  const spec::RunPlan& plan_;
  const WorkerOptions& options_;
  RunVoice& voice_;
  RunUnderWay now_;
  RunStops stops_{options_, now_};
  StageMeasures measures_{bench_, options_, voice_, stops_, now_};
  PausePoint pause_;       // none where the run goes to its end
  int64_t all_steps_ = 0;  // 0: not known
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_WORKER_H_
