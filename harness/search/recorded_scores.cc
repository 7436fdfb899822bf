#include "harness/search/recorded_scores.h"

#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/record/validation_score.h"

namespace sft::search {

RunScore ScoreInRecord(const record::RunRecord& record,
                       const std::string& measure, int rung) {
  if (record.status == RunStatus::kDiverged) {
    return {RunScore::State::kLost, 0};
  }
  const std::optional<record::ValidationScore> score =
      record.status == RunStatus::kStopped
          ? ScoreOfValidation(record, measure, record::RungSplit(rung))
          : ScoreOfValidation(record, measure);
  if (!score.has_value()) return {RunScore::State::kLost, 0};
  return {RunScore::State::kScored, score->Loss()};
}

RunScore RecordedScores::Of(size_t run, int rung) {
  const std::pair key(run, rung);
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  const RunScore score = Read(run, rung);
  if (score.state != RunScore::State::kUnknown) known_.emplace(key, score);
  return score;
}

RunScore RecordedScores::Read(size_t run, int rung) {
  const std::string& run_id = plan_.runs[run].run_id;
  const bool is_last = rung == rungs_;
  const absl::StatusOr<record::RunRecord> record =
      store_.ReadReached(run_id, is_last ? 0 : rung);
  if (record.ok()) {
    // At its end a run is there, whatever its score.
    if (is_last && record->status == RunStatus::kOk) {
      return {RunScore::State::kScored, 0};
    }
    return ScoreInRecord(*record, plan_.select_by, rung);
  }
  if (!absl::IsNotFound(record.status())) {
    status_.Update(record.status());
    return {};
  }
  if (store_.CountAttempts(run_id) >= max_attempts_ &&
      store_.CountFailures(run_id) >= max_attempts_) {
    return {RunScore::State::kLost, 0};
  }
  return {};
}

absl::StatusOr<std::vector<Standing>> StandingsOfPlan(
    const spec::RunPlan& plan, const record::RunStore& store,
    int max_attempts) {
  SFT_ASSIGN_OR_RETURN(const std::optional<Search> search,
                       Search::WithRungs(plan));
  if (!search.has_value()) return std::vector<Standing>();
  RecordedScores scores(plan, store, search->rungs(), max_attempts);
  return RecordedStandings(*search, scores);
}

absl::StatusOr<std::vector<Standing>> RecordedStandings(
    const Search& search, RecordedScores& scores,
    const std::vector<size_t>* wanted) {
  std::vector<Standing> standings = search.Standings(
      [&scores](size_t run, int rung) { return scores.Of(run, rung); }, wanted);
  SFT_RETURN_IF_ERROR(scores.Check());
  return standings;
}

}  // namespace sft::search
