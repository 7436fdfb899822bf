#include "harness/spec/plan_text.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/spec/manifest.h"
#include "harness/spec/plan_json.h"

namespace sft::spec {
namespace {

using Json = nlohmann::json;

constexpr int kPlanVersion = 1;  // of plan.json

absl::StatusOr<RunPlan> PlanFromValue(const Json& json,
                                      const LaterOptions& later) {
  const int version = json.at("plan_version").get<int>();
  if (version != kPlanVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan_version = ", version, ": wanted ", kPlanVersion));
  }
  RunPlan plan = PlanHeaderFromJson(json);
  for (const Json& one : json.at("runs")) {
    PlannedRun run;
    SFT_RETURN_IF_ERROR(ReadRunNames(one, run));
    SFT_ASSIGN_OR_RETURN(
        run.config,
        ConfigFromFields(
            one.at("config").get<std::map<std::string, std::string>>()));
    NoteLaterOptions(later, run.config);
    plan.runs.push_back(std::move(run));
  }
  return plan;
}

}  // namespace

absl::StatusOr<RunPlan> PlanFromText(const std::string& where,
                                     const std::string& text,
                                     const LaterOptions& later) {
  if (IsManifest(text)) {
    SFT_ASSIGN_OR_RETURN(const ManifestReader reader,
                         ManifestReader::Open(where, text, later));
    return reader.Plan();
  }
  Json json;
  if (const auto fault =
          formats::ReadJsonInto(text, formats::kMaxJsonDepth, json)) {
    return InputError(where, absl::StrCat("is no valid JSON: ", fault->what));
  }
  try {
    absl::StatusOr<RunPlan> plan = PlanFromValue(json, later);
    if (!plan.ok()) return InputError(where, ToStd(plan.status().message()));
    return plan;
  } catch (const Json::exception& error) {
    return InputError(where, absl::StrCat("is no plan: ", error.what()));
  }
}

RunPlan UnitePlans(const std::vector<RunPlan>& plans) {
  RunPlan united;
  std::set<std::string> seen;
  std::set<std::pair<std::map<std::string, std::string>, std::string>> reasons;
  for (auto plan = plans.rbegin(); plan != plans.rend(); ++plan) {
    if (plan == plans.rbegin()) {
      united.question = plan->question;
      united.spec_text = plan->spec_text;
      united.select_by = plan->select_by;
      united.select_per = plan->select_per;
      united.search = plan->search;
    }
    for (const std::string& name : plan->axis_names) {
      if (std::find(united.axis_names.begin(), united.axis_names.end(), name) ==
          united.axis_names.end()) {
        united.axis_names.push_back(name);
      }
    }
    for (const PlannedRun& run : plan->runs) {
      if (seen.insert(run.run_id).second) united.runs.push_back(run);
    }
    for (const RejectedCell& cell : plan->rejected) {
      if (reasons.emplace(cell.axes, cell.reason).second) {
        united.rejected.push_back(cell);
      }
    }
  }
  return united;
}

}  // namespace sft::spec
