// The rules of plan_checks.h. To add one, write a function and its row at the
// end, and an input that it refuses in tests/experiments/broken_inputs_test.cc.
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/render/render.h"
#include "harness/data/render/render_head.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/cost_rules.h"
#include "harness/launch/plan_checks.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/search_rules.h"
#include "harness/launch/text_rules.h"
#include "harness/spec/spec_messages.h"

namespace sft::launch {
namespace {

// What a function of the run itself says, as its finding: "max_length: 4
// tokens leave ..." is about that field, all else about `field`.
std::optional<spec::Finding> AsFinding(const absl::Status& status,
                                       const std::string& field) {
  if (status.ok()) return std::nullopt;
  const std::string text = ToStd(status.message());
  const size_t colon = text.find(": ");
  if (colon != std::string::npos && colon > 0 &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") ==
          colon) {
    return spec::Finding{text.substr(0, colon), text.substr(colon + 2)};
  }
  return spec::Finding{field, text};
}

// Calls `visit` with the spec's field and the task, until it finds something.
template <class Visit>
std::optional<spec::Finding> OverTasks(const CellFacts& facts,
                                       const Visit& visit) {
  for (const auto& [field, rows] : {std::pair{"train", &facts.train},
                                    std::pair{"evaluate", &facts.evaluate},
                                    std::pair{"retain", &facts.retain}}) {
    for (const data::DatasetRow* row : *rows) {
      if (std::optional<spec::Finding> found = visit(field, *row)) return found;
    }
  }
  return std::nullopt;
}

std::optional<spec::Finding> DeviceIsHere(const CellFacts& facts) {
  if (ModelOptionsOf(facts.config).ok()) return std::nullopt;
  return spec::Finding{
      "device",
      "this program sees no such device; use device: cpu, or a "
      "build of the cuda preset on a machine with a card",
      /*is_warning=*/facts.runs_elsewhere};
}

std::optional<spec::Finding> TokenizerFits(const CellFacts& facts) {
  const int64_t ids = facts.model.tokenizer->vocab_size();
  if (ids <= facts.model.vocabulary()) return std::nullopt;
  return spec::Finding{
      "model",
      absl::StrCat("the tokenizer has ", ids, " ids, the embedding only ",
                   facts.model.vocabulary(), " rows")};
}

// Learned positions end; rotary ones go on, on what the model never saw.
std::optional<spec::Finding> PositionsFit(const CellFacts& facts) {
  const int64_t positions = facts.model.max_positions();
  const bool learned = facts.model.learned_positions();
  std::string field = "max_length";
  if (facts.config.max_length <= positions) {
    const auto is_text = [](const data::DatasetRow* row) {
      return data::KindRow(row->task.kind).is_text;
    };
    if (facts.config.heldout_window <= positions ||
        std::none_of(facts.retain.begin(), facts.retain.end(), is_text)) {
      return std::nullopt;
    }
    field = "heldout_window";
  }
  if (learned) {
    return spec::Finding{field,
                         absl::StrCat("above the ", positions,
                                      " positions that the model has (they "
                                      "are learned, there are no others); "
                                      "set ",
                                      field, " to at most ", positions)};
  }
  return spec::Finding{
      field,
      absl::StrCat("above the ", positions,
                   " positions that the model was made for: what "
                   "is measured beyond them is a model out of its "
                   "range"),
      /*is_warning=*/true};
}

// The spec's tables know no kinds of its own files.
std::optional<spec::Finding> TextIsRetained(const CellFacts& facts) {
  for (const auto& [field, rows] : {std::pair{"train", &facts.train},
                                    std::pair{"evaluate", &facts.evaluate}}) {
    for (const data::DatasetRow* row : *rows) {
      if (!data::KindRow(row->task.kind).is_text) continue;
      return spec::Finding{field, spec::HeldOutText(row->name)};
    }
  }
  return std::nullopt;
}

// Of a user's own file; the listed sets have them.
std::optional<spec::Finding> SplitsHoldRows(const CellFacts& facts) {
  const auto without =
      [&facts](const std::vector<const data::DatasetRow*>& rows,
               int64_t Workbench::SplitSizes::*split) -> std::string {
    for (const data::DatasetRow* row : rows) {
      if (facts.config.user_data.count(row->name) == 0 ||
          data::KindRow(row->task.kind).is_text) {
        continue;
      }
      const auto sizes = facts.bench.SizesOf(*row);
      if (sizes.ok() && (*sizes).*split == 0) return row->name;
    }
    return "";
  };
  std::string name = without(facts.train, &Workbench::SplitSizes::train);
  if (!name.empty()) {
    return spec::Finding{"train", name +
                                      " has no row to train on; give split: "
                                      "another first share, or a larger file"};
  }
  for (const auto& [field, rows] : {std::pair{"evaluate", &facts.evaluate},
                                    std::pair{"retain", &facts.retain}}) {
    name = without(*rows, &Workbench::SplitSizes::test);
    if (name.empty()) continue;
    return spec::Finding{field,
                         name +
                             " has no test row; name a file of them in "
                             "test:, or give split: a third share above 0"};
  }
  return std::nullopt;
}

// A span head is not taught to find nothing.
std::optional<spec::Finding> SpanHeadsHaveAnswers(const CellFacts& facts) {
  if (facts.model.encoder() == nullptr) return std::nullopt;
  for (const auto& [field, rows] : {std::pair{"train", &facts.train},
                                    std::pair{"evaluate", &facts.evaluate},
                                    std::pair{"retain", &facts.retain}}) {
    for (const data::DatasetRow* row : *rows) {
      if (facts.config.user_data.count(row->name) == 0) continue;
      const auto& head = data::KindRow(row->task.kind).head;
      if (!head || head->kind != HeadKind::kSpan) continue;
      const auto sizes = facts.bench.SizesOf(*row);
      if (!sizes.ok() || sizes->unanswerable == 0) continue;
      return spec::Finding{field,
                           absl::StrCat(row->name, " has ", sizes->unanswerable,
                                        " questions without an answer, which "
                                        "an encoder's span head does not "
                                        "learn here; take a decoder, or leave "
                                        "these rows out")};
    }
  }
  return std::nullopt;
}

// The form of the prompt, and room for answers, as rows are rendered.
std::optional<spec::Finding> RowsFit(const CellFacts& facts) {
  if (facts.model.encoder() != nullptr) return std::nullopt;
  data::RenderOptions options;
  options.form = facts.config.prompt_form;
  options.max_length = facts.config.max_length;
  options.loss_on_prompt = facts.config.loss_on_prompt;
  options.loss_on = facts.config.loss_on;
  options.system_prompt = facts.config.system_prompt;
  options.bos = facts.config.bos;
  return OverTasks(
      facts,
      [&](const char* field,
          const data::DatasetRow& row) -> std::optional<spec::Finding> {
        if (data::KindRow(row.task.kind).is_text) return std::nullopt;
        return AsFinding(
            data::RenderRows({}, row.task, *facts.model.tokenizer, options)
                .status(),
            field);
      });
}

// An encoder has one head.
std::optional<spec::Finding> HeadFits(const CellFacts& facts) {
  if (facts.model.encoder() == nullptr) return std::nullopt;
  std::optional<data::TaskHead> shared;
  std::string first;
  return OverTasks(
      facts,
      [&](const char* field,
          const data::DatasetRow& row) -> std::optional<spec::Finding> {
        const absl::StatusOr<data::TaskHead> head = data::HeadOfTask(row.task);
        if (!head.ok()) return AsFinding(head.status(), field);
        if (shared &&
            (shared->kind != head->kind || shared->classes != head->classes)) {
          return spec::Finding{
              field, absl::StrCat("an encoder has one head, but ", first,
                                  " and ", row.name,
                                  " need different ones; train "
                                  "them in two specs")};
        }
        shared = *head;
        first = row.name;
        return std::nullopt;
      });
}

// Fields that only a decoder's prompts have are not dropped in silence.
std::optional<spec::Finding> EncoderReadsNoPrompt(const CellFacts& facts) {
  if (facts.model.encoder() == nullptr) return std::nullopt;
  const spec::RunConfig& config = facts.config;
  const spec::RunConfig defaults;
  const char* field = nullptr;
  if (config.prompt_form != defaults.prompt_form) field = "prompt_form";
  if (config.loss_on_prompt != defaults.loss_on_prompt) {
    field = "loss_on_prompt";
  }
  if (config.loss_on != defaults.loss_on) field = "loss_on";
  if (!config.system_prompt.empty()) field = "system_prompt";
  if (field == nullptr) return std::nullopt;
  return spec::Finding{field,
                       "has no effect: an encoder reads the text itself, not a "
                       "prompt",
                       /*is_warning=*/true};
}

// What the methods say of their options, and of a model of such maps.
std::optional<spec::Finding> MethodsFit(const CellFacts& facts) {
  const train::UpdateMethodRow* update =
      facts.bench.FindUpdateMethod(facts.config.method);
  const train::BatchingMethodRow* batching =
      facts.bench.FindBatchingMethod(facts.config.batching);
  if (update == nullptr || batching == nullptr) {
    return spec::Finding{update == nullptr ? "method" : "batching",
                         "is none of 'sftbench list methods'"};
  }
  absl::Status status = update->make(facts.config).status();
  const auto check = facts.method_checks.find(facts.config.method);
  if (status.ok() && check != facts.method_checks.end()) {
    status = check->second(facts.config, facts.model.maps());
  }
  if (!status.ok()) return AsFinding(status, "method");
  return AsFinding(batching->make(facts.config).status(), "batching");
}

// What the method reads before it trains.
std::optional<spec::Finding> CalibrationHasRows(const CellFacts& facts) {
  const train::UpdateMethodRow* method =
      facts.bench.FindUpdateMethod(facts.config.method);
  if (method == nullptr || !method->calibration) return std::nullopt;
  const train::CalibrationRows wanted = method->calibration(facts.config);
  if (wanted.of_round_before ||
      facts.bench.DatasetOf(facts.config, wanted.set).ok()) {
    return std::nullopt;
  }
  return spec::Finding{
      wanted.option,
      "names no data set; the method reads rows of one that is not trained "
      "on, replayed or measured ('sftbench list datasets')"};
}

// Tensors that are missing, surplus, of another shape or in a type that cannot
// be read.
std::optional<spec::Finding> TensorsFit(const CellFacts& facts) {
  if (facts.model.tensors.ok()) return std::nullopt;
  return spec::Finding{"model", ToStd(facts.model.tensors.message())};
}

// Between one label and itself nothing is to be chosen.
std::optional<spec::Finding> LabelsDiffer(const CellFacts& facts) {
  for (const auto& [field, rows] : {std::pair{"evaluate", &facts.evaluate},
                                    std::pair{"retain", &facts.retain}}) {
    for (const data::DatasetRow* row : *rows) {
      if (!data::KindRow(row->task.kind).has_classes ||
          row->task.labels.size() >= 2) {
        continue;
      }
      return spec::Finding{
          field, absl::StrCat(row->name, " has ", row->task.labels.size(),
                              " labels; scores want two or more")};
    }
  }
  return std::nullopt;
}

// What select: goes by, the loss of validation rows, is there.
std::optional<spec::Finding> SelectionHasRows(const PlanFacts& facts) {
  if (facts.spec.select_by.empty()) return std::nullopt;
  std::set<std::string> without;
  for (const spec::PlannedRun& run : facts.plan.runs) {
    bool measured = false;
    const std::string task = spec::TaskOfMeasure(facts.spec.select_by);
    for (const std::string& name : run.config.evaluate) {
      if (!task.empty() && name != task) continue;
      const auto row = facts.bench.DatasetOf(run.config, name);
      if (!row.ok()) continue;
      const auto sizes = facts.bench.SizesOf(**row);
      measured = measured || !sizes.ok() || sizes->validation > 0;
    }
    if (measured) continue;
    without.insert(run.config.evaluate.begin(), run.config.evaluate.end());
  }
  if (without.empty()) return std::nullopt;
  return spec::Finding{
      "select", absl::StrCat("by ", facts.spec.select_by, ": ",
                             absl::StrJoin(without, ", "),
                             " has no validation row; name a file of them in "
                             "validation:, or give split: a second share "
                             "above 0")};
}

std::optional<spec::Finding> PointsAreRetained(const CellFacts& facts) {
  const std::vector<std::string>& retain = facts.config.retain;
  for (const std::string& name : facts.config.at_points) {
    if (std::count(retain.begin(), retain.end(), name) > 0) continue;
    return spec::Finding{
        "at_points", absl::StrCat("'", name,
                                  "' is measured neither before nor after; "
                                  "name it in evaluate: {retain: [...]} too")};
  }
  return std::nullopt;
}

}  // namespace

const std::vector<CellRule>& AllCellRules() {
  static const auto& rules = *new std::vector<CellRule>{
      DeviceIsHere,
      TokenizerFits,
      PositionsFit,
      BosExists,
      TextIsRetained,
      SplitsHoldRows,
      RowsFit,
      HeadFits,
      MethodsFit,
      CalibrationHasRows,
      EncoderReadsNoPrompt,
      SpanHeadsHaveAnswers,
      LabelsDiffer,
      TensorsFit,
      PointsAreRetained,
  };
  return rules;
}

const std::vector<CostRule>& AllCostRules() {
  static const auto& rules =
      *new std::vector<CostRule>{MemoryFits, CurveFits, RungsHoldSteps};
  return rules;
}

const std::vector<PlanRule>& AllPlanRules() {
  static const auto& rules =
      *new std::vector<PlanRule>{SelectionHasRows, SearchIsFair, RungsCanPause};
  return rules;
}

}  // namespace sft::launch
