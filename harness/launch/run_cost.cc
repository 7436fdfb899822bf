#include "harness/launch/run_cost.h"

#include <algorithm>
#include <utility>

#include "harness/core/catch_torch.h"
#include "harness/core/status.h"
#include "harness/launch/base_measures.h"
#include "harness/launch/config_parts.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_measures.h"
#include "harness/measure/memory.h"
#include "harness/model/load/outline.h"
#include "harness/record/record_size.h"
#include "harness/train/step_plan.h"

namespace sft::launch {
namespace {

// Outlines that are kept at a time; each is some hundred kilobytes.
constexpr size_t kMostOutlines = 64;

int64_t SumOf(const std::map<std::string, int64_t>& bytes) {
  int64_t total = 0;
  for (const auto& [category, value] : bytes) total += value;
  return total;
}

}  // namespace

int64_t RunCost::memory_bytes() const { return SumOf(memory); }

absl::StatusOr<const ModelFacts*> RunCosts::FactsOf(const std::string& model) {
  auto it = models_.find(model);
  if (it == models_.end()) {
    SFT_ASSIGN_OR_RETURN(ModelFacts facts,
                         ReadModelFacts(model, bench_.folders.assets));
    it = models_.emplace(model, std::move(facts)).first;
  }
  return &it->second;
}

absl::StatusOr<RunCost> RunCosts::Of(const spec::RunConfig& config) {
  std::string part = absl::StrCat(RulesPart(config), "seed = ", config.seed);
  const auto known = known_.find(part);
  if (known != known_.end()) return known->second;
  SFT_ASSIGN_OR_RETURN(RunCost cost, Reckon(config));
  return known_.emplace(std::move(part), std::move(cost)).first->second;
}

absl::StatusOr<RunCost> RunCosts::Reckon(const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(const ModelFacts* facts, FactsOf(config.model));
  SFT_ASSIGN_OR_RETURN(Outline * outline, OutlineOf(config));
  SFT_ASSIGN_OR_RETURN(
      const std::shared_ptr<const PlannedRows> rows,
      rows_.Of(config, *facts->tokenizer, outline->model->head()));
  notices_.insert(rows->notices.begin(), rows->notices.end());
  RunCost cost;
  // The untouched model is scored once by its own run, a tuned one after every
  // round.
  const double scorings = std::max<double>(1, config.train.size());
  cost.flops = scorings * 2.0 *
               static_cast<double>(outline->model->info().parameters) *
               static_cast<double>(rows->eval_tokens);
  // Points of each round's curve, rewound models, and the two of a distance.
  const size_t points = config.train.size() * config.curve.size() +
                        config.rewind.size() + (config.distance ? 2 : 0);
  cost.flops += static_cast<double>(points) * 2.0 *
                static_cast<double>(outline->model->info().parameters) *
                static_cast<double>(rows->point_tokens);
  const train::UpdateMethodRow* method = bench_.FindUpdateMethod(config.method);
  if (method != nullptr && method->calibration) {
    const double passes = method->calibration(config).takes_gradients ? 3 : 1;
    cost.flops += passes * 2.0 *
                  static_cast<double>(outline->model->info().parameters) *
                  static_cast<double>(rows->calibration_tokens);
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<RoundWork>* rounds,
                       WorkOf(config, rows));
  SFT_RETURN_IF_ERROR(
      CatchTorch([&] { return AddRounds(config, *rounds, *outline, cost); }));
  if (rounds->empty()) {
    cost.memory = measure::ModelBytes(*outline->model);
    cost.memory["process"] = measure::kProcessBytes;
  } else if (MeasuresAgainstBase(config)) {
    // Loaded in f32 (f64) when no activation is held any more.
    const int64_t base =
        outline->model->info().parameters * (config.dtype == "f64" ? 8 : 4);
    const auto activations = cost.memory.find("activations");
    const int64_t given_back =
        activations == cost.memory.end() ? 0 : activations->second;
    cost.memory["base"] = std::max<int64_t>(0, base - given_back);
  }
  // The base model's scores stand in the record of a tuned one, too.
  const auto scored = static_cast<int64_t>(1 + config.train.size());
  cost.record_bytes =
      record::PredictRecordBytes(cost.steps, scored * rows->eval_items);
  return cost;
}

absl::StatusOr<RunCosts::Outline*> RunCosts::OutlineOf(
    const spec::RunConfig& config) {
  const std::string part = ModelPart(bench_, config);
  const auto known = outlines_.find(part);
  if (known != outlines_.end()) return &known->second;
  if (outlines_.size() >= kMostOutlines) outlines_.clear();
  SFT_ASSIGN_OR_RETURN(const ModelFacts* facts, FactsOf(config.model));
  SFT_RETURN_IF_ERROR(facts->tensors);
  Outline outline;
  SFT_ASSIGN_OR_RETURN(outline.model,
                       model::OutlineModel(facts->config, facts->where.name,
                                           ComputeDtypeOf(config)));
  SFT_RETURN_IF_ERROR(CatchTorch([&]() -> absl::Status {
    SFT_RETURN_IF_ERROR(SetHeadForTasks(bench_, config, *outline.model));
    SFT_ASSIGN_OR_RETURN(outline.method,
                         AttachUpdateMethod(bench_, config, *outline.model));
    return absl::OkStatus();
  }));
  return &outlines_.emplace(part, std::move(outline)).first->second;
}

absl::StatusOr<const std::vector<RunCosts::RoundWork>*> RunCosts::WorkOf(
    const spec::RunConfig& config,
    const std::shared_ptr<const PlannedRows>& rows) {
  const std::string part = BatchingPart(bench_, config);
  auto it = works_.find(part);
  if (it != works_.end()) return &it->second;
  if (unfolded_of_ != rows) {
    unfolded_.clear();
    for (const RowShapes& round : rows->training) {
      unfolded_.push_back(round.Examples());
    }
    unfolded_of_ = rows;
  }
  std::vector<RoundWork> work;
  for (size_t round = 0; round < unfolded_.size(); ++round) {
    SFT_ASSIGN_OR_RETURN(work.emplace_back(), PlanWork(config, round));
  }
  return &works_.emplace(part, std::move(work)).first->second;
}

absl::StatusOr<RunCosts::RoundWork> RunCosts::PlanWork(
    const spec::RunConfig& config, size_t round) const {
  const std::vector<Example>& examples = unfolded_[round];
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<train::BatchingMethod> batching,
                       MakeBatchingMethod(bench_, config));
  const std::unique_ptr<data::Collator> collator = batching->MakeCollator();
  SFT_ASSIGN_OR_RETURN(const train::StepPlan plan,
                       train::PlanSteps(config, examples, *collator,
                                        static_cast<int64_t>(round)));
  RoundWork out;
  out.steps = std::ssize(plan.steps);
  out.rows = plan.rows;
  out.real_tokens = plan.real_tokens;
  out.target_tokens = plan.target_tokens;
  for (const train::PlannedStep& step : plan.steps) {
    for (const data::MicroBatchPlan& micro : step.micro_batches) {
      const data::BatchSize size = collator->SizeOf(examples, micro);
      const measure::StepWork work =
          measure::WorkOf(size, examples.front().head);
      out.work = out.work + work;
      if (work.computed_tokens > out.largest.computed_tokens) {
        out.largest = work;
      }
    }
  }
  return out;
}

