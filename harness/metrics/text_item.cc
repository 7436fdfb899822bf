#include "harness/metrics/text_item.h"

#include "absl/strings/str_cat.h"

namespace sft::metrics {

std::string ReferenceCount(const std::vector<TextItem>& items) {
  for (const TextItem& item : items) {
    if (item.references.size() != items[0].references.size()) return "var";
  }
  return absl::StrCat(items.empty() ? 0 : items[0].references.size());
}

}  // namespace sft::metrics
