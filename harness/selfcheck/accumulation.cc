// A step over micro-batches is the step over one batch: the mean over target
// tokens, and no mean of means.
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/gradients.h"

namespace sft::selfcheck {

Check AccumulationIsOneBatch() {
  return {"accumulation",
          "a step over several micro-batches has the loss and the gradient of "
          "one batch",
          [](const Setting& setting) {
            return CompareLayouts(setting, [&](const std::vector<Example>&) {
              const std::string& plain = setting.batchings.front();
              return std::vector<Layout>{{plain, 1}, {plain, 3}};
            });
          }};
}

}  // namespace sft::selfcheck
