// What claims about memory, parameters and FLOPs are held against: the
// program's own models of runs that nobody here could run.
#ifndef EXPERIMENTS_CLAIM_MODELS_H_
#define EXPERIMENTS_CLAIM_MODELS_H_

#include "harness/analysis/claims.h"

namespace sft::experiments {

analysis::Computed ComputedClaims();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_CLAIM_MODELS_H_
