#include "harness/spec/points.h"

#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::spec {
namespace {

// Numbers of a list, each within `limits` and above the one before it.
template <class T>
absl::StatusOr<std::vector<T>> Ascending(const char* name,
                                         const std::vector<std::string>& texts,
                                         const Limits& limits) {
  std::vector<T> values;
  for (const std::string& text : texts) {
    T value = 0;
    SFT_RETURN_IF_ERROR(ParseField(name, text, limits, value));
    if (!values.empty() && value <= values.back()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": ", text, " stands behind ",
                       CanonicalText(values.back()), "; wanted ascending"));
    }
    values.push_back(value);
  }
  return values;
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ParseCurve(
    const std::vector<std::string>& steps) {
  return Ascending<int64_t>("curve", steps, Limits{.min = 1});
}

absl::StatusOr<std::vector<double>> ParseRewind(
    const std::vector<std::string>& alphas) {
  SFT_ASSIGN_OR_RETURN(const std::vector<double> values,
                       Ascending<double>("rewind", alphas, Limits{0, 1, {}}));
  for (const double alpha : values) {
    if (alpha == 0 || alpha == 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("rewind: ", CanonicalText(alpha),
                       " is the base model or the run's end, which are scored "
                       "anyway; wanted above 0 and below 1"));
    }
  }
  return values;
}

}  // namespace sft::spec
