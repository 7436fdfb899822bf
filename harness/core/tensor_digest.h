// SHA-256 over named tensors: name, dtype, shape, bytes, in name order.
#ifndef HARNESS_CORE_TENSOR_DIGEST_H_
#define HARNESS_CORE_TENSOR_DIGEST_H_

#include <string>
#include <vector>

#include "harness/core/batch.h"

namespace sft {

std::string TensorDigest(std::vector<NamedTensor> tensors);

}  // namespace sft

#endif  // HARNESS_CORE_TENSOR_DIGEST_H_
