// What one run reads: its model, its rows as examples, its test rows and
// held-out texts; with what was refused or cut, and digests of it all.
#ifndef HARNESS_LAUNCH_RUN_INPUTS_H_
#define HARNESS_LAUNCH_RUN_INPUTS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/data/dataset.h"
#include "harness/eval/task_evaluator.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// One stage of training.
struct TrainingSet {
  std::string name;
  std::vector<Example> examples;
  size_t own_rows = 0;  // the others, behind them, are replayed
};
// One thing measured after each stage.
struct Measured {
  eval::EvalInput input;
  bool retained = false;  // measured for forgetting, not for the task
  std::vector<Example> validation_examples;  // empty for retained ones
  int64_t test_tokens = 0;  // that scoring it reads, answers among them
};

struct RunInputs {
  std::vector<TrainingSet> training;
  // What the method reads before each stage (train::CalibrationRows).
  std::vector<std::vector<Example>> calibration;
  std::vector<Measured> measured;
  // Counts for the record: "data.<set>.refused_rows", ...
  std::map<std::string, double> facts;
  std::map<std::string, std::string> texts;
  std::vector<std::string> warnings;  // refused rows by name, for the log
  // Of the data sets, with what follows from their rows; `measured` points
  // here.
  std::map<std::string, std::shared_ptr<const data::Task>> tasks;
  // A line each, for standard error: what was cut, left out or looks wrong.
  std::vector<std::string> notices;
};

// Rows as the model's head reads them (kNextToken: as prompts and answers).
absl::StatusOr<RunInputs> ReadRunInputs(const Workbench& bench,
                                        const spec::RunConfig& config,
                                        const Tokenizer& tokenizer,
                                        HeadKind head);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_INPUTS_H_
