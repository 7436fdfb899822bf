// The choice of a next token from one row of logits, in transformers' order:
// temperature, top_k, top_p.
#ifndef HARNESS_MODEL_GENERATE_SAMPLING_H_
#define HARNESS_MODEL_GENERATE_SAMPLING_H_

#include <cstdint>
#include <vector>

#include "harness/model/model.h"

namespace sft::model {

// Of each token, summing to 1; options.temperature above 0. Logits that are not
// finite count for nothing, unless none is finite: then the first one is
// certain, for a diverged model must not end a program.
std::vector<double> TokenProbabilities(const std::vector<double>& logits_V,
                                       const GenerationOptions& options);

// The token at which the running sum passes `uniform` in [0, 1).
int32_t DrawToken(const std::vector<double>& probabilities_V, double uniform);

}  // namespace sft::model

#endif  // HARNESS_MODEL_GENERATE_SAMPLING_H_
