// The numbers that a pivot table can be made of, each with the axes of its run.
#ifndef HARNESS_ANALYSIS_PIVOT_ENTRIES_H_
#define HARNESS_ANALYSIS_PIVOT_ENTRIES_H_

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/observations.h"
#include "harness/analysis/pivot.h"
#include "harness/analysis/record_query.h"

namespace sft::analysis {

inline constexpr char kTaskAxis[] = "task";
inline constexpr char kRoundAxis[] = "round";
inline constexpr char kSeedAxis[] = "seed";
inline constexpr char kScoreCell[] = "score";
inline constexpr char kGainCell[] = "gain";

// A number that may stand in the table.
struct PivotEntry {
  size_t run = 0, cell = 0;  // of the results
  bool is_untuned = false;
  std::map<std::string, std::string>
      axes;  // with task and round where it has them
  std::string split, unit, metric;
  std::string what;  // which of the request's cells it is of
  std::optional<bool> higher_is_better;
  double value = 0;
  const Comparison* gain = nullptr;  // of kGainCell
};

// A number where it parses as one.
QueryValue PivotValue(const std::string& text);

// Those of the cells that are asked for, in order of the results' cells; of the
// last rounds unless round is an axis.
class PivotEntries {
 public:
  PivotEntries(const Results& results,
               const std::vector<Comparison>& comparisons,
               const PivotRequest& request);

  std::vector<PivotEntry> entries;
  std::set<std::string> names;  // of all cells that might be asked for
  std::set<std::string>
      usual;  // of these, what is of tasks, and the main costs

  bool HasAxis(const std::string& name) const;

 private:
  bool IsAskedFor(const PivotEntry& entry) const;
  void AddRun(size_t run, size_t cell);
  bool IsLast(const std::vector<Observation>& all,
              const Observation& one) const;
  void AddMetric(const PivotEntry& begin, const Observation& one);
  void AddNumber(const PivotEntry& begin, const std::string& name,
                 const std::string& task, double value);
  void AddGain(const Comparison& one);
  void Keep(const std::string& name, PivotEntry entry);

  const Results& results_;
  const PivotRequest& request_;
  const bool has_rounds_;
};

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_PIVOT_ENTRIES_H_
