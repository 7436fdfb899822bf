// Where a run is scored between its beginning and its end, as a spec names it.
#ifndef HARNESS_SPEC_POINTS_H_
#define HARNESS_SPEC_POINTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::spec {

// Optimizer steps of a round, from 1, ascending.
absl::StatusOr<std::vector<int64_t>> ParseCurve(
    const std::vector<std::string>& steps);
// Above 0 and below 1, ascending.
absl::StatusOr<std::vector<double>> ParseRewind(
    const std::vector<std::string>& alphas);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_POINTS_H_
