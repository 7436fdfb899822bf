#include "harness/launch/plan_checks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/card_memory.h"
#include "harness/launch/config_parts.h"
#include "harness/launch/cost_rules.h"
#include "harness/launch/text_rules.h"
#include "harness/measure/machine_facts.h"

namespace sft::launch {
namespace {

class PlanChecker {
 public:
  PlanChecker(const Workbench& bench, const spec::ExperimentSpec& spec,
              const model::MethodChecks& method_checks, RunCosts& costs,
              PlanDepth depth, PlanPlace place)
      : bench_(bench),
        spec_(spec),
        method_checks_(method_checks),
        costs_(costs),
        depth_(depth),
        elsewhere_(place == PlanPlace::kElsewhere) {}

  // Cells that differ in nothing that a rule may look at share a verdict.
  absl::StatusOr<std::vector<spec::Finding>> Check(
      const spec::RunConfig& config, bool is_refused) {
    const std::string part =
        absl::StrCat(is_refused ? "refused\n" : "", RulesPart(config));
    const auto known = verdicts_.find(part);
    if (known != verdicts_.end()) return known->second;
    SFT_ASSIGN_OR_RETURN(std::vector<spec::Finding> found,
                         Judge(config, is_refused));
    return verdicts_.emplace(part, std::move(found)).first->second;
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

  absl::StatusOr<std::vector<spec::Finding>> Judge(
      const spec::RunConfig& config, bool is_refused) {
    SFT_ASSIGN_OR_RETURN(const ModelFacts* model, ModelOf(config));
    CellFacts facts{bench_, method_checks_, spec_, config, *model, {}, {},
                    {},     elsewhere_};
    for (const auto& [names, rows] :
         {std::pair{&config.train, &facts.train},
          std::pair{&config.evaluate, &facts.evaluate},
          std::pair{&config.retain, &facts.retain}}) {
      SFT_ASSIGN_OR_RETURN(*rows, bench_.DatasetsOf(config, *names));
    }
    std::vector<spec::Finding> found;
    for (const CellRule rule : AllCellRules()) {
      Take(config, rule(facts), found);
    }
    if (is_refused || !found.empty() || depth_ == PlanDepth::kHeaders) {
      return found;
    }
    // A file that is not there ends the plan before its rows are missed.
    SFT_RETURN_IF_ERROR(Digests(config).status());
    JudgeCost(facts, found);
    return found;
  }

  void JudgeCost(const CellFacts& facts, std::vector<spec::Finding>& found) {
    const spec::RunConfig& config = facts.config;
    spec::RunConfig first = config;
    first.seed = 0;  // one verdict for all seeds, whichever comes first
    const absl::StatusOr<RunCost> cost = costs_.Of(first);
    if (!cost.ok()) {
      std::optional<spec::Finding> of_chats = ChatsArePlaced(facts);
      return Take(config,
                  of_chats ? of_chats : CostFinding(cost.status(), config),
                  found);
    }
    for (const CostRule rule : AllCostRules()) {
      Take(config,
           rule({config, *cost, memory_limit_bytes_, CardBytes(config),
                 elsewhere_, spec_.search}),
           found);
    }
  }

  int64_t CardBytes(const spec::RunConfig& config) {
    if (config.device == "cpu") return 0;
    if (!card_bytes_) card_bytes_ = CardMemoryBytes();
    return *card_bytes_;
  }

  // A warning is said instead.
  void Take(const spec::RunConfig& config, std::optional<spec::Finding> finding,
            std::vector<spec::Finding>& found) {
    if (!finding) return;
    if (finding->is_warning) {
      Warn(spec::FindingText(spec_, config, *finding));
    } else {
      found.push_back(*std::move(finding));
    }
  }

  const Workbench& bench_;
  const spec::ExperimentSpec& spec_;
  const model::MethodChecks& method_checks_;
  RunCosts& costs_;
  const PlanDepth depth_;
  const bool elsewhere_;
  std::optional<int64_t> card_bytes_;  // asked once, and only if it matters
  const int64_t memory_limit_bytes_ = measure::ReadMachineFacts().memory_bytes;
  std::map<std::string, std::vector<spec::Finding>> verdicts_;
  std::vector<std::string> warnings_;
};

}  // namespace

absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks,
                                     RunCosts& costs, PlanDepth depth,
                                     PlanPlace place) {
  spec::ExperimentSpec known = spec;
  for (const spec::UserData& data : spec.data) {
    const absl::Status status = bench.ReadOwnData(data);
    if (status.ok()) continue;
    known.complaints.Add(status);
    known.in_doubt.insert({"train", "evaluate", "retain"});
  }
  // What cannot be run is not reckoned either.
  if (!known.complaints.empty()) depth = PlanDepth::kHeaders;
  PlanChecker checker(bench, spec, method_checks, costs, depth, place);
  CheckedPlan checked;
  SFT_ASSIGN_OR_RETURN(
      checked.plan,
      spec::ExpandPlan(
          known, bench.Tables(),
          [&](const spec::RunConfig& config)
              -> absl::StatusOr<std::vector<std::string>> {
            if (depth == PlanDepth::kHeaders) return std::vector<std::string>();
            return checker.Digests(config);
          },
          [&](const spec::RunConfig& config, bool is_refused) {
            return checker.Check(config, is_refused);
          },
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

absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks,
                                     PlanDepth depth) {
  RunCosts costs(bench);
  return MakePlan(bench, spec, method_checks, costs, depth);
}

}  // namespace sft::launch
