// A stage of training on several data sets at once, as `train` names it:
// "alpaca:0.7+dolly:0.3". Weights are shares of the rows; without one it is 1.
#ifndef HARNESS_SPEC_MIXTURE_H_
#define HARNESS_SPEC_MIXTURE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::spec {

struct MixPart {
  std::string name;
  double weight = 1;  // above 0
};

// At least one part; no name twice.
absl::StatusOr<std::vector<MixPart>> ParseMix(const std::string& stage);
// The data sets that stages name, in their order.
absl::StatusOr<std::vector<std::string>> SetsOf(
    const std::vector<std::string>& stages);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_MIXTURE_H_
