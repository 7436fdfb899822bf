#include "harness/launch/launcher.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/file_system.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/launch/interrupts.h"
#include "harness/launch/progress_screen.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/launch/worker_death.h"
#include "harness/record/run_store.h"
#include "harness/record/validation_score.h"

namespace sft::launch {
namespace {

// Between looks at what other launchers do, and whether memory is free now.
constexpr double kLookSeconds = 1;

// "lora packed seed=0": method and batching first, then what else varies.
std::string Label(const spec::PlannedRun& run) {
  std::vector<std::string> parts = {run.config.method};
  if (run.config.method != spec::kUntuned) parts.push_back(run.config.batching);
  for (const auto& [name, value] : run.axes) {
    if (name == "method" || name == "batching") continue;
    parts.push_back(absl::StrCat(name, "=", value));
  }
  return absl::StrJoin(parts, " ");
}

class Sweep {
 public:
  Sweep(WorkerPool& pool, const spec::RunPlan& plan,
        const LaunchOptions& options, const std::function<int()>& interrupts)
      : pool_(pool),
        plan_(plan),
        options_(options),
        interrupts_(interrupts),
        store_(options.paths),
        states_(plan.runs, options.max_attempts) {}

  absl::StatusOr<LaunchSummary> Run() {
    SFT_RETURN_IF_ERROR(store_.Open());
    SFT_RETURN_IF_ERROR(SayWhatIsLacking());
    SFT_RETURN_IF_ERROR(SkipWhatStands());
    while (true) {
      PassOnInterrupts();
      SFT_RETURN_IF_ERROR(LookElsewhere());
      SFT_RETURN_IF_ERROR(StartWhatCanStart());
      if (states_.IsOver()) return states_.summary();
      const PoolNews news = pool_.Wait();
      // A batch system asks launcher and workers at once: a worker that saved
      // and is gone did so because all were asked.
      PassOnInterrupts();
      Show(news);
      for (const EndedRun& ended : news.ended) {
        SFT_RETURN_IF_ERROR(TakeEnd(ended));
      }
    }
  }

 private:
  absl::Status SayWhatIsLacking() {
    const std::string& out = store_.paths().out;
    SFT_ASSIGN_OR_RETURN(const FileSystemFacts facts, TryFileSystem(out));
    const std::string lacking = LackingOf(facts);
    if (!lacking.empty()) screen_.Say(absl::StrCat(out, ": ", lacking));
    return absl::OkStatus();
  }

  // Where a run is to go: an untuned one has no rungs.
  int RungOf(const spec::PlannedRun& run) const {
    return run.config.method == spec::kUntuned ? 0 : options_.rung;
  }
  absl::StatusOr<bool> HasReached(const spec::PlannedRun& run) const {
    return store_.HasReached(run.run_id, RungOf(run));
  }

  // A damaged record must not pass for a finished run, nor vanish.
  absl::Status SkipWhatStands() {
    for (const spec::PlannedRun& run : plan_.runs) {
      SFT_ASSIGN_OR_RETURN(const bool stands, HasReached(run));
      if (!stands) continue;
      states_.Skip(run.run_id);
      // Of a worker that was killed behind its record; one of a rung goes on.
      if (RungOf(run) == 0) RemoveCheckpoints(store_.paths(), run.run_id);
    }
    return absl::OkStatus();
  }

  void PassOnInterrupts() {
    const int count = interrupts_();
    if (count == passed_on_) return;
    if (passed_on_ == 0) {
      screen_.Say("interrupted: saving; the same command continues");
    }
    passed_on_ = count;
    states_.Interrupt();
    pool_.Stop(/*at_once=*/count > 1);
  }

  absl::Status StartWhatCanStart() {
    if (has_no_room_ && since_asked_.WallSeconds() < kLookSeconds) {
      return absl::OkStatus();
    }
    has_no_room_ = false;
    while (static_cast<int>(states_.running().size()) < pool_.slots()) {
      const spec::PlannedRun* run = states_.Next();
      if (run == nullptr) break;
      // Another launcher may have been faster.
      SFT_ASSIGN_OR_RETURN(const bool stands, HasReached(*run));
      if (stands) {
        states_.Skip(run->run_id);
        continue;
      }
      const int failures = store_.CountFailures(run->run_id);
      Admission admission;
      if (failures < options_.max_attempts) {
        SFT_ASSIGN_OR_RETURN(admission, AdmissionOf(*run));
      }
      if (admission.verdict == Admission::Verdict::kWait) {
        has_no_room_ = true;
        since_asked_ = Stopwatch();
        // For runs that end it waits in silence.
        if (states_.running().empty()) {
          SayOnce(absl::StrCat(run->run_id, " ", Label(*run),
                               " waits: ", admission.why),
                  absl::StrCat("waits ", run->run_id));
        }
        break;
      }
      if (!states_.Start(run->run_id, failures)) {
        SaySettled(*run, "failed before, no attempt left (--max-attempts)");
      } else if (admission.verdict == Admission::Verdict::kNever) {
        states_.Refuse(run->run_id);
        SaySettled(*run, absl::StrCat("refused: ", admission.why));
      } else {
        SFT_RETURN_IF_ERROR(StartNow(*run));
      }
    }
    return absl::OkStatus();
  }

