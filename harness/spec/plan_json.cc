#include "harness/spec/plan_json.h"

#include <utility>

#include "harness/core/status.h"

namespace sft::spec {
namespace {

bool IsHexadecimal(const std::string& id) {
  return id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

nlohmann::json PlanHeaderToJson(const RunPlan& plan) {
  nlohmann::json json;
  json["question"] = plan.question;
  json["spec"] = plan.spec_text;
  json["axis_names"] = plan.axis_names;
  json["select_by"] = plan.select_by;
  json["select_per"] = plan.select_per;
  // Left out where there is none: older readers know no such key.
  if (!plan.search.kind.empty()) {
    json["search"] = {{"kind", plan.search.kind},
                      {"options", plan.search.options}};
  }
  json["rejected"] = nlohmann::json::array();
  for (const RejectedCell& cell : plan.rejected) {
    json["rejected"].push_back({{"axes", cell.axes}, {"reason", cell.reason}});
  }
  return json;
}

RunPlan PlanHeaderFromJson(const nlohmann::json& json) {
  RunPlan plan;
  json.at("question").get_to(plan.question);
  json.at("spec").get_to(plan.spec_text);
  json.at("axis_names").get_to(plan.axis_names);
  json.at("select_by").get_to(plan.select_by);
  json.at("select_per").get_to(plan.select_per);
  if (const auto search = json.find("search"); search != json.end()) {
    search->at("kind").get_to(plan.search.kind);
    search->at("options").get_to(plan.search.options);
  }
  for (const nlohmann::json& one : json.at("rejected")) {
    RejectedCell cell;
    one.at("axes").get_to(cell.axes);
    one.at("reason").get_to(cell.reason);
    plan.rejected.push_back(std::move(cell));
  }
  return plan;
}

absl::Status ReadRunNames(const nlohmann::json& json, PlannedRun& run) {
  json.at("run_id").get_to(run.run_id);
  json.at("axes").get_to(run.axes);
  json.at("baseline_id").get_to(run.baseline_id);
  json.at("untuned_id").get_to(run.untuned_id);
  for (const std::string& id : {run.run_id, run.baseline_id, run.untuned_id}) {
    if (!IsHexadecimal(id)) {
      return absl::InvalidArgumentError(
          absl::StrCat("id '", id, "': wanted hexadecimal digits"));
    }
  }
  if (run.run_id.empty()) {
    return absl::InvalidArgumentError("a run has no id");
  }
  return absl::OkStatus();
}

}  // namespace sft::spec
