// Answers of a model that reads token by token: greedy, sampled, by beams.
#ifndef HARNESS_MODEL_GENERATE_GENERATE_H_
#define HARNESS_MODEL_GENERATE_GENERATE_H_

#include <cstdint>
#include <vector>

#include "harness/model/generate/causal_reader.h"
#include "harness/model/model.h"

namespace sft::model {

// What Model::Generate() promises, no gradient recorded.
std::vector<std::vector<int32_t>> GenerateBy(
    CausalReader& reader, const std::vector<std::vector<int32_t>>& prompts,
    const GenerationOptions& options);

// Its part for options.beams > 1, of at least one prompt and new token: every
// running beam is a row of the reader.
std::vector<std::vector<int32_t>> GenerateByBeams(
    CausalReader& reader, const std::vector<std::vector<int32_t>>& prompts,
    const GenerationOptions& options);

}  // namespace sft::model

#endif  // HARNESS_MODEL_GENERATE_GENERATE_H_
