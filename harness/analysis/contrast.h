// A number made of the scores that models have on the same items: a cell of a
// matrix of scores, a change, a mean over tasks of changes, a reading between
// two points of a curve. Of seed s
//   value_s = sum over groups g of items, sum over terms k of c_sgk score_sgk.
// Its error is that of harness/analysis/crossed_error.h: A from the values of
// the seeds, B the sum of the groups' own, for these are drawn apart.
#ifndef HARNESS_ANALYSIS_CONTRAST_H_
#define HARNESS_ANALYSIS_CONTRAST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/analysis/item_sums.h"
#include "harness/analysis/statistics.h"

namespace sft::analysis {

// What one model got of one metric.
struct ModelScore {
  double value = 0;
  std::shared_ptr<const ItemSums> items;  // null: the record keeps none
};
// nullopt where there is no such evaluation, or no such metric in it.
std::optional<ModelScore> ScoreOf(const EvalRecord* eval,
                                  const std::string& metric);

struct ScoreTerm {
  ModelScore score;
  double coefficient = 1;
};
// Terms over the same items; those rows count that all of them have.
using ItemGroup = std::vector<ScoreTerm>;
// What one seed's value is made of; seeds have the same groups, in one order.
using SeedContrast = std::vector<ItemGroup>;

struct Estimate {
  double value = kNaN;          // mean over seeds
  std::vector<double> seeds_S;  // of each
  int64_t n_items = 0;          // of all groups
  // As of a Comparison (ClaimOf): of one seed from draws of items, of two none,
  // from three of the method, with p and what could have been found.
  Interval interval = {kNaN, kNaN};
  double standard_error = kNaN;  // of two seeds, too
  double p = kNaN;
  double smallest_detectable = kNaN;
};

// A value alone where a record keeps no items. nullopt where there is no seed,
// or items are kept and a group has none in common.
std::optional<Estimate> EstimateOf(const std::vector<SeedContrast>& seeds,
                                   std::string_view salt);
// `one` minus `other`, of the same groups.
SeedContrast Minus(SeedContrast one, const SeedContrast& other);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_CONTRAST_H_
