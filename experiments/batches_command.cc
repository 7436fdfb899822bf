// batches: what a recorded run's model read, token by token, for a check
// against another program.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/data/render/render.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/run_assembly.h"
#include "harness/record/run_record.h"

namespace sft::experiments {
namespace {

struct BatchesFlags {
  std::string record;
  std::string rows = "train";
};

void DeclareBatches(CLI::App& app, BatchesFlags& flags) {
  app.add_option("RECORD", flags.record, "of a run")->required();
  app.add_option("--rows", flags.rows,
                 "every batch of every step, the rows that are scored, or the "
                 "given answers to these")
      ->check(OneOf({"train", "test", "answers"}));
}

nlohmann::json JsonOf(const Example& example, const data::Piece& piece) {
  auto part = [&piece](const std::vector<int32_t>& all) {
    return std::vector<int32_t>(all.begin() + piece.begin,
                                all.begin() + piece.begin + piece.length);
  };
  nlohmann::json json = {{"row_id", example.row_id},
                         {"input_ids", part(example.input_ids)},
                         {"labels", part(example.labels)}};
  if (!example.token_types.empty()) {
    json["token_types"] = part(example.token_types);
  }
  return json;
}

void Print(const nlohmann::json& json) { printf("%s\n", json.dump().c_str()); }

absl::Status PrintTrain(const spec::RunConfig& config,
                        const launch::RunInputs& inputs) {
  SFT_ASSIGN_OR_RETURN(const auto batching,
                       launch::MakeBatchingMethod(TheWorkbench(), config));
  for (size_t round = 0; round < inputs.training.size(); ++round) {
    SFT_ASSIGN_OR_RETURN(const launch::PlannedRound planned,
                         launch::PlanRound(config, inputs, *batching,
                                           static_cast<int64_t>(round)));
    const train::StepPlan& plan = planned.steps;
    for (size_t step = 0; step < plan.steps.size(); ++step) {
      const auto& micro_batches = plan.steps[step].micro_batches;
      for (size_t micro = 0; micro < micro_batches.size(); ++micro) {
        for (const data::Piece& piece : micro_batches[micro].pieces) {
          nlohmann::json json =
              JsonOf(planned.examples[static_cast<size_t>(piece.index)], piece);
          json["round"] = round;
          json["step"] = step + 1;
          json["micro_batch"] = micro;
          Print(json);
        }
      }
    }
  }
  return absl::OkStatus();
}

absl::Status PrintTest(const launch::RunInputs& inputs,
                       const Tokenizer& tokenizer) {
  for (const launch::Measured& measured : inputs.measured) {
    const eval::EvalInput& input = measured.input;
    if (input.rows.empty()) continue;
    SFT_ASSIGN_OR_RETURN(
        const data::RenderedRows rendered,
        data::RenderRows(input.rows, *input.task, tokenizer, input.render));
    for (const Example& example : rendered.examples) {
      nlohmann::json json = JsonOf(
          example, {0, 0, static_cast<int64_t>(example.input_ids.size())});
      json["task"] = input.name;
      Print(json);
    }
  }
  return absl::OkStatus();
}

// Of tasks that are scored by the likeliest of given answers.
absl::Status PrintAnswers(const launch::RunInputs& inputs,
                          const Tokenizer& tokenizer) {
  for (const launch::Measured& measured : inputs.measured) {
    const eval::EvalInput& input = measured.input;
    const data::TaskKindRow& kind = data::KindRow(input.task->kind);
    if (!kind.has_classes && !kind.has_given_answers) continue;
    for (const data::Row& row : input.rows) {
      SFT_ASSIGN_OR_RETURN(
          const data::RenderedAnswers rendered,
          data::RenderAnswers(
              row, kind.has_classes ? input.task->labels : row.choices,
              *input.task, tokenizer, input.render));
      Print({{"task", input.name},
             {"row_id", row.id},
             {"reference", row.label},
             {"prompts", rendered.prompts},
             {"answers", rendered.answers}});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunBatches(const BatchesFlags& flags) {
  const launch::Workbench& bench = TheWorkbench();
  SFT_ASSIGN_OR_RETURN(const record::RunRecord record,
                       record::ReadRunRecord(flags.record));
  const spec::RunConfig& config = record.config;
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       launch::LoadModelOf(bench, config));
  SFT_ASSIGN_OR_RETURN(const launch::RunInputs inputs,
                       launch::ReadInputsFor(bench, config, loaded));
  if (flags.rows == "train") {
    SFT_RETURN_IF_ERROR(PrintTrain(config, inputs));
  } else if (flags.rows == "test") {
    SFT_RETURN_IF_ERROR(PrintTest(inputs, *loaded.tokenizer));
  } else {
    SFT_RETURN_IF_ERROR(PrintAnswers(inputs, *loaded.tokenizer));
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> BatchesCommands() {
  return {MakeCommand(
      {.name = "batches",
       .usage = "batches RECORD [--rows train|test|answers]",
       .summary = "The tokens that a recorded run trained on, as JSON lines.",
       .help = "A line each row of each batch: step, micro_batch, row_id,\n"
               "input_ids, labels (-100 = no loss). Another program that\n"
               "trains on them can be compared step by step. With --rows\n"
               "answers, of each row of tasks that are scored by likelihood:\n"
               "the ids of each given answer and of what it continues.\n"
               "  sftbench batches results/demo/runs/0123456789abcdef.h5"},
      DeclareBatches, RunBatches)};
}

}  // namespace sft::experiments
