// ExpandPlan: cells resolved, rejected or given an id, and paired.
#include <algorithm>
#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/spec/baselines.h"
#include "harness/spec/cells.h"
#include "harness/spec/mixture.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {
namespace {

// nullopt or why no method could run the cell.
std::optional<Finding> Objection(const RunConfig& config,
                                 const SpecTables& tables) {
  const int budgets =
      (config.budget_steps > 0) + (config.budget_target_tokens > 0) +
      (config.budget_epochs > 0) + (config.budget_wall_seconds > 0);
  if (budgets != 1) {
    return Finding{"budget",
                   absl::StrCat("wanted exactly one of steps, target_tokens, "
                                "epochs, wall_seconds above 0, found ",
                                budgets)};
  }
  if (config.train.empty()) return Finding{"train", "names no data set"};
  if (config.max_row_tokens > 0 &&
      config.max_row_tokens < config.min_row_tokens) {
    return Finding{"max_row_tokens",
                   absl::StrCat("wanted at least min_row_tokens = ",
                                config.min_row_tokens)};
  }
  if (config.beta1 >= 1) return Finding{"beta1", "wanted a value below 1"};
  if (config.beta2 >= 1) return Finding{"beta2", "wanted a value below 1"};
  for (const OptimizerSpecRow& row : tables.optimizers) {
    if (row.name != config.optimizer) continue;
    std::string objection = row.objection(config);
    if (!objection.empty()) return Finding{"optimizer", std::move(objection)};
  }
  if (!config.retain.empty() && config.heldout_window > config.heldout_tokens) {
    return Finding{"heldout_window", absl::StrCat("wanted at most "
                                                  "heldout_tokens = ",
                                                  config.heldout_tokens)};
  }
  return std::nullopt;
}

// Digests are of files, which may be large: asked for once.
class RunIds {
 public:
  explicit RunIds(const InputDigests& digests) : digests_(digests) {}

  absl::StatusOr<std::string> Of(const RunConfig& config) {
    std::vector<std::string> inputs = {config.model,
                                       CanonicalText(config.train),
                                       CanonicalText(config.evaluate),
                                       CanonicalText(config.retain),
                                       CanonicalText(config.train_limit),
                                       CanonicalText(config.test_limit),
                                       CanonicalText(config.validation_limit),
                                       config.limit_from};
    for (const auto& [name, json] : config.user_data) inputs.push_back(json);
    auto it = known_.find(inputs);
    if (it == known_.end()) {
      SFT_ASSIGN_OR_RETURN(std::vector<std::string> found, digests_(config));
      it = known_.emplace(inputs, std::move(found)).first;
    }
    return MakeRunId(config, it->second);
  }

 private:
  const InputDigests& digests_;
  std::map<std::vector<std::string>, std::vector<std::string>> known_;
};

// Fields that change what is measured of a model that is not trained.
const std::set<std::string>& UntunedFields() {
  static const std::set<std::string> kFields = {"model",
                                                "evaluate",
                                                "retain",
                                                "max_length",
                                                "dtype",
                                                "device",
                                                "threads",
                                                "prompt_form",
                                                "loss_on_prompt",
                                                "test_limit",
                                                "validation_limit",
                                                "limit_from",
                                                "sample_seed",
                                                "heldout_tokens",
                                                "heldout_window",
                                                "generate_samples",
                                                "loss_on",
                                                "system_prompt",
                                                "bos",
                                                "score_end_of_turn"};
  return kFields;
}

// Hands the config those of the spec's data sets that it names.
void AddUserData(const std::vector<UserData>& data, RunConfig& config) {
  for (const UserData& one : data) {
    for (const auto* names :
         {&config.train, &config.evaluate, &config.retain}) {
      // What is no mixture was refused before.
      const std::vector<std::string> sets = SetsOf(*names).value();
      if (std::find(sets.begin(), sets.end(), one.name) != sets.end()) {
        config.user_data[one.name] = UserDataToJson(one);
      }
    }
  }
}

absl::StatusOr<RunConfig> ResolveCell(const Cell& cell,
                                      const CellResolver& resolver) {
  std::map<std::string, std::string> fields = resolver.Options(cell);
  for (const auto& [name, value] : cell) {
    if (resolver.Applies(cell, name)) fields[name] = value;
  }
  return ConfigFromFields(fields);
}

}  // namespace

RunConfig UntunedConfig(const RunConfig& config) {
  std::map<std::string, std::string> kept;
  for (const auto& [name, value] : PrintFields(config)) {
    if (UntunedFields().count(name) != 0) kept[name] = value;
  }
  // Values that were printed can be read.
  RunConfig untuned = ConfigFromFields(kept).value();
  untuned.method = kUntuned;
  for (const auto& [name, json] : config.user_data) {
    for (const auto* names : {&untuned.evaluate, &untuned.retain}) {
      if (std::find(names->begin(), names->end(), name) != names->end()) {
        untuned.user_data[name] = json;
      }
    }
  }
  return untuned;
}

