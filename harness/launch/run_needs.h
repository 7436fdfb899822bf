// What runs take, as the plan predicts it: what Admit() is told of them.
#ifndef HARNESS_LAUNCH_RUN_NEEDS_H_
#define HARNESS_LAUNCH_RUN_NEEDS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "harness/launch/admission.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

class NeedsPredictor {
 public:
  // `bench` outlives it.
  explicit NeedsPredictor(const Workbench& bench) : bench_(bench) {}

  // Once for all configs that differ in what takes no memory, as seeds and
  // learning rates. A run on a card has its memory there: not known here.
  absl::StatusOr<RunNeeds> Of(const spec::RunConfig& config);

 private:
  const Workbench& bench_;
  std::map<std::string, int64_t> bytes_;  // by the rest of the config
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_NEEDS_H_
