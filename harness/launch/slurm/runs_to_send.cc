#include "harness/launch/slurm/runs_to_send.h"

#include <algorithm>

#include "harness/core/parallel_for.h"
#include "harness/core/status.h"

namespace sft::launch {
namespace {

// Why a run without a final record is to be sent.
std::string KindOf(const record::RunStore& store, const RunsInSlurm& in_slurm,
                   const std::string& run_id, int attempts) {
  if (in_slurm.timed_out.count(run_id) != 0) return "timeout";
  if (attempts == 0) return "missing";
  const auto last = store.ReadLastAttempt(run_id);
  return last.ok() && last->status == RunStatus::kTimeout ? "timeout"
                                                          : "failed";
}

}  // namespace

absl::StatusOr<RunsToSend> ChooseRuns(
    const spec::RunPlan& plan, const record::RunStore& store,
    const RunsInSlurm& in_slurm, const SubmitRequest& request,
    const std::vector<search::Standing>& standings) {
  using Verdict = search::Standing::Verdict;
  const std::vector<size_t>& places = request.places;
  std::vector<absl::StatusOr<bool>> stands(places.size(), false);
  ParallelFor(places.size(), [&](size_t i) {
    stands[i] = store.HasSealedFinal(plan.runs[places[i]].run_id);
  });
  RunsToSend runs;
  runs.others = plan.runs.size() - places.size();
  for (size_t i = 0; i < places.size(); ++i) {
    const spec::PlannedRun& run = plan.runs[places[i]];
    SFT_ASSIGN_OR_RETURN(const bool is_done, stands[i]);
    const search::Standing standing =
        standings.empty() ? search::Standing() : standings[places[i]];
    if (standing.verdict == Verdict::kStopped) {
      ++runs.stopped;
      continue;
    }
    if (standing.verdict == Verdict::kWaits) {
      ++runs.waiting;
      continue;
    }
    if (is_done && standing.verdict != Verdict::kGoesTo) {
      ++runs.done;
      continue;
    }
    if (in_slurm.queued.count(run.run_id) != 0) {
      ++runs.queued;
      continue;
    }
    const int attempts = store.CountAttempts(run.run_id);
    // A try that ran out of time speaks against no run.
    if (store.CountFailures(run.run_id) >= request.max_attempts) {
      ++runs.failed;
    } else if (!request.only.empty() &&
               KindOf(store, in_slurm, run.run_id, attempts) != request.only) {
      ++runs.others;
    } else if (standing.verdict == Verdict::kGoesTo) {
      runs.rungs[standing.rung].push_back(places[i]);
    } else {
      (spec::IsUntuned(run) ? runs.untuned : runs.tuned).push_back(places[i]);
    }
  }
  return runs;
}

size_t RunsToSend::tuned_in_all() const {
  size_t n = tuned.size();
  for (const auto& [rung, places] : rungs) n += places.size();
  return n;
}

PlannedArrays CutIntoArrays(const RunsToSend& runs, size_t runs_per_task,
                            size_t array_size, size_t room) {
  PlannedArrays planned;
  const auto add = [&](const std::vector<size_t>& places, size_t a_task,
                       bool is_untuned, int rung = 0) {
    for (size_t at = 0; at < places.size(); at += a_task) {
      if (room == 0) {
        ++planned.left_out;
        continue;
      }
      --room;
      if (planned.arrays.empty() ||
          planned.arrays.back().is_untuned != is_untuned ||
          planned.arrays.back().rung != rung ||
          planned.arrays.back().tasks.size() >= array_size) {
        planned.arrays.push_back({{}, is_untuned, rung});
      }
      const size_t end = std::min(at + a_task, places.size());
      planned.arrays.back().tasks.emplace_back(
          places.begin() + static_cast<int64_t>(at),
          places.begin() + static_cast<int64_t>(end));
    }
  };
  // Others wait for an untuned run: none stands behind another in a task.
  add(runs.untuned, 1, true);
  const size_t a_task = std::max<size_t>(runs_per_task, 1);
  add(runs.tuned, a_task, false);
  for (const auto& [rung, places] : runs.rungs) {
    add(places, a_task, false, rung);
  }
  return planned;
}

}  // namespace sft::launch
