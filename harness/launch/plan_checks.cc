#include "harness/launch/plan_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/config_parts.h"
#include "harness/launch/cost_rules.h"
#include "harness/launch/text_rules.h"
#include "harness/measure/memory_limit.h"

namespace sft::launch {
namespace {

class PlanChecker {
 public:
  PlanChecker(const Workbench& bench, const spec::ExperimentSpec& spec,
              const model::MethodChecks& method_checks, RunCosts& costs)
      : bench_(bench),
        spec_(spec),
        method_checks_(method_checks),
        costs_(costs) {}

  // Cells that differ in nothing that a rule may look at share a verdict.
  absl::StatusOr<std::optional<spec::Finding>> Check(
      const spec::RunConfig& config) {
    const std::string part = RulesPart(config);
    const auto known = verdicts_.find(part);
    if (known != verdicts_.end()) return known->second;
    SFT_ASSIGN_OR_RETURN(std::optional<spec::Finding> finding, Judge(config));
    return verdicts_.emplace(part, std::move(finding)).first->second;
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
    absl::StatusOr<const ModelFacts*> facts = costs_.FactsOf(config.model);
    if (facts.ok()) return facts;
    return InputError(spec::WhereInSpec(spec_, "model", config.model),
                      ToStd(facts.status().message()));
  }

  absl::StatusOr<std::optional<spec::Finding>> Judge(
      const spec::RunConfig& config) {
    SFT_ASSIGN_OR_RETURN(const ModelFacts* model, ModelOf(config));
    CellFacts facts{bench_, method_checks_, spec_, config, *model, {}, {}, {}};
    for (const auto& [names, rows] :
         {std::pair{&config.train, &facts.train},
          std::pair{&config.evaluate, &facts.evaluate},
          std::pair{&config.retain, &facts.retain}}) {
      SFT_ASSIGN_OR_RETURN(*rows, bench_.DatasetsOf(config, *names));
    }
    for (const CellRule rule : AllCellRules()) {
      std::optional<spec::Finding> finding = rule(facts);
      if (Refuses(config, finding)) return finding;
    }
    // A file that is not there ends the plan before its rows are missed.
    SFT_RETURN_IF_ERROR(Digests(config).status());
    return JudgeCost(facts);
  }

  std::optional<spec::Finding> JudgeCost(const CellFacts& facts) {
    const spec::RunConfig& config = facts.config;
    spec::RunConfig first = config;
    first.seed = 0;  // one verdict for all seeds, whichever comes first
    const absl::StatusOr<RunCost> cost = costs_.Of(first);
    if (!cost.ok()) {
      std::optional<spec::Finding> of_chats = ChatsArePlaced(facts);
      return of_chats ? of_chats : CostFinding(cost.status(), config);
    }
    for (const CostRule rule : AllCostRules()) {
      std::optional<spec::Finding> finding =
          rule({config, *cost, memory_limit_bytes_});
      if (Refuses(config, finding)) return finding;
    }
    return std::nullopt;
  }

  // A warning is said instead.
  bool Refuses(const spec::RunConfig& config,
               const std::optional<spec::Finding>& finding) {
    if (!finding) return false;
    if (finding->is_warning) {
      Warn(spec::FindingText(spec_, config, *finding));
    }
    return !finding->is_warning;
  }

  const Workbench& bench_;
  const spec::ExperimentSpec& spec_;
  const model::MethodChecks& method_checks_;
  RunCosts& costs_;
  const int64_t memory_limit_bytes_ = measure::MemoryLimitBytes();
  std::map<std::string, std::optional<spec::Finding>> verdicts_;
  std::vector<std::string> warnings_;
};

}  // namespace

absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks,
                                     RunCosts& costs) {
  for (const spec::UserData& data : spec.data) {
    SFT_RETURN_IF_ERROR(bench.ReadOwnData(data));
  }
  PlanChecker checker(bench, spec, method_checks, costs);
  CheckedPlan checked;
  SFT_ASSIGN_OR_RETURN(
      checked.plan,
      spec::ExpandPlan(
          spec, bench.Tables(),
          [&](const spec::RunConfig& config) {
            return checker.Digests(config);
          },
          [&](const spec::RunConfig& config) { return checker.Check(config); },
          [&](const std::set<std::string>& trained, spec::RunConfig& config) {
            return checker.Complete(trained, config);
          }));
  for (const PlanRule rule : AllPlanRules()) {
    const std::optional<spec::Finding> finding =
        rule({bench, spec, checked.plan});
    if (!finding) continue;
    const std::string text =
        absl::StrCat(spec::WhereInSpec(spec, finding->field), ": ",
                     finding->field, ": ", finding->reason);
    if (!finding->is_warning) return absl::InvalidArgumentError(text);
    checker.Warn(text);
  }
  checked.warnings = checker.TakeWarnings();
  return checked;
}

absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks) {
  RunCosts costs(bench);
  return MakePlan(bench, spec, method_checks, costs);
}

}  // namespace sft::launch
