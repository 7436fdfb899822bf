// Whether training has come off its way.
#ifndef HARNESS_TRAIN_DIVERGENCE_H_
#define HARNESS_TRAIN_DIVERGENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/records.h"

namespace sft::train {

// Why the last of `steps`, `steps_in_round` of which are the round's, ends the
// run: a loss or gradient that is not finite, or losses far above a guess among
// `vocabulary` tokens for many steps of the round (0: the loss is of another
// unit, and no limit is known). "" while all is well.
std::string WhyDiverged(const std::vector<StepRecord>& steps,
                        int64_t steps_in_round, int64_t vocabulary);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_DIVERGENCE_H_
