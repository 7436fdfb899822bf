#include "harness/launch/plan_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/row_text.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/model/forward/decoder.h"
#include "harness/spec/mixture.h"

namespace sft::launch {
namespace {

// Whether text has the ids of its parts, without any around it.
bool ReadsParts(const Tokenizer& tokenizer) {
  if (tokenizer.added_ids() != AddedIds()) return false;
  std::vector<int32_t> parts = tokenizer.Encode("a");
  for (int32_t id : tokenizer.Encode(" b")) parts.push_back(id);
  if (tokenizer.Encode("a b") != parts) return false;
  if (!tokenizer.has_chat_template()) return true;
  const auto frame = data::ChatText(tokenizer).Frame({{"user", "x"}});
  return !frame.ok() || frame->lead.empty();
}

class PlanChecker {
 public:
  PlanChecker(const Workbench& bench, const spec::ExperimentSpec& spec,
              const model::MethodChecks& method_checks)
      : bench_(bench), spec_(spec), method_checks_(method_checks) {}

  absl::StatusOr<std::optional<spec::Finding>> Check(
      const spec::RunConfig& config) {
    SFT_ASSIGN_OR_RETURN(const ModelFacts* model, ModelOf(config));
    CellFacts facts{bench_, method_checks_, spec_, config, *model, {}, {}, {}};
    for (const auto& [field, names, rows] :
         {std::tuple{"train", &config.train, &facts.train},
          std::tuple{"evaluate", &config.evaluate, &facts.evaluate},
          std::tuple{"retain", &config.retain, &facts.retain}}) {
      SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets,
                           spec::SetsOf(*names));
      for (const std::string& name : sets) {
        SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row,
                             bench_.DatasetOf(config, name));
        rows->push_back(row);
      }
    }
    for (const CellRule rule : AllCellRules()) {
      std::optional<spec::Finding> finding = rule(facts);
      if (!finding) continue;
      if (!finding->is_warning) return finding;
      Warn(spec::FindingText(spec_, config, *finding));
    }
    return std::optional<spec::Finding>();
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

int64_t ModelFacts::vocabulary() const {
  return encoder() != nullptr ? encoder()->vocabulary : decoder()->vocabulary;
}

std::vector<model::SlotShape> ModelFacts::maps() const {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (model::ParameterShape& row :
       encoder() != nullptr ? model::EncoderParameters(*encoder())
                            : model::DecoderParameters(*decoder())) {
    shapes[row.name] = std::move(row.shape);
  }
  std::vector<model::SlotShape> maps;
  const auto add = [&](const std::string& name, model::Role role) {
    const auto it = shapes.find(model::WeightName(name));
    if (it == shapes.end() || it->second.size() != 2) return;
    maps.push_back({name, role, it->second[0], it->second[1]});
  };
  const auto add_layers = [&](const auto& layout, int64_t layers) {
    for (int64_t layer = 0; layer < layers; ++layer) {
      for (const auto& map : layout.maps) {
        add(layout.LayerName(layer, map.name), map.role);
      }
    }
  };
  if (encoder() != nullptr) {
    add_layers(*encoder()->layout, encoder()->layers);
    if (encoder()->pooler) {
      add(std::string(encoder()->layout->pooler), model::Role::kPooler);
    }
  } else {
    add_layers(*decoder()->layout, decoder()->layers);
  }
  return maps;
}

int64_t ModelFacts::max_positions() const {
  if (encoder() != nullptr) return encoder()->max_positions();
  return decoder()->Reach();
}

bool ModelFacts::learned_positions() const {
  return encoder() != nullptr || !decoder()->layout->positions.empty();
}

absl::StatusOr<std::vector<std::string>> DigestsOfCell(
    const Workbench& bench, const ModelFacts& model,
    const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(std::vector<std::string> digests,
                       bench.InputDigestsOf(config));
  if (model.encoder() == nullptr && !ReadsParts(*model.tokenizer)) {
    digests.push_back("joined text");
  }
  return digests;
}

absl::Status CheckRunId(const Workbench& bench, const std::string& run_id,
                        const spec::RunConfig& config) {
  constexpr size_t kRunIdDigits = 16;
  if (run_id.size() != kRunIdDigits ||
      run_id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return absl::OkStatus();
  }
  SFT_ASSIGN_OR_RETURN(const ModelFacts model,
                       ReadModelFacts(config.model, bench.folders.assets));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> digests,
                       DigestsOfCell(bench, model, config));
  if (spec::MakeRunId(config, digests) == run_id) return absl::OkStatus();
  return InputError(config.model,
                    "its files, or those of a data set, changed since the "
                    "sweep was planned; run the same command again");
}

absl::StatusOr<ModelFacts> ReadModelFacts(const std::string& name,
                                          const std::string& assets) {
  ModelFacts facts;
  SFT_ASSIGN_OR_RETURN(facts.where, model::LocateModel(name, assets));
  // Of the weight files only the headers are read.
  SFT_ASSIGN_OR_RETURN(const model::WeightFiles files,
                       facts.where.gguf.empty()
                           ? model::WeightFiles::OpenFolder(facts.where.folder)
                           : model::WeightFiles::OpenGguf(facts.where.gguf));
  facts.config = files.config();
  SFT_ASSIGN_OR_RETURN(facts.tokenizer, LoadTokenizerOf(facts.where));
  return facts;
}

absl::StatusOr<CheckedPlan> MakePlan(const Workbench& bench,
                                     const spec::ExperimentSpec& spec,
                                     const model::MethodChecks& method_checks) {
  for (const spec::UserData& data : spec.data) {
    SFT_RETURN_IF_ERROR(bench.ReadOwnData(data));
  }
  PlanChecker checker(bench, spec, method_checks);
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

}  // namespace sft::launch