std::string FindingText(const ExperimentSpec& spec, const RunConfig& config,
                        const Finding& finding) {
  const std::map<std::string, std::string> fields = ConfigFields(config);
  const auto it = fields.find(finding.field);
  const std::string value = it == fields.end() ? "" : it->second;
  std::string text = absl::StrCat(WhereInSpec(spec, finding.field, value), ": ",
                                  finding.field);
  if (it != fields.end()) absl::StrAppend(&text, " = '", value, "'");
  return absl::StrCat(text, ": ", finding.reason);
}

absl::StatusOr<RunPlan> ExpandPlan(const ExperimentSpec& spec,
                                   const SpecTables& tables,
                                   const InputDigests& digests,
                                   const CellCheck& check,
                                   const CellCompleter& complete) {
  RunPlan plan;
  plan.question = spec.question;
  plan.spec_text = spec.text;
  plan.axis_names = AxisNames(spec);
  plan.select_by = spec.select_by;
  plan.select_per = spec.select_per;

  const CellResolver resolver(tables);
  SFT_ASSIGN_OR_RETURN(const std::vector<Cell> cells,
                       ExpandCells(spec, resolver));
  RunIds ids(digests);
  std::vector<PlannedRun> untuned_runs;
  std::vector<PlannedRun> runs;
  std::set<std::string> seen;  // canonical texts
  std::set<std::string> run_ids;
  std::vector<RunConfig> configs;
  std::set<std::string> trained;
  for (const Cell& cell : cells) {
    SFT_ASSIGN_OR_RETURN(RunConfig config, ResolveCell(cell, resolver));
    AddUserData(spec.data, config);
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets,
                         SetsOf(config.train));
    trained.insert(sets.begin(), sets.end());
    configs.push_back(std::move(config));
  }
  for (size_t c = 0; c < cells.size(); ++c) {
    const Cell& cell = cells[c];
    PlannedRun run;
    run.config = std::move(configs[c]);
    if (complete) {
      SFT_RETURN_IF_ERROR(complete(trained, run.config));
    }
    if (!seen.insert(run.config.CanonicalConfigText()).second) continue;
    for (const std::string& name : plan.axis_names) {
      if (resolver.Applies(cell, name)) {
        run.axes[name] = resolver.Value(cell, name);
      }
    }
    std::optional<Finding> finding = Objection(run.config, tables);
    if (!finding && check) {
      SFT_ASSIGN_OR_RETURN(finding, check(run.config));
    }
    if (finding) {
      plan.rejected.push_back(
          {run.axes, FindingText(spec, run.config, *finding)});
      continue;
    }

    PlannedRun untuned;
    untuned.config = UntunedConfig(run.config);
    SFT_ASSIGN_OR_RETURN(untuned.run_id, ids.Of(untuned.config));
    run.untuned_id = untuned.run_id;
    const auto same = [&](const PlannedRun& other) {
      return other.run_id == untuned.run_id;
    };
    if (std::none_of(untuned_runs.begin(), untuned_runs.end(), same)) {
      const std::map<std::string, std::string> fields =
          ConfigFields(untuned.config);
      for (const auto& [name, value] : run.axes) {
        if (UntunedFields().count(name) != 0 || name == "method" ||
            name == "batching" || name == "seed") {
          untuned.axes[name] = fields.at(name);
        }
      }
      untuned_runs.push_back(std::move(untuned));
    }
    SFT_ASSIGN_OR_RETURN(run.run_id, ids.Of(run.config));
    // One model or file under two paths is one run.
    if (!run_ids.insert(run.run_id).second) continue;
    runs.push_back(std::move(run));
  }
  if (runs.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        plan.rejected.front().reason,
        plan.rejected.size() > 1 ? " (no cell can be run; this is the first)"
                                 : ""));
  }
  plan.runs = std::move(untuned_runs);
  std::move(runs.begin(), runs.end(), std::back_inserter(plan.runs));

  if (!spec.select_by.empty() &&
      std::all_of(
          plan.runs.begin(), plan.runs.end(),
          [](const PlannedRun& run) { return run.config.evaluate.empty(); })) {
    return InputError(WhereInSpec(spec, "select"),
                      absl::StrCat("select: {by: ", spec.select_by,
                                   "}: nothing records it without a task "
                                   "under evaluate: {tasks: [...]}"));
  }
  const BaselineFinder baselines(spec, plan);
  SFT_RETURN_IF_ERROR(baselines.Check());
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    plan.runs[i].baseline_id = baselines.For(i);
  }
  return plan;
}

}  // namespace sft::spec
