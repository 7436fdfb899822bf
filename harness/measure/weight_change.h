// How far the weights of a model moved from those that it began with, by the
// role of each: ||dW|| = sqrt(sum dW^2), the same as a share of ||W||, and the
// effective rank of the maps' dW, exp(-sum p ln p) of their singular values'
// shares p (Roy & Vetterli, 2007), a mean over the maps that moved. All in f64.
#ifndef HARNESS_MEASURE_WEIGHT_CHANGE_H_
#define HARNESS_MEASURE_WEIGHT_CHANGE_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "harness/model/model.h"

namespace sft::measure {

// "distance.<role>.change_norm", ".relative_change_norm" and, of maps,
// ".effective_rank"; the role "all" is every tensor. As ForEachDensePair. Stops
// at a StopPoint() between tensors.
absl::StatusOr<std::map<std::string, double>> WeightChange(model::Model& base,
                                                           model::Model& tuned);

// Of one matrix [O, I]; 0 if it is 0.
double EffectiveRank(const at::Tensor& change_OI);

}  // namespace sft::measure

#endif  // HARNESS_MEASURE_WEIGHT_CHANGE_H_
