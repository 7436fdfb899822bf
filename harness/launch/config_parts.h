// Parts of a config as texts, by what depends on them: cells that agree in a
// part share what follows from it. A field that nobody sorted belongs to every
// part, so that cells then share too little and never too much.
#ifndef HARNESS_LAUNCH_CONFIG_PARTS_H_
#define HARNESS_LAUNCH_CONFIG_PARTS_H_

#include <string>

#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// Which rows a run reads, and as what tokens.
std::string ReadingPart(const Workbench& bench, const spec::RunConfig& config);
// How these rows fill the steps of each round.
std::string BatchingPart(const Workbench& bench, const spec::RunConfig& config);
// Which tensors a run holds, and which of them it trains.
std::string ModelPart(const Workbench& bench, const spec::RunConfig& config);
// All but the seed and what steers the optimizer: whatever may speak against a
// cell, which is refused for all its seeds or for none.
std::string RulesPart(const spec::RunConfig& config);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_CONFIG_PARTS_H_
