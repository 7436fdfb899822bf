#include "harness/spec/mixture.h"

#include <cmath>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"

namespace sft::spec {

absl::StatusOr<std::vector<MixPart>> ParseMix(const std::string& stage) {
  std::vector<MixPart> parts;
  std::set<std::string> names;
  for (absl::string_view text : absl::StrSplit(stage, '+')) {
    MixPart part;
    const size_t colon = text.find(':');
    part.name = std::string(text.substr(0, colon));
    if (colon != absl::string_view::npos &&
        (!absl::SimpleAtod(text.substr(colon + 1), &part.weight) ||
         !std::isfinite(part.weight) || part.weight <= 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", stage, "': the weight '", text.substr(colon + 1),
                       "' is no number above 0, as in a:0.7+b:0.3"));
    }
    if (part.name.empty() || !names.insert(part.name).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", stage, "': ",
          part.name.empty() ? "a name is missing" : part.name + " stands twice",
          ", wanted a mixture as in a:0.7+b:0.3"));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

absl::StatusOr<std::vector<std::string>> SetsOf(
    const std::vector<std::string>& stages) {
  std::vector<std::string> sets;
  for (const std::string& stage : stages) {
    SFT_ASSIGN_OR_RETURN(const std::vector<MixPart> parts, ParseMix(stage));
    for (const MixPart& part : parts) sets.push_back(part.name);
  }
  return sets;
}

}  // namespace sft::spec
