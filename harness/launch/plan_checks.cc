#include "harness/launch/plan_checks.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "harness/core/status.h"
#include "harness/spec/mixture.h"

namespace sft {
namespace {

class PlanChecker {
 public:
  PlanChecker(const Workbench& bench, const ExperimentSpec& spec)
      : bench_(bench), spec_(spec) {}

  absl::StatusOr<std::optional<Finding>> Check(const RunConfig& config) {
    SFT_ASSIGN_OR_RETURN(const ModelFacts* model, ModelOf(config));
    CellFacts facts{bench_, spec_, config, *model, {}, {}, {}};
    for (const auto& [field, names, rows] :
         {std::tuple{"train", &config.train, &facts.train},
          std::tuple{"evaluate", &config.evaluate, &facts.evaluate},
          std::tuple{"retain", &config.retain, &facts.retain}}) {
      SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, SetsOf(*names));
      for (const std::string& name : sets) {
        SFT_ASSIGN_OR_RETURN(const DatasetRow* row,
                             bench_.DatasetOf(config, name));
        rows->push_back(row);
      }
    }
    for (const CellRule rule : AllCellRules()) {
      std::optional<Finding> finding = rule(facts);
      if (!finding) continue;
      if (!finding->is_warning) return finding;
      Warn(FindingText(spec_, config, *finding));
    }
    return std::optional<Finding>();
  }

  void Warn(std::string text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) ==
        warnings_.end()) {
      warnings_.push_back(std::move(text));
    }
  }
  std::vector<std::string> TakeWarnings() { return std::move(warnings_); }

 private:
  absl::StatusOr<const ModelFacts*> ModelOf(const RunConfig& config) {
    auto it = models_.find(config.model);
    if (it == models_.end()) {
      absl::StatusOr<ModelFacts> facts =
          ReadModelFacts(config.model, bench_.folders.assets);
      if (!facts.ok()) {
        return InputError(WhereInSpec(spec_, "model", config.model),
                          ToStd(facts.status().message()));
      }
      it = models_.emplace(config.model, *std::move(facts)).first;
    }
    return &it->second;
  }

  const Workbench& bench_;
  const ExperimentSpec& spec_;
  std::map<std::string, ModelFacts> models_;
  std::vector<std::string> warnings_;
};

}  // namespace

int64_t ModelFacts::max_positions() const {
  if (encoder() != nullptr) return encoder()->max_positions();
  return decoder()->max_positions;
}

bool ModelFacts::learned_positions() const {
  return encoder() != nullptr || !decoder()->layout->positions.empty();
}

absl::StatusOr<ModelFacts> ReadModelFacts(const std::string& name,
                                          const std::string& assets) {
  ModelFacts facts;
  SFT_ASSIGN_OR_RETURN(facts.where, LocateModel(name, assets));
  // Of the weight files only the headers are read.
  SFT_ASSIGN_OR_RETURN(const WeightFiles files,
                       facts.where.gguf.empty()
                           ? WeightFiles::OpenFolder(facts.where.folder)
                           : WeightFiles::OpenGguf(facts.where.gguf));
  facts.config = files.config();
  SFT_ASSIGN_OR_RETURN(facts.tokenizer, LoadTokenizerOf(facts.where));
  return facts;
}

absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const ExperimentSpec& spec) {
  PlanChecker checker(bench, spec);
  CheckedPlan checked;
  SFT_ASSIGN_OR_RETURN(
      checked.plan,
      ExpandPlan(
          spec, bench.Tables(),
          [&](const RunConfig& config) { return bench.InputDigestsOf(config); },
          [&](const RunConfig& config) { return checker.Check(config); }));
  for (const PlanRule rule : AllPlanRules()) {
    const std::optional<Finding> finding = rule({bench, spec, checked.plan});
    if (!finding) continue;
    const std::string text =
        absl::StrCat(WhereInSpec(spec, finding->field), ": ", finding->field,
                     ": ", finding->reason);
    if (!finding->is_warning) return absl::InvalidArgumentError(text);
    checker.Warn(text);
  }
  checked.warnings = checker.TakeWarnings();
  return checked;
}

}  // namespace sft
