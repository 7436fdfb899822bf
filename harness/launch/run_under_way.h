// A run as far as it has got: what it computes with, and what its record holds.
#ifndef HARNESS_LAUNCH_RUN_UNDER_WAY_H_
#define HARNESS_LAUNCH_RUN_UNDER_WAY_H_

#include <memory>

#include "harness/core/stop_point.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_inputs.h"
#include "harness/record/run_record.h"
#include "harness/train/method.h"
#include "harness/train/trainer.h"

namespace sft::launch {

struct RunUnderWay {
  record::RunRecord record;
  Pieces pieces;  // of the evaluation under way
  LoadedModel loaded;
  RunInputs inputs;
  std::unique_ptr<train::UpdateMethod> method;
  std::unique_ptr<train::BatchingMethod> batching;
  std::unique_ptr<train::Trainer> trainer;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_UNDER_WAY_H_
