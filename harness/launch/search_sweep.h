// A search's sweep: rung by rung, each a sweep of the runs that the standings
// send there. Between rungs nothing is kept but records: a kill, another
// launcher or a shard elsewhere finds the same standings, and goes on.
#ifndef HARNESS_LAUNCH_SEARCH_SWEEP_H_
#define HARNESS_LAUNCH_SEARCH_SWEEP_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/launcher.h"
#include "harness/record/run_store.h"
#include "harness/search/standings.h"

namespace sft::launch {

struct SearchRequest {
  // The runs that may be executed here; none: all of the plan.
  std::optional<std::set<std::string>> own;
  int last_rung =
      0;  // no run goes behind its end; 0: all go as far as they may
};
struct SearchSummary {
  LaunchSummary runs;  // of all rungs; `stopped` are out of the search
  int waiting = 0;     // for runs that are not to be executed here
  int paused = 0;      // at the last rung that was asked for
};

// Pools serve one rung: it is in their options.
using MakePool = std::function<absl::StatusOr<std::unique_ptr<WorkerPool>>(
    const LaunchOptions&)>;

absl::StatusOr<SearchSummary> RunSearch(const spec::RunPlan& plan,
                                        const SearchRequest& request,
                                        const LaunchOptions& options,
                                        const MakePool& make_pool,
                                        const std::function<int()>& interrupts);
// The same on pools of the options' kind, until a signal says otherwise.
absl::StatusOr<SearchSummary> RunSearch(const spec::RunPlan& plan,
                                        const SearchRequest& request,
                                        const LaunchOptions& options);

// What a rung that is the last is to a worker: 0, the run's own end.
int GoalOf(const search::Search& search, int rung);
// Checkpoints of runs that others beat are of no more use. As far as it goes.
void DropStopped(const spec::RunPlan& plan,
                 const std::vector<search::Standing>& standings,
                 const record::RunStore& store);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SEARCH_SWEEP_H_
