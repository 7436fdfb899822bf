#include "harness/launch/search_sweep.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "harness/core/status.h"
#include "harness/launch/interrupts.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/search/recorded_scores.h"

namespace sft::launch {
namespace {

using Verdict = search::Standing::Verdict;

class SearchSweep {
 public:
  SearchSweep(const spec::RunPlan& plan, const search::Search& search,
              const SearchRequest& request, const LaunchOptions& options)
      : plan_(plan),
        search_(search),
        options_(options),
        last_rung_(request.last_rung > 0
                       ? std::min(request.last_rung, search.rungs())
                       : search.rungs()),
        store_(options.paths),
        scores_(plan, store_, search.rungs(), options.max_attempts) {
    for (size_t i = 0; i < plan.runs.size(); ++i) {
      if (request.own && !request.own->contains(plan.runs[i].run_id)) continue;
      own_.push_back(i);
    }
  }

  absl::StatusOr<SearchSummary> Run(const MakePool& make_pool,
                                    const std::function<int()>& interrupts) {
    SFT_RETURN_IF_ERROR(store_.Open());
    CountWhatStands();
    std::vector<size_t> before;
    int rung = 0;
    while (true) {
      SFT_ASSIGN_OR_RETURN(const std::vector<search::Standing> standings,
                           search::RecordedStandings(search_, scores_, &own_));
      DropStopped(plan_, standings, store_);
      if (rung == 0) CountWhatIsLost(standings);
      const int next_rung = RungOfNext(standings);
      const std::vector<size_t> next = PlacesAt(standings, next_rung);
      // Where nothing became of a sweep, another would do no better.
      const bool stands_still = next_rung == rung && next == before;
      if (next.empty() || stands_still) {
        return SumUp(standings);
      }
      rung = next_rung;
      before = next;
      SFT_ASSIGN_OR_RETURN(const LaunchSummary summary,
                           RunRung(rung, next, make_pool, interrupts));
      if (summary.interrupted || summary.disk_full || summary.timed_out > 0) {
        SFT_ASSIGN_OR_RETURN(
            const std::vector<search::Standing> after,
            search::RecordedStandings(search_, scores_, &own_));
        return SumUp(after);
      }
    }
  }

 private:
  void CountWhatStands() {
    for (const size_t place : own_) {
      if (store_.Stands(plan_.runs[place].run_id)) ++summary_.runs.skipped;
    }
  }

  // What failed for good before is in no sweep of this one.
  void CountWhatIsLost(const std::vector<search::Standing>& standings) {
    for (const size_t place : own_) {
      const std::string& run_id = plan_.runs[place].run_id;
      const bool is_untuned = spec::IsUntuned(plan_.runs[place]);
      if (!is_untuned && standings[place].verdict != Verdict::kLost) continue;
      if (store_.Stands(run_id) ||
          store_.CountFailures(run_id) < options_.max_attempts) {
        continue;
      }
      ++summary_.runs.failed;
      if (is_untuned) failed_untuned_.insert(run_id);
    }
  }

  // The lowest that a run here is to come to; 0 where there is none.
  int RungOfNext(const std::vector<search::Standing>& standings) const {
    int lowest = 0;
    for (const size_t place : own_) {
      const search::Standing& one = standings[place];
      if (one.verdict != Verdict::kGoesTo || one.rung > last_rung_) continue;
      if (lowest == 0 || one.rung < lowest) lowest = one.rung;
    }
    return lowest;
  }
  std::vector<size_t> PlacesAt(const std::vector<search::Standing>& standings,
                               int rung) const {
    std::vector<size_t> places;
    for (const size_t place : own_) {
      const search::Standing& one = standings[place];
      if (one.verdict == Verdict::kGoesTo && one.rung == rung) {
        places.push_back(place);
      }
    }
    return places;
  }

