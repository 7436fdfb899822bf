#include "harness/analysis/search_states.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/search/recorded_scores.h"

namespace sft::analysis {
namespace {

using search::RunScore;

class CollectedScores {
 public:
  CollectedScores(const spec::RunPlan& plan, const CollectedRecords& records,
                  int rungs)
      : plan_(plan), records_(records), rungs_(rungs) {
    for (const spec::PlannedRun& run : plan.runs) {
      if (run.config.method == spec::kUntuned) continue;
      const auto rungs_of = records.rungs.find(run.run_id);
      if (rungs_of != records.rungs.end()) {
        farthest_ = std::max(farthest_, rungs_of->second.rbegin()->first);
      }
      const record::RunRecord* final = FinalOf(run.run_id);
      if (final != nullptr && final->status == RunStatus::kOk) {
        farthest_ = rungs_;
      }
    }
  }

  RunScore Of(size_t place, int rung) const {
    const std::string& run_id = plan_.runs[place].run_id;
    const record::RunRecord* final = FinalOf(run_id);
    if (rung == rungs_ && final != nullptr) {
      return {final->status == RunStatus::kOk ? RunScore::State::kScored
                                              : RunScore::State::kLost,
              0};
    }
    if (const auto of = records_.rungs.find(run_id);
        of != records_.rungs.end() && of->second.count(rung) != 0) {
      return search::ScoreInRecord(of->second.at(rung), plan_.select_by, rung);
    }
    const bool diverged =
        final != nullptr && final->status == RunStatus::kDiverged;
    // How often one that failed is tried is the launcher's to know: it was not
    // again where others have gone further.
    const bool failed = final == nullptr && records_.by_run.count(run_id) != 0;
    if (diverged || (failed && rung < farthest_)) {
      return {RunScore::State::kLost, 0};
    }
    return {};
  }

 private:
  const record::RunRecord* FinalOf(const std::string& run_id) const {
    const auto found = records_.by_run.find(run_id);
    if (found == records_.by_run.end() || found->second.attempt != 0 ||
        !found->second.record.has_value()) {
      return nullptr;
    }
    return &*found->second.record;
  }

  const spec::RunPlan& plan_;
  const CollectedRecords& records_;
  const int rungs_;
  int farthest_ = 0;
};

std::string TextOf(const search::Standing& standing, int rungs,
                   const std::string& measure) {
  std::string text = absl::StrCat("rung ", standing.rung, " of ", rungs);
  if (standing.loss.has_value()) {
    // As it is recorded, whichever way is better.
    absl::StrAppendFormat(&text, ", %s %.6g", measure,
                          std::abs(*standing.loss));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::map<std::string, SearchState>> SearchStatesOf(
    const std::vector<spec::RunPlan>& plans, const CollectedRecords& records) {
  std::map<std::string, SearchState> states;
  for (const spec::RunPlan& plan : plans) {
    SFT_ASSIGN_OR_RETURN(const std::optional<search::Search> search,
                         search::Search::WithRungs(plan));
    if (!search.has_value()) continue;
    const CollectedScores scores(plan, records, search->rungs());
    const std::vector<search::Standing> standings = search->Standings(
        [&scores](size_t place, int rung) { return scores.Of(place, rung); });
    for (size_t i = 0; i < standings.size(); ++i) {
      if (standings[i].verdict == search::Standing::Verdict::kNone) continue;
      states[plan.runs[i].run_id] = {
          standings[i], TextOf(standings[i], search->rungs(), plan.select_by)};
    }
  }
  return states;
}

}  // namespace sft::analysis
