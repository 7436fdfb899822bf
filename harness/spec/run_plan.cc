#include "harness/spec/run_plan.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/spec/plan_text.h"

namespace sft::spec {
namespace {

using Json = nlohmann::json;

constexpr int kPlanVersion = 1;
constexpr int64_t kMaxPlanBytes = int64_t{1} << 30;

absl::StatusOr<RunPlan> PlanFromValue(const Json& json) {
  RunPlan plan;
  const int version = json.at("plan_version").get<int>();
  if (version != kPlanVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan_version = ", version, ": wanted ", kPlanVersion));
  }
  json.at("question").get_to(plan.question);
  json.at("spec").get_to(plan.spec_text);
  json.at("axis_names").get_to(plan.axis_names);
  json.at("select_by").get_to(plan.select_by);
  json.at("select_per").get_to(plan.select_per);
  for (const Json& one : json.at("runs")) {
    PlannedRun run;
    one.at("run_id").get_to(run.run_id);
    one.at("axes").get_to(run.axes);
    one.at("baseline_id").get_to(run.baseline_id);
    one.at("untuned_id").get_to(run.untuned_id);
    // The id becomes a file name.
    if (run.run_id.empty() ||
        run.run_id.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return absl::InvalidArgumentError("run_id = '" + run.run_id +
                                        "': wanted hexadecimal digits");
    }
    SFT_ASSIGN_OR_RETURN(
        run.config,
        ConfigFromFields(
            one.at("config").get<std::map<std::string, std::string>>()));
    plan.runs.push_back(std::move(run));
  }
  for (const Json& one : json.at("rejected")) {
    RejectedCell cell;
    one.at("axes").get_to(cell.axes);
    one.at("reason").get_to(cell.reason);
    plan.rejected.push_back(std::move(cell));
  }
  return plan;
}

}  // namespace

std::string PlanToJson(const RunPlan& plan) {
  Json json;
  json["plan_version"] = kPlanVersion;
  json["question"] = plan.question;
  json["spec"] = plan.spec_text;
  json["axis_names"] = plan.axis_names;
  json["select_by"] = plan.select_by;
  json["select_per"] = plan.select_per;
  json["runs"] = Json::array();
  for (const PlannedRun& run : plan.runs) {
    json["runs"].push_back({{"run_id", run.run_id},
                            {"axes", run.axes},
                            {"baseline_id", run.baseline_id},
                            {"untuned_id", run.untuned_id},
                            {"config", ConfigFields(run.config)}});
  }
  json["rejected"] = Json::array();
  for (const RejectedCell& cell : plan.rejected) {
    json["rejected"].push_back({{"axes", cell.axes}, {"reason", cell.reason}});
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<RunPlan> PlanFromJson(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxPlanBytes));
  return PlanFromJsonText(path, text);
}

absl::StatusOr<RunPlan> PlanFromJsonText(const std::string& where,
                                         const std::string& text) {
  Json json;
  if (const auto fault =
          formats::ReadJsonInto(text, formats::kMaxJsonDepth, json)) {
    return InputError(where, absl::StrCat("is no valid JSON: ", fault->what));
  }
  try {
    absl::StatusOr<RunPlan> plan = PlanFromValue(json);
    if (!plan.ok()) return InputError(where, ToStd(plan.status().message()));
    return plan;
  } catch (const Json::exception& error) {
    return InputError(where, std::string("is no plan: ") + error.what());
  }
}

}  // namespace sft::spec
