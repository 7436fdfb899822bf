// Rows in one batch, without pads or in packs: no row sees another.
#include <algorithm>

#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/gradients.h"

namespace sft::selfcheck {

Check PackingChangesNothing() {
  return {"packing",
          "without pads, and in packs, a step has the loss and the gradient "
          "of padded rows",
          [](const Setting& setting) {
            return CompareLayouts(
                setting, [&](const std::vector<Example>& rows) {
                  int64_t longest = 0;
                  for (const Example& row : rows) {
                    longest = std::max(longest, std::ssize(row.input_ids));
                  }
                  std::vector<Layout> layouts;
                  for (const std::string& batching : setting.batchings) {
                    if (batching == setting.batchings.front()) continue;
                    // Packs of two rows and more.
                    layouts.push_back({batching, std::ssize(rows),
                                       std::max<int64_t>(8, 2 * longest)});
                  }
                  return layouts;
                });
          }};
}

}  // namespace sft::selfcheck
