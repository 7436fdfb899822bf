#include "harness/spec/plan_filter.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/spec/complaints.h"

namespace sft::spec {
namespace {

// axis -> canonical texts, one of which a run must have.
using WantedValues = std::map<std::string, std::set<std::string>>;

absl::Status FilterError(const std::string& filter, std::string_view what) {
  return InputError(absl::StrCat("filter '", filter, "'"), what);
}

// "a=1,2,b=3" as (a, 1), (a, 2), (b, 3); of an axis of lists "t=x,y" is the one
// value "x,y".
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> FilterParts(
    const std::string& filter, const std::map<std::string, FieldSpec>& fields) {
  std::vector<std::pair<std::string, std::string>> parts;
  for (absl::string_view part : absl::StrSplit(filter, ',')) {
    const std::string text(absl::StripAsciiWhitespace(part));
    const size_t equals = text.find('=');
    if (equals != std::string::npos && equals > 0) {
      parts.emplace_back(absl::StripAsciiWhitespace(text.substr(0, equals)),
                         absl::StripAsciiWhitespace(text.substr(equals + 1)));
      continue;
    }
    if (parts.empty() || text.empty()) {
      return FilterError(filter,
                         "wanted AXIS=VALUE, separated by commas, such as "
                         "method=lora,seed=0");
    }
    const auto field = fields.find(parts.back().first);
    if (field != fields.end() && field->second.type == FieldType::kStringList) {
      absl::StrAppend(&parts.back().second, ",", text);
    } else {
      parts.emplace_back(parts.back().first, text);
    }
  }
  return parts;
}

// What the plan's cells have of an axis, in their order.
std::vector<std::string> AxisValuesOf(const RunPlan& plan,
                                      const std::string& axis) {
  std::vector<std::string> values;
  std::set<absl::string_view> known;
  for (const PlannedRun& run : plan.runs) {
    const auto it = run.axes.find(axis);
    if (run.config.method == kUntuned || it == run.axes.end()) continue;
    if (known.insert(it->second).second) values.push_back(it->second);
  }
  return values;
}

absl::StatusOr<WantedValues> ReadFilter(const RunPlan& plan,
                                        const std::string& filter,
                                        const SpecTables& tables) {
  const std::map<std::string, FieldSpec> fields = KnownFields(tables);
  SFT_ASSIGN_OR_RETURN(const auto parts, FilterParts(filter, fields));
  Complaints complaints;
  WantedValues wanted;
  for (const auto& [axis, text] : parts) {
    const std::vector<std::string>& axes = plan.axis_names;
    const auto field = fields.find(axis);
    if (field == fields.end() ||
        std::find(axes.begin(), axes.end(), axis) == axes.end()) {
      complaints.Add(FilterError(
          filter, absl::StrCat("'", axis, "' is no axis of this spec",
                               DidYouMean(axis, axes,
                                          absl::StrCat("; its axes are ",
                                                       CanonicalText(axes))))));
      continue;
    }
    const absl::StatusOr<std::string> value =
        CanonicalizeField(field->second, text);
    const std::string& canonical = value.ok() ? *value : text;
    const std::vector<std::string> had = AxisValuesOf(plan, axis);
    if (std::find(had.begin(), had.end(), canonical) == had.end()) {
      constexpr size_t kShown = 12;
      const size_t shown = std::min(had.size(), kShown);
      complaints.Add(FilterError(
          filter,
          absl::StrCat("no cell has ", axis, "=", canonical, " (there is ",
                       CanonicalText(std::vector<std::string>(
                           had.begin(), had.begin() + shown)),
                       shown < had.size() ? ", ...)" : ")",
                       DidYouMean(canonical, had))));
      continue;
    }
    wanted[axis].insert(canonical);
  }
  if (!complaints.empty()) return complaints.ToStatus();
  return wanted;
}

}  // namespace

absl::StatusOr<RunPlan> FilterPlan(RunPlan plan, const std::string& filter,
                                   const SpecTables& tables) {
  SFT_ASSIGN_OR_RETURN(const WantedValues wanted,
                       ReadFilter(plan, filter, tables));
  const auto matches = [&wanted](
                           const std::map<std::string, std::string>& axes) {
    return std::all_of(wanted.begin(), wanted.end(), [&axes](const auto& one) {
      const auto it = axes.find(one.first);
      return it != axes.end() && one.second.count(it->second) != 0;
    });
  };
  std::set<std::string> untuned;
  for (const PlannedRun& run : plan.runs) {
    if (run.config.method == kUntuned || !matches(run.axes)) continue;
    untuned.insert(run.untuned_id);
  }
  if (untuned.empty()) {
    return FilterError(filter, "no cell has all of these values together");
  }
  const auto is_left = [&](const PlannedRun& run) {
    return run.config.method == kUntuned ? untuned.count(run.run_id) != 0
                                         : matches(run.axes);
  };
  plan.runs.erase(
      std::remove_if(plan.runs.begin(), plan.runs.end(), std::not_fn(is_left)),
      plan.runs.end());
  plan.rejected.erase(std::remove_if(plan.rejected.begin(), plan.rejected.end(),
                                     [&](const RejectedCell& cell) {
                                       return !matches(cell.axes);
                                     }),
                      plan.rejected.end());
  return plan;
}

}  // namespace sft::spec
