// The scores of a search's runs as a folder of records has them.
#ifndef HARNESS_SEARCH_RECORDED_SCORES_H_
#define HARNESS_SEARCH_RECORDED_SCORES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/run_record.h"
#include "harness/record/run_store.h"
#include "harness/search/standings.h"

namespace sft::search {

// What a record, of a rung or of the end, is worth by `measure`; lost where it
// has no such score, or diverged.
RunScore ScoreInRecord(const record::RunRecord& record,
                       const std::string& measure, int rung);

// Reads the records of the rungs, each once: none ever changes. Those that are
// not there are looked for again at every question.
class RecordedScores {
 public:
  // A run of which so many attempts failed is lost. Plan and store outlive it.
  RecordedScores(const spec::RunPlan& plan, const record::RunStore& store,
                 int rungs, int max_attempts)
      : plan_(plan),
        store_(store),
        rungs_(rungs),
        max_attempts_(max_attempts) {}

  // A damaged record of a rung is an error of the next Check().
  RunScore Of(size_t run, int rung);
  absl::Status Check() const { return status_; }

 private:
  RunScore Read(size_t run, int rung);

  const spec::RunPlan& plan_;
  const record::RunStore& store_;
  const int rungs_;
  const int max_attempts_;
  std::map<std::pair<size_t, int>, RunScore> known_;
  absl::Status status_;
};

// The standings of a plan's runs by what is recorded; none of a plan whose runs
// all go to their end.
absl::StatusOr<std::vector<Standing>> StandingsOfPlan(
    const spec::RunPlan& plan, const record::RunStore& store, int max_attempts);

// Those of a search, as its scores are known so far.
absl::StatusOr<std::vector<Standing>> RecordedStandings(
    const Search& search, RecordedScores& scores,
    const std::vector<size_t>* wanted = nullptr);

}  // namespace sft::search

#endif  // HARNESS_SEARCH_RECORDED_SCORES_H_
