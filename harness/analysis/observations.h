// Every number of a run, each with what it is of: the rows of a long table, and
// what any other table can be made of.
#ifndef HARNESS_ANALYSIS_OBSERVATIONS_H_
#define HARNESS_ANALYSIS_OBSERVATIONS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"

namespace sft::analysis {

struct Observation {
  // "metric": with task, split, round and point; "forgetting": with a task;
  // "fact", "measured", "predicted_bytes", "measured_bytes": of the run.
  std::string kind;
  std::string task, split;
  int64_t round = 0;
  double point = 0;
  std::string name, unit, signature;
  bool higher_is_better = true;  // of a metric
  bool is_primary = false;       // the first of its evaluation
  int64_t n_items = 0;           // of a metric, 0: the record keeps none
  double value = 0;
};

// In the order of the record. None of a run without one.
std::vector<Observation> ObservationsOf(const CollectedRun& run);

// What a run can be called by: its axes, method, batching, seed, and every
// field of its config. What trains nothing has its axes alone, without batching
// and seed: the untuned model is one, whatever seeds others have.
std::map<std::string, std::string> AxesOfRun(const CollectedRun& run);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_OBSERVATIONS_H_
