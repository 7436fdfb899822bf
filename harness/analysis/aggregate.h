// What a sweep's folder holds, as cells: runs that differ only in their seed.
#ifndef HARNESS_ANALYSIS_AGGREGATE_H_
#define HARNESS_ANALYSIS_AGGREGATE_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_plan.h"

namespace sft::analysis {

struct CollectedRun {
  spec::PlannedRun planned;
  // The finished record, else the last failed attempt's. Steps are dropped.
  std::optional<record::RunRecord> record;
  std::string state;  // a RunStatusName, "pending", "paused" or "damaged"
  // Of a run that a search has stopped or paused: where, and its cell's score.
  std::string standing = {};
  bool ok() const { return state == "ok"; }
};

struct ResultCell {
  std::map<std::string, std::string> axes;  // what varies, the seed left out
  std::vector<size_t> runs;                 // in plan order
  bool is_untuned = false;
  bool is_selected = false;
};

struct Results {
  std::string question;
  std::vector<std::string> axis_names;  // that differ between cells
  std::string select_by;
  std::vector<std::string> select_per;
  std::vector<CollectedRun> runs;
  std::vector<ResultCell> cells;  // untuned ones first, then plan order
  std::vector<std::string> notes;

  // Fills what Find and CellOf look up; once runs and cells are complete.
  void IndexRuns();
  const CollectedRun* Find(const std::string& run_id) const;
  // The cell that a run is in; nullopt for no run of these.
  std::optional<size_t> CellOf(const std::string& run_id) const;

 private:
  struct RunPlace {
    size_t run = 0;
    size_t cell = 0;
  };
  std::unordered_map<std::string, RunPlace> places_;
};

// Cells by what varies but the seed, the untuned ones first, else in the order
// of their first runs.
std::vector<ResultCell> GroupOverSeeds(const std::vector<CollectedRun>& runs);

// The value of this name, nullopt where there is none.
std::optional<double> Lookup(const std::map<std::string, double>& values,
                             const std::string& name);

// From the plans of DIR, if there is one, and DIR/runs/*.h5 (or DIR/*.h5),
// merged or not. Damaged records become runs of that state, and a note.
absl::StatusOr<Results> CollectResults(const std::string& dir);

// The last evaluation of a task and split; nullptr if there is none.
const EvalRecord* LastEval(const record::RunRecord& record,
                           const std::string& task, const std::string& split);
const MetricRecord* FindMetric(const EvalRecord* eval, const std::string& name);
// The one that cells are selected by.
const MetricRecord* FindSelectionMetric(const EvalRecord* eval);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_AGGREGATE_H_
