// A run's way from the base model to its end: the points of its curve, or of
// its rewound weights, and what can be read off between two of them.
#ifndef HARNESS_ANALYSIS_WAY_POINTS_H_
#define HARNESS_ANALYSIS_WAY_POINTS_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/contrast.h"

namespace sft::analysis {

struct WayPoint {
  double at = 0;  // a step of the round, or alpha; the base is at 0
  std::map<std::string, ModelScore>
      scores;  // by set: its loss, or primary metric
};

// Of the split "curve" or "rewind" and the last round, in order, the base model
// first and the end last. Empty where there is no such point.
std::vector<WayPoint> WayOf(const record::RunRecord& record,
                            const std::string& split);

// The set that a run is trained on last, whose validation loss is its target.
std::string TargetOf(const spec::RunConfig& config);
// A set's metric as points have it; nullptr where none has.
const MetricRecord* MetricAtPoints(const record::RunRecord& record,
                                   const std::string& split,
                                   const std::string& set);

// The closest values that do not increase, in least squares (pool adjacent
// violators).
std::vector<double> NonIncreasing(const std::vector<double>& values);

// A place between two points: (1 - share) of the first and share of the next.
struct Place {
  size_t point = 0;
  double share = 0;
};
// Where values that do not increase first come down to `level`; nullopt where
// they never do, or begin below it: nothing is extrapolated.
std::optional<Place> FirstAt(const std::vector<double>& non_increasing,
                             double level);
// The place where the loss of `target`, made monotone, comes down to `level`.
std::optional<Place> PlaceAtTarget(const std::vector<WayPoint>& way,
                                   const std::string& target, double level);
// What `set` is there; nullopt where one of the two points lacks it.
std::optional<ItemGroup> ReadAt(const std::vector<WayPoint>& way,
                                const std::string& set, const Place& place);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_WAY_POINTS_H_
