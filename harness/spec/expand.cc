// ExpandPlan: cells resolved, rejected or given an id, and paired.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/spec/baselines.h"
#include "harness/spec/cells.h"
#include "harness/spec/mixture.h"
#include "harness/spec/run_plan.h"
#include "harness/spec/run_shape.h"

namespace sft::spec {
namespace {

// Why no method could run the cell.
std::vector<Finding> Objections(const RunConfig& config,
                                const SpecTables& tables) {
  std::vector<Finding> found;
  const int budgets =
      (config.budget_steps > 0) + (config.budget_target_tokens > 0) +
      (config.budget_epochs > 0) + (config.budget_wall_seconds > 0);
  if (budgets != 1) {
    found.push_back(
        {"budget", absl::StrCat("wanted exactly one of steps, target_tokens, "
                                "epochs, wall_seconds above 0, found ",
                                budgets)});
  }
  if (config.train.empty()) found.push_back({"train", "names no data set"});
  if (config.max_row_tokens > 0 &&
      config.max_row_tokens < config.min_row_tokens) {
    found.push_back(
        {"max_row_tokens", absl::StrCat("wanted at least min_row_tokens = ",
                                        config.min_row_tokens)});
  }
  if (config.beta1 >= 1) found.push_back({"beta1", "wanted a value below 1"});
  if (config.beta2 >= 1) found.push_back({"beta2", "wanted a value below 1"});
  for (const OptimizerSpecRow& row : tables.optimizers) {
    if (row.name != config.optimizer) continue;
    std::string objection = row.objection(config);
    if (!objection.empty()) found.push_back({"optimizer", objection});
  }
  if (!config.retain.empty() && config.heldout_window > config.heldout_tokens) {
    found.push_back(
        {"heldout_window", absl::StrCat("wanted at most heldout_tokens = ",
                                        config.heldout_tokens)});
  }
  if (config.heldout_stride >= config.heldout_window) {
    found.push_back(
        {"heldout_stride", absl::StrCat("wanted less than heldout_window = ",
                                        config.heldout_window)});
  }
  return found;
}

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
                                                "heldout_stride",
                                                "generate_samples",
                                                "loss_on",
                                                "system_prompt",
                                                "bos",
                                                "score_end_of_turn"};
  return kFields;
}

