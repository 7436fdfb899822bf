// The trainer's loss and gradients of one step over all rows, however they are
// laid out in batches: what accumulation and packing must not change.
#ifndef HARNESS_SELFCHECK_GRADIENTS_H_
#define HARNESS_SELFCHECK_GRADIENTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/selfcheck/check.h"
#include "harness/selfcheck/few_steps.h"

namespace sft::selfcheck {

// Rows a micro-batch, or packs of at most `pack_tokens`.
struct Layout {
  std::string batching;
  int64_t batch_size = 1;
  int64_t pack_tokens = 0;
  std::string name() const;  // "padded, 2 a micro-batch"
};

// Compares the step under `layouts` with that of one batch of all rows, the
// plainest way. No dropout and no noise, which are drawn a micro-batch, and f32
// where the setting computes in bf16, whose rounding would hide what is asked.
absl::StatusOr<Finding> CompareLayouts(
    const Setting& setting,
    const std::function<std::vector<Layout>(const std::vector<Example>&)>&
        layouts);

}  // namespace sft::selfcheck

#endif  // HARNESS_SELFCHECK_GRADIENTS_H_
