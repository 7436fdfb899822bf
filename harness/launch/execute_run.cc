#include "harness/launch/execute_run.h"

#include <string>

#include "harness/core/catch_torch.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/launch/run_measures.h"
#include "harness/launch/run_voice.h"
#include "harness/launch/run_worker.h"
#include "harness/launch/worker_death.h"
#include "harness/record/run_store.h"

namespace sft::launch {
namespace {

// As ExecuteRun; a disk that is full and a want of memory for the record itself
// are its errors.
absl::StatusOr<WorkerOutcome> Execute(const Workbench& bench,
                                      const spec::PlannedRun& run,
                                      const spec::RunPlan& plan,
                                      const WorkerOptions& options,
                                      RunVoice& voice) {
  const record::RunStore store(options.paths);
  SFT_RETURN_IF_ERROR(MakeFolders(store.paths().Runs()));
  SFT_RETURN_IF_ERROR(store.MakeWorkFolder(run.run_id));
  const int rung = run.config.method == spec::kUntuned ? 0 : options.rung;
  SFT_ASSIGN_OR_RETURN(const bool reached, store.HasReached(run.run_id, rung));
  if (reached) return WorkerOutcome::kPublished;
  Worker worker(bench, run, plan, options, voice);
  const absl::Status status = CatchTorch([&worker] { return worker.Run(); });
  if (IsDiskFull(status)) return status;
  const bool stopped = absl::IsAborted(status);
  if (stopped && worker.WasAsked()) return WorkerOutcome::kInterrupted;
  record::RunRecord& record = worker.record();
  if (stopped) {
    record.status = RunStatus::kTimeout;
    record.status_message =
        absl::StrCat("ran for ", absl::FormatDuration(options.run_limit),
                     ", its --run-limit; the next call continues it");
    voice.Log(record.status_message);
  } else if (!status.ok()) {
    voice.Log(status.ToString());
    record.status = StatusOfError(status);
    record.status_message = std::string(status.message());
    // Another execution was first and has cleared the run's folder: what went
    // wrong here is no attempt of it.
    if (store.HasReached(run.run_id, rung).value_or(false)) {
      if (rung == 0) RemoveCheckpoints(store.paths(), run.run_id);
      return WorkerOutcome::kPublished;
    }
  }
  FillProvenance(record, bench.build, options.attempt);
  if (record.status == RunStatus::kStopped) {
    SFT_RETURN_IF_ERROR(store.PublishRung(record, rung).status());
    return WorkerOutcome::kPublished;
  }
  SFT_ASSIGN_OR_RETURN(const bool first,
                       store.Publish(record, options.attempt));
  if (stopped) return WorkerOutcome::kTimedOut;
  if (!record::IsFinalStatus(record.status)) return WorkerOutcome::kFailed;
  if (!first) voice.Log("another process published this run first");
  RemoveCheckpoints(store.paths(), run.run_id);
  return WorkerOutcome::kPublished;
}

}  // namespace

absl::StatusOr<WorkerOutcome> ExecuteRun(const Workbench& bench,
                                         const spec::PlannedRun& run,
                                         const spec::RunPlan& plan,
                                         const WorkerOptions& options) {
  RunVoice voice(options.paths.Progress(run.run_id), options.log,
                 options.show_progress);
  absl::StatusOr<WorkerOutcome> outcome = WorkerOutcome::kNoMemory;
  const absl::Status status = CatchTorch([&] {
    outcome = Execute(bench, run, plan, options, voice);
    return outcome.status();
  });
  if (absl::IsResourceExhausted(status)) return WorkerOutcome::kNoMemory;
  if (IsDiskFull(status)) {
    voice.DiskFull(ToStd(status.message()));
    return WorkerOutcome::kDiskFull;
  }
  SFT_RETURN_IF_ERROR(status);
  return outcome;
}

}  // namespace sft::launch