// Hands the config those of the spec's data sets that it names.
void AddUserData(const std::vector<UserData>& data, const SpecTables& tables,
                 RunConfig& config) {
  std::vector<std::string> besides = config.replay_from;
  for (const MethodSpecRow& row : tables.update_methods) {
    if (row.name != config.method) continue;
    const auto option = config.method_options.find(row.data_option);
    if (option != config.method_options.end()) {
      besides.push_back(option->second);
    }
  }
  for (const UserData& one : data) {
    if (std::find(besides.begin(), besides.end(), one.name) != besides.end()) {
      config.user_data[one.name] = UserDataToJson(one);
    }
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

// Do cells that differ in this field differ in more than numbers of their
// training? Options of batching methods may decide which rows are read.
bool IsOfShape(const std::string& field, const SpecTables& tables) {
  if (UntunedFields().count(field) != 0) return true;
  for (const char* name : {"method", "batching", "train", "train_limit",
                           "replay.from", "replay.share"}) {
    if (field == name) return true;
  }
  for (const MethodSpecRow& row : tables.update_methods) {
    for (const FieldSpec& option : row.options) {
      // It may name a data set.
      if (option.name == field && option.type == FieldType::kString)
        return true;
    }
  }
  for (const MethodSpecRow& row : tables.batching_methods) {
    for (const FieldSpec& option : row.options) {
      if (option.name == field) return true;
    }
  }
  return false;
}

// Whether it evaluates the task, or any, that is selected by.
bool Records(const RunConfig& config, const std::string& select_by) {
  const std::string task = TaskOfMeasure(select_by);
  return task.empty()
             ? !config.evaluate.empty()
             : std::find(config.evaluate.begin(), config.evaluate.end(),
                         task) != config.evaluate.end();
}

class CellPlanner {
 public:
  CellPlanner(const ExperimentSpec& spec, const SpecTables& tables,
              const InputDigests& digests, const CellCheck& check,
              const CellCompleter& complete, Complaints& complaints)
      : spec_(spec),
        tables_(tables),
        digests_(digests),
        complaints_(complaints),
        later_(LaterOptionsOf(tables)),
        cells_(ExpandCells(spec, tables, complaints)),
        lines_(LinesOfCells(cells_, later_)) {
    for (size_t c = 0; c < cells_.columns.size(); ++c) {
      const std::string& name = cells_.columns[c].name;
      (IsOfShape(name, tables) ? of_shape_ : varying_).push_back(c);
      if (name == "seed" || name == "learning_rate") unchecked_.push_back(c);
    }
    // Of a model or data that were not meant nothing true can be said.
    for (const char* field : {"model", "train", "evaluate", "retain"}) {
      if (spec.Doubts(field)) return;
    }
    check_ = check;
    complete_ = complete;
  }

  // The cells' runs behind the untuned ones, and the cells that cannot be run.
  void AddRuns(RunPlan& plan) {
    FindTrained();
    for (const std::string& name : plan.axis_names) {
      axes_.emplace_back(name, cells_.ColumnOf(name));
    }
    std::vector<PlannedRun> runs;
    runs.reserve(cells_.size());
    absl::flat_hash_set<std::string> ids;
    for (size_t cell = 0; cell < cells_.size(); ++cell) {
      Kin* kin = KinOf(cell);
      if (kin == nullptr || kin->is_refused) continue;
      PlannedRun run;
      run.config = kin->shape.ConfigOf(cell);
      for (const auto& [name, column] : axes_) {
        const std::string* text = cells_.Text(cell, column);
        if (text != nullptr) run.axes.emplace(name, *text);
      }
      if (Reject(cell, run, plan)) continue;
      if (kin->untuned_id.empty() && !Identify(run, *kin)) continue;
      run.untuned_id = kin->untuned_id;
      run.run_id = kin->shape.RunIdOf(cell);
      // Completed, cells may have become the same, and one model or file may
      // have two paths.
      if (ids.insert(run.run_id).second) runs.push_back(std::move(run));
    }
    if (runs.empty()) RefuseAll();
    plan.runs = std::move(untuned_runs_);
    plan.runs.reserve(plan.runs.size() + runs.size());
    std::move(runs.begin(), runs.end(), std::back_inserter(plan.runs));
  }

 private:
  // The cells of one shape.
  struct Kin {
    RunShape shape;
    std::string untuned_id = {};  // "" before the first that can be run
    bool is_refused = false;
  };
  using Key = std::vector<uint32_t>;

  void FindTrained() {
    const size_t column = cells_.ColumnOf("train");
    if (column == cells_.columns.size()) return;
    std::set<uint32_t> values;
    for (size_t cell = 0; cell < cells_.size(); ++cell) {
      values.insert(cells_.row(cell)[column]);
    }
    for (const uint32_t value : values) {
      const std::string& text = cells_.columns[column].texts[value];
      if (text.empty()) continue;
      const absl::StatusOr<std::vector<std::string>> sets =
          SetsOf(absl::StrSplit(text, ','));
      complaints_.Add(sets.status());
      if (sets.ok()) trained_.insert(sets->begin(), sets->end());
    }
  }

  absl::StatusOr<RunConfig> Resolve(size_t cell) const {
    std::map<std::string, std::string> fields;
    for (size_t c = 0; c < cells_.columns.size(); ++c) {
      const std::string* text = cells_.Text(cell, c);
      if (text != nullptr) fields.emplace(cells_.columns[c].name, *text);
    }
    for (const auto& [rows, field] :
         {std::pair{&tables_.update_methods, "method"},
          std::pair{&tables_.batching_methods, "batching"}}) {
      for (const MethodSpecRow& row : *rows) {
        if (row.name != fields.at(field)) continue;
        for (const FieldSpec& option : row.options) {
          fields.emplace(option.name, option.default_text);
        }
      }
    }
    SFT_ASSIGN_OR_RETURN(RunConfig config, ConfigFromFields(fields));
    NoteLaterOptions(later_, config);
    AddUserData(spec_.data, tables_, config);
    if (complete_) SFT_RETURN_IF_ERROR(complete_(trained_, config));
    return config;
  }

  absl::StatusOr<std::vector<std::string>> DigestsOf(const RunConfig& config) {
    // Nothing will be run: the ids need not be those of files.
    if (!spec_.complaints.empty()) return std::vector<std::string>();
    return digests_(config);
  }

  // nullptr where the shape cannot be planned, which was complained of.
  Kin* KinOf(size_t cell) {
    Key key;
    for (const size_t column : of_shape_) {
      key.push_back(cells_.row(cell)[column]);
    }
    const auto [it, is_new] = kin_.try_emplace(std::move(key));
    if (is_new) it->second = MakeKin(cell);
    return it->second.get();
  }
  std::unique_ptr<Kin> MakeKin(size_t cell) {
    absl::StatusOr<RunConfig> config = Resolve(cell);
    complaints_.Add(config.status());
    if (!config.ok()) return nullptr;
    return std::make_unique<Kin>(
        Kin{RunShape(*std::move(config), cell, varying_, cells_, lines_)});
  }

  const std::vector<Finding>& Checked(size_t cell, const RunConfig& config,
                                      bool is_refused) {
    const auto row = cells_.row(cell);
    Key key(row.begin(), row.end());
    for (const size_t column : unchecked_) key[column] = CellTable::kNoValue;
    const auto [it, is_new] = checked_.try_emplace(std::move(key));
    if (is_new) {
      absl::StatusOr<std::vector<Finding>> found = check_(config, is_refused);
      complaints_.Add(found.status());
      if (found.ok()) it->second = *std::move(found);
    }
    return it->second;
  }

  // Notes why the cell cannot be run; false if it can.
  bool Reject(size_t cell, const PlannedRun& run, RunPlan& plan) {
    std::vector<Finding> found = Objections(run.config, tables_);
    if (check_) {
      const std::vector<Finding>& more =
          Checked(cell, run.config, !found.empty());
      found.insert(found.end(), more.begin(), more.end());
    }
    if (found.empty()) return false;
    std::string reasons;
    for (const Finding& finding : found) {
      const std::string text = FindingText(spec_, run.config, finding);
      absl::StrAppend(&reasons, reasons.empty() ? "" : "; ", text);
      if (!spec_.Doubts(finding.field))
        objections_.Add(absl::InvalidArgumentError(text));
    }
    plan.rejected.push_back({run.axes, std::move(reasons)});
    ++rejected_;
    return true;
  }

  // Where no cell can be run, each reason is an error.
  void RefuseAll() {
    bool is_first = true;
    for (const std::string& line : objections_.lines()) {
      complaints_.Add(absl::InvalidArgumentError(absl::StrCat(
          line, is_first && rejected_ > 1 ? " (no cell can be run)" : "")));
      is_first = false;
    }
  }

  // What the files that a shape's runs and their twin read have for digests,
  // and the twin, with the axes that it has of the first run; false if they
  // cannot be read.
  bool Identify(const PlannedRun& run, Kin& kin) {
    PlannedRun untuned;
    untuned.config = UntunedConfig(run.config);
    absl::StatusOr<std::vector<std::string>> own = DigestsOf(run.config);
    const absl::StatusOr<std::vector<std::string>> digests =
        DigestsOf(untuned.config);
    complaints_.Add(own.status());
    complaints_.Add(digests.status());
    kin.is_refused = !own.ok() || !digests.ok();
    if (kin.is_refused) return false;
    kin.shape.SetDigests(*std::move(own));
    untuned.run_id = MakeRunId(untuned.config, *digests);
    kin.untuned_id = untuned.run_id;
    if (!untuned_ids_.insert(untuned.run_id).second) return true;
    const std::map<std::string, std::string> fields =
        ConfigFields(untuned.config);
    for (const auto& [name, value] : run.axes) {
      if (UntunedFields().count(name) != 0 || name == "method" ||
          name == "batching" || name == "seed") {
        untuned.axes[name] = fields.at(name);
      }
    }
    untuned_runs_.push_back(std::move(untuned));
    return true;
  }

  const ExperimentSpec& spec_;
  const SpecTables& tables_;
  const InputDigests& digests_;
  CellCheck check_;
  CellCompleter complete_;
  Complaints& complaints_;
  const LaterOptions later_;
  const CellTable cells_;
  const CellLines lines_;
  std::vector<size_t> of_shape_, varying_, unchecked_;  // columns
  std::vector<std::pair<std::string, size_t>> axes_;    // name, column
  std::set<std::string> trained_;
  absl::flat_hash_map<Key, std::unique_ptr<Kin>> kin_;
  absl::flat_hash_map<Key, std::vector<Finding>> checked_;
  std::set<std::string> untuned_ids_;
  std::vector<PlannedRun> untuned_runs_;
  Complaints objections_;
  size_t rejected_ = 0;
};

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
  Complaints complaints = spec.complaints;
  // Of a spec that lost a whole block nothing true can be said.
  if (spec.in_doubt.count("") != 0) return complaints.ToStatus();
  RunPlan plan;
  plan.question = spec.question;
  plan.spec_text = spec.text;
  plan.axis_names = AxisNames(spec);
  plan.select_by = spec.select_by;
  plan.select_per = spec.select_per;
  plan.search = {spec.search.kind, spec.search.options};
  CellPlanner(spec, tables, digests, check, complete, complaints).AddRuns(plan);
  if (plan.runs.empty()) return complaints.ToStatus();

  if (!spec.select_by.empty() && !spec.Doubts("evaluate") &&
      std::none_of(plan.runs.begin(), plan.runs.end(),
                   [&](const PlannedRun& run) {
                     return Records(run.config, spec.select_by);
                   })) {
    const std::string task = TaskOfMeasure(spec.select_by);
    complaints.Add(
        WhereInSpec(spec, "select"),
        absl::StrCat(
            "select: {by: ", spec.select_by, "}: nothing records it without ",
            task.empty() ? "a task under evaluate: {tasks: [...]}"
                         : absl::StrCat("evaluate: {tasks: [", task, "]}")));
  }
  if (spec.in_doubt.empty()) {
    complaints.Add(PairWithBaselines(spec, plan));
  }
  if (!complaints.empty()) return complaints.ToStatus();
  return plan;
}

}  // namespace sft::spec