  absl::Status StartNow(const spec::PlannedRun& run) {
    const absl::Status status =
        pool_.Start(run.run_id, store_.CountAttempts(run.run_id) + 1);
    if (IsAtWorkElsewhere(status)) {
      states_.LeaveToOther(run.run_id);
      SayOnce(absl::StrCat(run.run_id, " ", Label(run),
                           " is left to others: ", status.message()),
              absl::StrCat("elsewhere ", run.run_id));
      return absl::OkStatus();
    }
    if (IsDiskFull(status)) {
      StopForDisk(ToStd(status.message()));
      states_.PutOff(run.run_id);
      return absl::OkStatus();
    }
    return status;
  }

  absl::StatusOr<Admission> AdmissionOf(const spec::PlannedRun& run) {
    if (!options_.needs_of || !options_.machine) return Admission();
    auto needs = needs_.find(run.run_id);
    if (needs == needs_.end()) {
      SFT_ASSIGN_OR_RETURN(RunNeeds predicted, options_.needs_of(run.config));
      const auto last = store_.ReadLastAttempt(run.run_id);
      predicted.alone = last.ok() && last->status == RunStatus::kOutOfMemory;
      needs = needs_.emplace(run.run_id, predicted).first;
    }
    std::vector<RunAtWork> at_work;
    for (const std::string& run_id : states_.running()) {
      at_work.push_back({needs_[run_id], pool_.ResidentBytes(run_id)});
    }
    return Admit(options_.machine(), at_work, needs->second);
  }

  // What other launchers' workers were at: done, or to be done here.
  absl::Status LookElsewhere() {
    if (states_.elsewhere().empty() ||
        since_look_.WallSeconds() < kLookSeconds) {
      return absl::OkStatus();
    }
    since_look_ = Stopwatch();
    const std::vector<std::string> all = states_.elsewhere();
    for (const std::string& run_id : all) {
      SFT_ASSIGN_OR_RETURN(const bool stands, HasReached(states_.Run(run_id)));
      if (stands) {
        states_.FinishElsewhere(run_id);
        SaySettled(states_.Run(run_id), "done by another launcher");
      } else if (!store_.IsLocked(run_id)) {
        states_.TakeBack(run_id);
      }
    }
    return absl::OkStatus();
  }

  // Where it paused, and with which score.
  std::string TextOfPause(const record::RunRecord& record) const {
    const auto score = record::ScoreOfValidation(
        record, plan_.select_by, record::RungSplit(options_.rung));
    return score.has_value()
               ? absl::StrFormat("%s, %s %.6g", record.status_message,
                                 plan_.select_by, score->value)
               : record.status_message;
  }

  absl::Status TakeEnd(const EndedRun& ended) {
    has_no_room_ = false;
    const spec::PlannedRun& run = states_.Run(ended.run_id);
    progress_.erase(run.run_id);
    if (const auto record = store_.ReadReached(run.run_id, RungOf(run));
        record.ok()) {
      states_.Finish(run.run_id, record->status, ended.wall_seconds);
      const bool paused = record->status == RunStatus::kStopped;
      if (!ended.outcome && !paused) {
        RemoveCheckpoints(store_.paths(), run.run_id);
      }
      const std::string score =
          paused ? TextOfPause(*record) : ScoreText(*record);
      SaySettled(
          run,
          absl::StrCat(
              paused ? "paused" : ToAbsl(record::RunStatusName(record->status)),
              " in ", FormatSeconds(ended.wall_seconds),
              score.empty() ? "" : ", ", score));
      return absl::OkStatus();
    }
    if (ended.outcome == WorkerOutcome::kDiskFull) {
      StopForDisk(ended.disk.empty() ? store_.paths().Work(run.run_id)
                                     : ended.disk);
    }
    if (states_.stopping()) {
      states_.PutOff(run.run_id);
      return absl::OkStatus();
    }
    if (ended.outcome == WorkerOutcome::kTimedOut) {
      states_.TimeOut(run.run_id);
      SaySettled(run, "its time is over; the same command continues it");
      return absl::OkStatus();
    }
    return TakeFailure(run, ended);
  }

