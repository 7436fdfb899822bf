#include "harness/kernels/attention/running_softmax.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "harness/kernels/shared/instruction_set.h"
#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {
namespace {

static_assert(kScoreLanes == 16);

struct SoftmaxKernels {
  void (*read_scores)(const QueryBlock&, int64_t, int64_t, float*,
                      const RunningSoftmax&);
  void (*scores_to_probabilities)(const QueryBlock&, int64_t, const float*,
                                  float*);
};

#define SFT_KERNELS_OF(set) \
  SoftmaxKernels { set::ReadScores, set::ScoresToProbabilities }
#define SFT_BODY "harness/kernels/attention/running_softmax_body.inc"
#include "harness/kernels/shared/for_instruction_sets.inc"

}  // namespace

void ReadScores(const QueryBlock& block, int64_t first, int64_t keys,
                float* scores, const RunningSoftmax& running) {
  Chosen().read_scores(block, first, keys, scores, running);
}

void ScoresToProbabilities(const QueryBlock& block, int64_t keys,
                           const float* lse, float* scores) {
  Chosen().scores_to_probabilities(block, keys, lse, scores);
}

}  // namespace sft::kernels
