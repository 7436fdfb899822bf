// How many numbers a method trains, and how many the model has: what every
// method's report begins with.
#ifndef METHODS_PARAMETER_COUNTS_H_
#define METHODS_PARAMETER_COUNTS_H_

#include <vector>

#include "harness/model/model.h"
#include "harness/train/method.h"

namespace sft::methods {

train::MethodReport ParameterCounts(
    const std::vector<train::TrainableParameter>& trained,
    const model::Model& model);

}  // namespace sft::methods

#endif  // METHODS_PARAMETER_COUNTS_H_
