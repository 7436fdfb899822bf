#include "harness/launch/plan_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"

namespace sft::launch {
namespace {

class PlanChecker {
 public:
  PlanChecker(const Workbench& bench, const spec::ExperimentSpec& spec,
              const model::MethodChecks& method_checks)
      : bench_(bench), spec_(spec), method_checks_(method_checks) {}

  absl::StatusOr<std::vector<spec::Finding>> Check(
      const spec::RunConfig& config) {
    SFT_ASSIGN_OR_RETURN(const ModelFacts* model, ModelOf(config));
    CellFacts facts{bench_, method_checks_, spec_, config, *model, {}, {}, {}};
    for (const auto& [names, rows] :
         {std::pair{&config.train, &facts.train},
          std::pair{&config.evaluate, &facts.evaluate},
          std::pair{&config.retain, &facts.retain}}) {
      SFT_ASSIGN_OR_RETURN(*rows, bench_.DatasetsOf(config, *names));
    }
    std::vector<spec::Finding> found;
    for (const CellRule rule : AllCellRules()) {
      std::optional<spec::Finding> finding = rule(facts);
      if (!finding) continue;
      if (finding->is_warning) {
        Warn(spec::FindingText(spec_, config, *finding));
      } else {
        found.push_back(*std::move(finding));
      }
    }
    return found;
  }

  // Of the config's evaluated tasks, those of labels or choices that are
  // trained on are scored with the end of turn that they are trained with.
  absl::Status Complete(const std::set<std::string>& trained,
                        spec::RunConfig& config) {
    if (!config.score_end_of_turn.empty()) return absl::OkStatus();
    SFT_ASSIGN_OR_RETURN(const ModelFacts* model, ModelOf(config));
    if (model->encoder() != nullptr) return absl::OkStatus();
    for (const std::string& name : config.evaluate) {
      if (trained.count(name) == 0) continue;
      SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row,
                           bench_.DatasetOf(config, name));
      if (data::KindRow(row->task.kind).has_given_answers) {
        config.score_end_of_turn.push_back(name);
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> Digests(
      const spec::RunConfig& config) {
    SFT_ASSIGN_OR_RETURN(const ModelFacts* model, ModelOf(config));
    return DigestsOfCell(bench_, *model, config);
  }

  void Warn(std::string text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) ==
        warnings_.end()) {
      warnings_.push_back(std::move(text));
    }
  }
  std::vector<std::string> TakeWarnings() { return std::move(warnings_); }

 private:
  absl::StatusOr<const ModelFacts*> ModelOf(const spec::RunConfig& config) {
    auto it = models_.find(config.model);
    if (it == models_.end()) {
      absl::StatusOr<ModelFacts> facts =
          ReadModelFacts(config.model, bench_.folders.assets);
      if (!facts.ok()) {
        return InputError(spec::WhereInSpec(spec_, "model", config.model),
                          ToStd(facts.status().message()));
      }
      it = models_.emplace(config.model, *std::move(facts)).first;
    }
    return &it->second;
  }

  const Workbench& bench_;
  const spec::ExperimentSpec& spec_;
  const model::MethodChecks& method_checks_;
  std::map<std::string, ModelFacts> models_;
  std::vector<std::string> warnings_;
};

}  // namespace

absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks,
                                     PlanIds ids) {
  spec::ExperimentSpec known = spec;
  for (const spec::UserData& data : spec.data) {
    const absl::Status status = bench.ReadOwnData(data);
    if (status.ok()) continue;
    known.complaints.Add(status);
    known.in_doubt.insert({"train", "evaluate", "retain"});
  }
  PlanChecker checker(bench, spec, method_checks);
  CheckedPlan checked;
  SFT_ASSIGN_OR_RETURN(
      checked.plan,
      spec::ExpandPlan(
          known, bench.Tables(),
          [&](const spec::RunConfig& config)
              -> absl::StatusOr<std::vector<std::string>> {
            if (ids == PlanIds::kNone) return std::vector<std::string>();
            return checker.Digests(config);
          },
          [&](const spec::RunConfig& config) { return checker.Check(config); },
          [&](const std::set<std::string>& trained, spec::RunConfig& config) {
            return checker.Complete(trained, config);
          }));
  spec::Complaints complaints;
  for (const PlanRule rule : AllPlanRules()) {
    const std::optional<spec::Finding> finding =
        rule({bench, spec, checked.plan});
    if (!finding) continue;
    const std::string text =
        absl::StrCat(spec::WhereInSpec(spec, finding->field), ": ",
                     finding->field, ": ", finding->reason);
    if (finding->is_warning) {
      checker.Warn(text);
    } else {
      complaints.Add(absl::InvalidArgumentError(text));
    }
  }
  if (!complaints.empty()) return complaints.ToStatus();
  checked.warnings = checker.TakeWarnings();
  return checked;
}

}  // namespace sft::launch
