#include "harness/launch/plan_cost.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/launch/progress.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_measures.h"
#include "harness/measure/flops.h"
#include "harness/measure/memory.h"
#include "harness/measure/throughput.h"

namespace sft::launch {
namespace {

// Of the matrix-product rate, what a whole step has been seen to reach.
constexpr double kTypicalUtilisation = 0.6;

struct Cost {
  int64_t steps = 0;
  int64_t rows = 0;
  int64_t real_tokens = 0;
  int64_t target_tokens = 0;
  int64_t computed_tokens = 0;
  double flops = 0;
  int64_t bytes = 0;
};

int64_t EvalTokens(const RunInputs& inputs, const spec::RunConfig& config) {
  int64_t tokens = 0;
  for (const Measured& measured : inputs.measured) {
    // A row's prompt is about as long as a validation row.
    int64_t validation = 0;
    for (const Example& e : measured.validation_examples) {
      validation += static_cast<int64_t>(e.input_ids.size());
    }
    const int64_t rows =
        std::max<int64_t>(1, measured.validation_examples.size());
    tokens += validation + validation / rows *
                               static_cast<int64_t>(measured.input.rows.size());
    if (!measured.input.documents.empty()) tokens += config.heldout_tokens;
  }
  return tokens;
}

class Estimator {
 public:
  explicit Estimator(const Workbench& bench) : bench_(bench) {}

  absl::StatusOr<Cost> Of(const spec::RunConfig& config) {
    SFT_ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModelOf(bench_, config));
    SFT_ASSIGN_OR_RETURN(const RunInputs inputs,
                         ReadInputsFor(bench_, config, loaded));
    notices_.insert(inputs.notices.begin(), inputs.notices.end());
    SFT_ASSIGN_OR_RETURN(const std::unique_ptr<train::UpdateMethod> method,
                         AttachUpdateMethod(bench_, config, *loaded.model));
    SFT_ASSIGN_OR_RETURN(const std::unique_ptr<train::BatchingMethod> batching,
                         MakeBatchingMethod(bench_, config));
    Cost cost;
    // The untouched model is scored once by its own run, a tuned one after
    // every round.
    const double rounds = std::max<double>(1, config.train.size());
    cost.flops = rounds * 2.0 *
                 static_cast<double>(loaded.model->info().parameters) *
                 static_cast<double>(EvalTokens(inputs, config));
    for (size_t round = 0; round < inputs.training.size(); ++round) {
      SFT_RETURN_IF_ERROR(AddRound(config, inputs, *loaded.model, *method,
                                   *batching, static_cast<int64_t>(round),
                                   cost));
    }
    if (inputs.training.empty()) {
      cost.bytes =
          Total(measure::ModelBytes(*loaded.model)) + measure::kProcessBytes;
    }
    return cost;
  }

  // What was cut, left out or looks wrong, each once.
  const std::set<std::string>& notices() const { return notices_; }

 private:
  static int64_t Total(const std::map<std::string, int64_t>& bytes) {
    int64_t total = 0;
    for (const auto& [category, value] : bytes) total += value;
    return total;
  }

  absl::Status AddRound(const spec::RunConfig& config, const RunInputs& inputs,
                        model::Model& model, train::UpdateMethod& method,
                        train::BatchingMethod& batching, int64_t round,
                        Cost& cost) {
    SFT_RETURN_IF_ERROR(method.BeginRound(round));
    SFT_ASSIGN_OR_RETURN(const PlannedRound planned,
                         PlanRound(config, inputs, batching, round));
    const train::StepPlan& plan = planned.steps;
    const measure::TrainedBytes trained =
        TrainedBytesOf(config, method.TrainableParameters());
    const measure::FlopModel flops =
        measure::MakeFlopModel(model, config.activation_checkpointing);
    measure::StepWork work;
    measure::StepSize largest = StepSizeOf(config);
    for (const train::PlannedStep& step : plan.steps) {
      for (const data::MicroBatchPlan& micro : step.micro_batches) {
        const Batch batch = planned.collator->Collate(planned.examples, micro);
        work = work + measure::WorkOf(batch);
        if (batch.slots() > largest.tokens) {
          largest.tokens = batch.slots();
          largest.targets = batch.target_tokens;
        }
      }
    }
    cost.steps += static_cast<int64_t>(plan.steps.size());
    cost.rows += plan.rows;
    cost.real_tokens += plan.real_tokens;
    cost.target_tokens += plan.target_tokens;
    cost.computed_tokens += work.computed_tokens;
    cost.flops += measure::StepFlops(flops, work).total();
    cost.bytes =
        std::max(cost.bytes,
                 Total(measure::PredictTrainingBytes(model, trained, largest)));
    return absl::OkStatus();
  }

  const Workbench& bench_;
  std::set<std::string> notices_;
};

std::string AxesText(const std::map<std::string, std::string>& axes) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : axes) parts.push_back(name + "=" + value);
  return parts.empty() ? "-" : absl::StrJoin(parts, " ");
}

}  // namespace

absl::StatusOr<int64_t> PredictRunBytes(const Workbench& bench,
                                        const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(const Cost cost, Estimator(bench).Of(config));
  return cost.bytes;
}

absl::StatusOr<PlanDescription> DescribePlan(const Workbench& bench,
                                             const spec::RunPlan& plan) {
  std::string text =
      "run\tmethod\tbatching\taxes\tsteps\trows\treal tokens\ttarget tokens\t"
      "computed tokens\tpredicted time\tpredicted MiB\n";
  double seconds_total = 0;
  int64_t tokens_total = 0;
  std::map<std::string, double> rates;  // by dtype and threads
  Estimator estimator(bench);
  for (const spec::PlannedRun& run : plan.runs) {
    const spec::RunConfig& config = run.config;
    at::set_num_threads(static_cast<int>(config.threads));
    SFT_ASSIGN_OR_RETURN(const Cost cost, estimator.Of(config));
    SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                         ModelOptionsOf(config));
    double& rate = rates[absl::StrCat(config.dtype, "/", config.threads)];
    if (rate == 0) {
      rate = measure::MatrixProductFlopsPerSecond(options.compute_dtype,
                                                  options.device);
    }
    const double seconds = cost.flops / (rate * kTypicalUtilisation);
    seconds_total += seconds;
    tokens_total += cost.real_tokens;
    std::map<std::string, std::string> axes = run.axes;
    axes.erase("method");
    axes.erase("batching");
    absl::StrAppend(
        &text,
        absl::StrFormat("%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\n",
                        run.run_id, config.method, config.batching,
                        AxesText(axes), cost.steps, cost.rows, cost.real_tokens,
                        cost.target_tokens, cost.computed_tokens,
                        FormatSeconds(seconds), cost.bytes >> 20));
  }
  for (const spec::RejectedCell& cell : plan.rejected) {
    absl::StrAppend(&text, "rejected\t", AxesText(cell.axes), "\t", cell.reason,
                    "\n");
  }
  absl::StrAppend(
      &text, absl::StrFormat("%d runs, %d rejected, %d real tokens, about %s "
                             "with --jobs 1\n",
                             plan.runs.size(), plan.rejected.size(),
                             tokens_total, FormatSeconds(seconds_total)));
  const std::set<std::string>& notices = estimator.notices();
  return PlanDescription{std::move(text), {notices.begin(), notices.end()}};
}

}  // namespace sft::launch
