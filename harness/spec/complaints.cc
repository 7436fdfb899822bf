#include "harness/spec/complaints.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"

namespace sft::spec {
namespace {

constexpr size_t kMaxComplaintsShown = 1000;  // nobody reads more at once

}  // namespace

void Complaints::Add(std::string_view where, std::string_view what) {
  Add(InputError(where, what));
}

void Complaints::Add(const absl::Status& status) {
  if (status.ok()) return;
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    if (!known_.emplace(line).second) continue;
    lines_.emplace_back(line);
  }
}

absl::Status Complaints::ToStatus() const {
  if (lines_.empty()) return absl::OkStatus();
  const size_t shown = std::min(lines_.size(), kMaxComplaintsShown);
  std::string text =
      absl::StrJoin(lines_.begin(), lines_.begin() + shown, "\n");
  if (shown < lines_.size()) {
    absl::StrAppend(&text, "\nand ", lines_.size() - shown, " more");
  }
  return absl::InvalidArgumentError(text);
}

}  // namespace sft::spec