  absl::Status TakeFailure(const spec::PlannedRun& run, const EndedRun& ended) {
    if (!ended.outcome) RemoveStaleTemporaries(store_.paths().Runs());
    if (ended.outcome != WorkerOutcome::kFailed) {
      const absl::Status status =
          store_
              .Publish(RecordOfDeath(run, ended),
                       store_.CountAttempts(run.run_id) + 1)
              .status();
      if (IsDiskFull(status)) {
        StopForDisk(ToStd(status.message()));
        states_.PutOff(run.run_id);
        return absl::OkStatus();
      }
      SFT_RETURN_IF_ERROR(status);
    }
    needs_.erase(run.run_id);  // it may want to be alone the next time
    std::string why = "failed";
    if (const auto record = store_.ReadLastAttempt(run.run_id); record.ok()) {
      why = absl::StrCat(ToAbsl(record::RunStatusName(record->status)), ": ",
                         record->status_message);
    }
    if (states_.Fail(run.run_id, store_.CountFailures(run.run_id))) {
      screen_.Say(absl::StrCat(Label(run), ": ", why, "; trying again"));
    } else {
      SaySettled(run, absl::StrCat(
                          why, " (log: ", store_.paths().Log(run.run_id), ")"));
    }
    return absl::OkStatus();
  }

  // Nobody's fault, and no attempt: what is under way saves where it still can.
  void StopForDisk(const std::string& what) {
    if (!states_.summary().disk_full) {
      screen_.Say(absl::StrCat("the disk is full: ", what,
                               "; free some of it and type the same command"));
    }
    states_.StopForDisk();
    pool_.Stop(/*at_once=*/false);
  }

  // `key`: of what is said, however the numbers in it change.
  void SayOnce(const std::string& text, const std::string& key) {
    if (said_.insert(key).second) screen_.Say(text);
  }

  void Show(const PoolNews& news) {
    for (const auto& [run_id, progress] : news.progress) {
      progress_[run_id] = progress;
    }
    for (const std::string& notice : news.notices) {
      SayOnce("warning: " + notice, notice);
    }
    if (!states_.stopping()) screen_.Show(View());
  }

  SweepView View() {
    SweepView view;
    view.settled = states_.settled();
    view.total = states_.total();
    for (const std::string& run_id : states_.running()) {
      view.running.push_back(
          {run_id, Label(states_.Run(run_id)), progress_[run_id]});
    }
    // The runs at work share what is left.
    view.seconds_left =
        states_.SecondsLeft() /
        static_cast<double>(std::max<size_t>(view.running.size(), 1));
    return view;
  }

  void SaySettled(const spec::PlannedRun& run, const std::string& how) {
    screen_.Say(absl::StrFormat("[%d/%d] %s %s: %s", states_.settled(),
                                states_.total(), run.run_id, Label(run), how));
  }

  WorkerPool& pool_;
  const spec::RunPlan& plan_;
  const LaunchOptions& options_;
  const std::function<int()>& interrupts_;
  const record::RunStore store_;
  SweepStates states_;
  int passed_on_ = 0;  // of the interrupts
  std::map<std::string, Progress> progress_;
  std::map<std::string, RunNeeds> needs_;  // of those that may start or did
  Stopwatch since_look_;                   // at what others do
  bool has_no_room_ = false;               // for the next run, when it was ...
  Stopwatch since_asked_;                  // ... asked for
  std::set<std::string> said_;             // what is said once
  ProgressScreen screen_;
};

}  // namespace

absl::StatusOr<LaunchSummary> RunSweepOn(
    WorkerPool& pool, const spec::RunPlan& plan, const LaunchOptions& options,
    const std::function<int()>& interrupts) {
  return Sweep(pool, plan, options, interrupts).Run();
}

absl::StatusOr<LaunchSummary> RunSweep(const spec::RunPlan& plan,
                                       const LaunchOptions& options) {
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<WorkerPool> pool,
                       MakeWorkerPool(options.pool, options));
  const InterruptCounter interrupts;
  return RunSweepOn(*pool, plan, options,
                    [&interrupts] { return interrupts.count(); });
}

}  // namespace sft::launch
