#include "harness/launch/run_assembly.h"

#include <ATen/Context.h>

#include <optional>
#include <string>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"
#include "harness/data/render/render_head.h"

namespace sft::launch {
namespace {

absl::StatusOr<LoadedModel> OpenWith(model::ModelLocation where,
                                     model::WeightFiles files,
                                     std::unique_ptr<Tokenizer> tokenizer,
                                     const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                       ModelOptionsOf(config));
  const MemoryScope memory(MemoryUse::kWeights);
  LoadedModel loaded;
  loaded.where = std::move(where);
  loaded.tokenizer = std::move(tokenizer);
  SFT_ASSIGN_OR_RETURN(
      loaded.model, model::OpenModel(loaded.where,
                                     std::make_shared<const model::WeightFiles>(
                                         std::move(files)),
                                     options));
  const int64_t rows = loaded.model->info().vocabulary;
  if (loaded.tokenizer->vocab_size() > rows) {
    return InputError(
        loaded.where.name,
        absl::StrCat("the tokenizer has ", loaded.tokenizer->vocab_size(),
                     " ids, the embedding only ", rows, " rows"));
  }
  return loaded;
}

}  // namespace

at::ScalarType ComputeDtypeOf(const spec::RunConfig& config) {
  if (config.dtype == "bf16") return at::kBFloat16;
  return config.dtype == "f64" ? at::kDouble : at::kFloat;
}

absl::StatusOr<model::ModelOptions> ModelOptionsOf(
    const spec::RunConfig& config) {
  model::ModelOptions options;
  options.compute_dtype = ComputeDtypeOf(config);
  if (config.device == "cuda") {
    if (!at::hasCUDA()) {
      return absl::InvalidArgumentError(
          "device = 'cuda': this program sees no CUDA device; use "
          "device: cpu, or a build of the cuda preset on a machine with one");
    }
    options.device = at::kCUDA;
  }
  return options;
}

absl::StatusOr<LoadedModel> OpenModelOf(const Workbench& bench,
                                        const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(model::ModelLocation where,
                       model::LocateModel(config.model, bench.folders.assets));
  SFT_ASSIGN_OR_RETURN(model::WeightFiles files, model::OpenWeights(where));
  SFT_ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer,
                       LoadTokenizerOf(where));
  return OpenWith(std::move(where), std::move(files), std::move(tokenizer),
                  config);
}

absl::StatusOr<LoadedModel> OpenModelOf(ModelFacts facts,
                                        const spec::RunConfig& config) {
  return OpenWith(std::move(facts.where), *std::move(facts.files),
                  std::move(facts.tokenizer), config);
}

absl::StatusOr<LoadedModel> LoadModelOf(const Workbench& bench,
                                        const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(LoadedModel loaded, OpenModelOf(bench, config));
  SFT_RETURN_IF_ERROR(loaded.model->ReadMaps());
  return loaded;
}

absl::Status SetHeadForTasks(const Workbench& bench,
                             const spec::RunConfig& config,
                             model::Model& model) {
  if (!model.is_encoder()) return absl::OkStatus();
  if (config.max_length > model.info().max_positions) {
    return InputError(
        model.info().name,
        absl::StrCat("max_length ", config.max_length, " is above its ",
                     model.info().max_positions, " positions"));
  }
  std::optional<data::TaskHead> shared;
  std::string first;
  std::vector<std::string> labels;
  for (const auto* names : {&config.train, &config.evaluate, &config.retain}) {
    SFT_ASSIGN_OR_RETURN(const std::vector<const data::DatasetRow*> rows,
                         bench.DatasetsOf(config, *names));
    for (const data::DatasetRow* row : rows) {
      SFT_ASSIGN_OR_RETURN(const data::TaskHead head,
                           data::HeadOfTask(row->task));
      if (shared &&
          (shared->kind != head.kind || shared->classes != head.classes)) {
        return InputError(
            model.info().name,
            absl::StrCat("an encoder has one head, but ", first, " and ",
                         row->name,
                         " need different ones; train them in two runs"));
      }
      if (!shared) {
        labels = head.kind == HeadKind::kToken ? data::TagClasses(row->task)
                                               : row->task.labels;
      }
      shared = head;
      first = row->name;
    }
  }
  if (!shared) return InputError(model.info().name, "no task says which head");
  SFT_RETURN_IF_ERROR(
      model.SetHead(shared->kind, shared->classes, config.seed));
  model.SetLabelNames(labels, config.seed);
  return absl::OkStatus();
}

absl::StatusOr<RunInputs> ReadInputsFor(const Workbench& bench,
                                        const spec::RunConfig& config,
                                        const LoadedModel& loaded) {
  SFT_RETURN_IF_ERROR(SetHeadForTasks(bench, config, *loaded.model));
  return ReadRunInputs(bench, config, *loaded.tokenizer, loaded.model->head());
}

absl::StatusOr<std::unique_ptr<train::UpdateMethod>> AttachUpdateMethod(
    const Workbench& bench, const spec::RunConfig& config,
    model::Model& model) {
  const train::UpdateMethodRow* row = bench.FindUpdateMethod(config.method);
  if (row == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown method '", config.method, "'"));
  }
  SFT_ASSIGN_OR_RETURN(std::unique_ptr<train::UpdateMethod> method,
                       row->make(config));
  const MemoryScope memory(MemoryUse::kWeights);
  if (!method->ReadsMapByMap()) SFT_RETURN_IF_ERROR(model.ReadMaps());
  SFT_RETURN_IF_ERROR(method->Attach(model));
  SFT_RETURN_IF_ERROR(model.ReadMaps());  // what it left alone
  // What maps were made of is no longer held.
  ReleaseFreeTensorMemory();
  return method;
}

absl::StatusOr<std::unique_ptr<train::BatchingMethod>> MakeBatchingMethod(
    const Workbench& bench, const spec::RunConfig& config) {
  const train::BatchingMethodRow* row =
      bench.FindBatchingMethod(config.batching);
  if (row == nullptr) {
    return InputError("batching",
                      absl::StrCat("'", config.batching, "' is unknown"));
  }
  return row->make(config);
}

absl::StatusOr<PlannedRound> PlanRound(const spec::RunConfig& config,
                                       const RunInputs& inputs,
                                       train::BatchingMethod& batching,
                                       int64_t round) {
  const std::vector<Example>& examples =
      inputs.training[static_cast<size_t>(round)].examples;
  std::unique_ptr<data::Collator> collator = batching.MakeCollator();
  SFT_ASSIGN_OR_RETURN(train::StepPlan steps,
                       train::PlanSteps(config, examples, *collator, round));
  return PlannedRound{examples, std::move(collator), std::move(steps)};
}

absl::StatusOr<int64_t> CountSteps(const spec::RunConfig& config,
                                   const RunInputs& inputs,
                                   train::BatchingMethod& batching) {
  int64_t steps = 0;
  if (config.budget_wall_seconds > 0) return steps;
  for (size_t round = 0; round < config.train.size(); ++round) {
    SFT_ASSIGN_OR_RETURN(
        const PlannedRound planned,
        PlanRound(config, inputs, batching, static_cast<int64_t>(round)));
    steps += std::ssize(planned.steps.steps);
  }
  return steps;
}

}  // namespace sft::launch
