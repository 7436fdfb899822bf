#include "harness/launch/launcher.h"

#include <signal.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/launch/progress_screen.h"
#include "harness/record/run_store.h"

namespace sft::launch {
namespace {

volatile sig_atomic_t interrupts_seen = 0;
void CountInterrupt(int) { interrupts_seen = interrupts_seen + 1; }

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

// Of a worker that died without a word (killed, out of memory): a failed run is
// a record, never a hole.
record::RunRecord RecordOfDeath(const spec::PlannedRun& run,
                                const EndedRun& ended) {
  record::RunRecord record;
  record.run_id = run.run_id;
  record.config = run.config;
  record.axes = run.axes;
  record.status = RunStatus::kFailed;
  if (ended.signal != 0) {
    record.status_message = absl::StrCat("killed by signal ", ended.signal,
                                         " (", strsignal(ended.signal), ")");
    // What the kernel does to the largest process when memory runs out.
    if (ended.signal == SIGKILL) record.status = RunStatus::kOutOfMemory;
  } else {
    record.status_message =
        absl::StrCat("ended with exit status ", ended.exit_status);
  }
  return record;
}

class Sweep {
 public:
  Sweep(WorkerPool& pool, const spec::RunPlan& plan,
        const LaunchOptions& options, const std::function<int()>& interrupts)
      : pool_(pool),
        plan_(plan),
        interrupts_(interrupts),
        store_(options.paths),
        states_(plan.runs, options.max_attempts) {}

  absl::StatusOr<LaunchSummary> Run() {
    SFT_RETURN_IF_ERROR(store_.Open());
    SFT_RETURN_IF_ERROR(SkipWhatStands());
    while (true) {
      PassOnInterrupts();
      SFT_RETURN_IF_ERROR(StartWhatCanStart());
      if (states_.IsOver()) return states_.summary();
      const PoolNews news = pool_.Wait();
      Show(news);
      for (const EndedRun& ended : news.ended) {
        SFT_RETURN_IF_ERROR(TakeEnd(ended));
      }
    }
  }

 private:
  // A damaged record must not pass for a finished run, nor vanish.
  absl::Status SkipWhatStands() {
    for (const spec::PlannedRun& run : plan_.runs) {
      SFT_ASSIGN_OR_RETURN(const bool stands, store_.HasFinal(run.run_id));
      if (stands) states_.Skip(run.run_id);
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
    while (static_cast<int>(states_.running().size()) < pool_.slots()) {
      const spec::PlannedRun* run = states_.Next();
      if (run == nullptr) break;
      const int attempts = store_.CountAttempts(run->run_id);
      if (states_.Start(run->run_id, attempts)) {
        SFT_RETURN_IF_ERROR(pool_.Start(run->run_id, attempts + 1));
      } else {
        SaySettled(*run, "failed before, no attempt left (--max-attempts)");
      }
    }
    return absl::OkStatus();
  }

  absl::Status TakeEnd(const EndedRun& ended) {
    const spec::PlannedRun& run = states_.Run(ended.run_id);
    progress_.erase(run.run_id);
    if (const auto record = store_.ReadFinal(run.run_id); record.ok()) {
      states_.Finish(run.run_id, record->status, ended.wall_seconds);
      const std::string score = ScoreText(*record);
      SaySettled(run,
                 absl::StrCat(ToAbsl(record::RunStatusName(record->status)),
                              " in ", FormatSeconds(ended.wall_seconds),
                              score.empty() ? "" : ", ", score));
      return absl::OkStatus();
    }
    if (states_.summary().interrupted) {
      states_.PutOff(run.run_id);
      return absl::OkStatus();
    }
    return TakeFailure(run, ended);
  }

  absl::Status TakeFailure(const spec::PlannedRun& run, const EndedRun& ended) {
    if (ended.outcome != WorkerOutcome::kFailed) {
      SFT_RETURN_IF_ERROR(store_
                              .Publish(RecordOfDeath(run, ended),
                                       store_.CountAttempts(run.run_id) + 1)
                              .status());
    }
    std::string why = "failed";
    if (const auto record = store_.ReadLastAttempt(run.run_id); record.ok()) {
      why = absl::StrCat(ToAbsl(record::RunStatusName(record->status)), ": ",
                         record->status_message);
    }
    if (states_.Fail(run.run_id, store_.CountAttempts(run.run_id))) {
      screen_.Say(absl::StrCat(Label(run), ": ", why, "; trying again"));
    } else {
      SaySettled(run, absl::StrCat(
                          why, " (log: ", store_.paths().Log(run.run_id), ")"));
    }
    return absl::OkStatus();
  }

  void Show(const PoolNews& news) {
    for (const auto& [run_id, progress] : news.progress) {
      progress_[run_id] = progress;
    }
    for (const std::string& notice : news.notices) {
      if (said_.insert(notice).second) screen_.Say("warning: " + notice);
    }
    if (!states_.summary().interrupted) screen_.Show(View());
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
  const std::function<int()>& interrupts_;
  const record::RunStore store_;
  SweepStates states_;
  int passed_on_ = 0;  // of the interrupts
  std::map<std::string, Progress> progress_;
  std::set<std::string> said_;  // notices
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
  interrupts_seen = 0;
  struct sigaction action {};
  action.sa_handler = CountInterrupt;
  sigemptyset(&action.sa_mask);
  struct sigaction old_int, old_term;
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
  absl::StatusOr<LaunchSummary> summary =
      RunSweepOn(*pool, plan, options, [] { return int{interrupts_seen}; });
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
  return summary;
}

}  // namespace sft::launch
