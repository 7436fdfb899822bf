// The cells of a sweep: expanded, resolved, rejected with reasons, each paired
// with its baseline. The untuned model is the first cell.
#ifndef HARNESS_SPEC_RUN_PLAN_H_
#define HARNESS_SPEC_RUN_PLAN_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_config.h"

namespace sft::spec {

struct RejectedCell {
  std::map<std::string, std::string> axes;
  std::string reason;
};

// "learning_rate=0.001 seed=0": what varies, as people read it.
inline std::string AxesText(const std::map<std::string, std::string>& axes) {
  return absl::StrJoin(axes, " ", absl::PairFormatter("="));
}

struct PlannedRun {
  RunConfig config;
  std::string run_id;
  std::map<std::string, std::string> axes;  // what varies, for tables
  std::string baseline_id;  // run it is compared with, "" if none
  std::string untuned_id;   // run of the same model that trains nothing
};

// Whether a run reads no other run's scores: those of the untuned run it is
// measured against are its own, or there is none.
inline bool IsUntuned(const PlannedRun& run) {
  return run.untuned_id.empty() || run.untuned_id == run.run_id;
}

// How cells compete before they are trained to their end: what harness/search
// goes by. Without a kind every run goes to its end.
struct SearchPlan {
  std::string kind;                            // of its table
  std::map<std::string, std::string> options;  // all of the kind's, canonical
};

struct RunPlan {
  std::string question;
  std::string spec_text;
  std::vector<std::string> axis_names;  // in the order of the spec
  std::vector<PlannedRun> runs;         // untuned ones first
  std::vector<RejectedCell> rejected;
  std::string select_by;
  std::vector<std::string> select_per;
  SearchPlan search;
};

// Digests of the files that a cell reads: model, tokenizer, data. Asked once of
// cells of one shape (run_shape.h): they read the same.
using InputDigests =
    std::function<absl::StatusOr<std::vector<std::string>>(const RunConfig&)>;

// What speaks against a cell. `field` is the one at fault: a message names its
// line in the spec and its value.
struct Finding {
  std::string field;
  std::string reason;       // what is wanted, and the remedy
  bool is_warning = false;  // said, and the cell is run all the same
};
// "spec.yaml:7: max_length = '64': reason".
std::string FindingText(const ExperimentSpec& spec, const RunConfig& config,
                        const Finding& finding);

// All that speaks against a cell, nothing if it can be run: what the launcher
// knows of its model and data. No rule reads the seed or the learning rate:
// cells that differ in these alone are asked once. A cell that is refused
// already is not worth much reading. An error refuses the spec.
using CellCheck = std::function<absl::StatusOr<std::vector<Finding>>(
    const RunConfig&, bool is_refused)>;

// Fills in what follows from the model and from `trained`, the data sets that
// any cell of the spec trains on: cells that are compared are scored alike. It
// reads and changes what cells of one shape have in common: methods, options of
// batching, model, data, and whatever an untuned run has of its config.
using CellCompleter = std::function<absl::Status(
    const std::set<std::string>& trained, RunConfig& config)>;

// An untuned cell is added for every distinct (model, evaluation, dtype,
// device, threads); training fields of it are reset to their defaults, so
// that it is run once. max_length is kept: it cuts the rows that are scored.
// An option that a cell's method lacks is dropped for that cell; cells that
// are then the same are one. Precedence: set < grid and zip < cases, in order.
// An error holds all that is wrong, a line each, and what reading the spec
// complained of before.
absl::StatusOr<RunPlan> ExpandPlan(const ExperimentSpec& spec,
                                   const SpecTables& tables,
                                   const InputDigests& digests,
                                   const CellCheck& check = {},
                                   const CellCompleter& complete = {});

// The cell that measures the model of `config` without training it.
RunConfig UntunedConfig(const RunConfig& config);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_RUN_PLAN_H_