absl::Status RunCosts::AddRounds(const spec::RunConfig& config,
                                 const std::vector<RoundWork>& rounds,
                                 Outline& outline, RunCost& cost) {
  cost.trains_adapter = outline.method->TrainsAdapter();
  std::map<std::string, int64_t> trained_bytes;  // of any round, by name
  for (size_t i = 0; i < rounds.size(); ++i) {
    const RoundWork& round = rounds[i];
    SFT_RETURN_IF_ERROR(outline.method->BeginRound(static_cast<int64_t>(i)));
    const std::vector<train::TrainableParameter> parameters =
        outline.method->TrainableParameters();
    measure::TrainedBytes trained = TrainedBytesOf(config, parameters);
    trained.method_state = outline.method->StateBytes();
    for (const train::TrainableParameter& p :
         outline.method->MovableParameters()) {
      trained_bytes[p.name] = static_cast<int64_t>(p.tensor.nbytes());
    }
    cost.steps += round.steps;
    cost.longest_round_steps = std::max(cost.longest_round_steps, round.steps);
    cost.rows += round.rows;
    cost.real_tokens += round.real_tokens;
    cost.target_tokens += round.target_tokens;
    cost.computed_tokens += round.work.computed_tokens;
    cost.flops +=
        measure::StepFlops(measure::MakeFlopModel(
                               *outline.model, config.activation_checkpointing),
                           round.work)
            .total();
    measure::StepSize largest = StepSizeOf(config);
    largest.tokens = round.largest.computed_tokens;
    largest.targets = round.largest.target_tokens;
    largest.attention_pairs = round.largest.attention_pairs;
    std::map<std::string, int64_t> memory =
        measure::PredictTrainingBytes(*outline.model, trained, largest);
    if (SumOf(memory) > cost.memory_bytes()) cost.memory = std::move(memory);
    cost.weights_bytes = SumOf(trained_bytes);
    cost.checkpoint_bytes =
        std::max(cost.checkpoint_bytes,
                 cost.weights_bytes + trained.optimizer + trained.method_state);
  }
  return absl::OkStatus();
}

}  // namespace sft::launch
