// What tables of points share: the ways of a cell's runs, what their points
// measure, and estimates as cells of a table.
#ifndef HARNESS_ANALYSIS_CELL_WAYS_H_
#define HARNESS_ANALYSIS_CELL_WAYS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/contrast.h"
#include "harness/analysis/tables.h"
#include "harness/analysis/way_points.h"

namespace sft::analysis {

// The ways of a cell's runs that have points, by seed.
using Ways = std::map<int64_t, std::vector<WayPoint>>;
Ways WaysOf(const Results& results, const ResultCell& cell,
            const std::string& split);

// Every set that points of a split measure, and what they measure of one, in
// any run.
std::vector<std::string> SetsAtPoints(const Results& results,
                                      const std::string& split);
const MetricRecord* AnyMetric(const Results& results, const std::string& split,
                              const std::string& set);

// Over a cell's seeds, of a run's last evaluation; "" is the test split.
std::optional<Estimate> LastOf(const Results& results, const ResultCell& cell,
                               const std::string& set,
                               const std::string& metric,
                               const std::string& split);

// A cell's first run: its config, and its id, which draws go by.
const spec::RunConfig& ConfigOf(const Results& results, const ResultCell& cell);
std::string FirstRun(const Results& results, const ResultCell& cell);

TableCell WithInterval(const std::optional<Estimate>& estimate);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_CELL_WAYS_H_
