// The table of update and batching methods: a row each, every row run through
// the conformance tests. To add one, write its unit and add its row.
#ifndef METHODS_REGISTRY_H_
#define METHODS_REGISTRY_H_

#include "harness/train/method.h"

namespace sft::methods {

train::MethodTables AllMethods();

}  // namespace sft::methods

#endif  // METHODS_REGISTRY_H_
