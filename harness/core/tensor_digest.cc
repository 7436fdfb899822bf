#include "harness/core/tensor_digest.h"

#include <c10/core/ScalarType.h>

#include <algorithm>

#include "harness/core/digest.h"

namespace sft {

std::string TensorDigest(std::vector<NamedTensor> tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const NamedTensor& a, const NamedTensor& b) {
              return a.name < b.name;
            });
  Sha256 digest;
  for (const NamedTensor& named : tensors) {
    const at::Tensor dense = named.tensor.detach().cpu().contiguous();
    digest.UpdateField(named.name);
    digest.UpdateField(c10::toString(dense.scalar_type()));
    for (int64_t size : dense.sizes()) digest.Update(&size, sizeof(size));
    digest.Update(dense.data_ptr(), dense.nbytes());
  }
  return digest.Hex();
}

}  // namespace sft
