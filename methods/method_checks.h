// What update methods ask of a model before its weights are read, for the plan.
#ifndef METHODS_METHOD_CHECKS_H_
#define METHODS_METHOD_CHECKS_H_

#include "harness/model/slot_shape.h"

namespace sft::methods {

// Of those methods that ask for anything.
model::MethodChecks AllMethodChecks();

}  // namespace sft::methods

#endif  // METHODS_METHOD_CHECKS_H_