  absl::StatusOr<LaunchSummary> RunRung(int rung,
                                        const std::vector<size_t>& places,
                                        const MakePool& make_pool,
                                        const std::function<int()>& asked) {
    spec::RunPlan part = plan_;
    part.runs.clear();
    std::set<std::string> untuned;
    for (const size_t place : places) {
      untuned.insert(plan_.runs[place].untuned_id);
    }
    for (const spec::PlannedRun& run : plan_.runs) {
      if (untuned.contains(run.run_id)) part.runs.push_back(run);
    }
    for (const size_t place : places) part.runs.push_back(plan_.runs[place]);
    if (search_.rungs() > 1) {
      fprintf(stderr, "rung %d of %d: %zu runs to %.3g of their budget\n", rung,
              search_.rungs(), places.size(), search_.ShareOf(rung));
    }
    LaunchOptions options = options_;
    options.rung = GoalOf(search_, rung);
    SFT_ASSIGN_OR_RETURN(const std::unique_ptr<WorkerPool> pool,
                         make_pool(options));
    SFT_ASSIGN_OR_RETURN(const LaunchSummary summary,
                         RunSweepOn(*pool, part, options, asked));
    LaunchSummary& all = summary_.runs;
    all.finished += summary.finished;
    all.diverged += summary.diverged;
    all.timed_out += summary.timed_out;
    all.interrupted = all.interrupted || summary.interrupted;
    all.disk_full = all.disk_full || summary.disk_full;
    // An untuned run that failed for good is found so in every rung.
    int again = 0;
    for (const std::string& run_id : untuned) {
      if (!store_.Stands(run_id) && !failed_untuned_.insert(run_id).second) {
        ++again;
      }
    }
    all.failed += std::max(summary.failed - again, 0);
    return summary;
  }

  SearchSummary SumUp(const std::vector<search::Standing>& standings) {
    for (const size_t place : own_) {
      switch (standings[place].verdict) {
        case Verdict::kStopped:
          ++summary_.runs.stopped;
          break;
        case Verdict::kWaits:
          ++(standings[place].rung == last_rung_ ? summary_.paused
                                                 : summary_.waiting);
          break;
        case Verdict::kGoesTo:
          // Sent on, and no further here.
          if (standings[place].rung > last_rung_) ++summary_.paused;
          break;
        default:
          break;
      }
    }
    return summary_;
  }

  const spec::RunPlan& plan_;
  const search::Search& search_;
  const LaunchOptions& options_;
  const int last_rung_;
  const record::RunStore store_;
  search::RecordedScores scores_;
  std::vector<size_t> own_;  // places in the plan
  std::set<std::string> failed_untuned_;
  SearchSummary summary_;
};

}  // namespace

int GoalOf(const search::Search& search, int rung) {
  return rung >= search.rungs() ? 0 : rung;
}

void DropStopped(const spec::RunPlan& plan,
                 const std::vector<search::Standing>& standings,
                 const record::RunStore& store) {
  for (size_t i = 0; i < standings.size(); ++i) {
    if (standings[i].verdict != Verdict::kStopped) continue;
    const std::string& run_id = plan.runs[i].run_id;
    if (!store.IsLocked(run_id)) RemoveCheckpoints(store.paths(), run_id);
  }
}

absl::StatusOr<SearchSummary> RunSearch(
    const spec::RunPlan& plan, const SearchRequest& request,
    const LaunchOptions& options, const MakePool& make_pool,
    const std::function<int()>& interrupts) {
  SFT_ASSIGN_OR_RETURN(const search::Search search, search::Search::Of(plan));
  return SearchSweep(plan, search, request, options).Run(make_pool, interrupts);
}

absl::StatusOr<SearchSummary> RunSearch(const spec::RunPlan& plan,
                                        const SearchRequest& request,
                                        const LaunchOptions& options) {
  const InterruptCounter interrupts;
  return RunSearch(
      plan, request, options,
      [](const LaunchOptions& of_rung) {
        return MakeWorkerPool(of_rung.pool, of_rung);
      },
      [&interrupts] { return interrupts.count(); });
}

}  // namespace sft::launch
