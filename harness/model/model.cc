#include "harness/model/model.h"

#include <c10/util/Exception.h>

namespace sft::model {

bool LinearMap::MapRows(const float*, int64_t, float*) { return false; }

absl::Status Model::SetHead(HeadKind head, int64_t, int64_t) {
  if (head == HeadKind::kNextToken) return absl::OkStatus();
  return absl::UnimplementedError(
      "a decoder predicts next tokens and takes no other head");
}

at::Tensor Model::HeadLogits(const Batch&) {
  TORCH_CHECK(false, "a model without a head for tasks");
}

std::unique_ptr<CausalReader> Model::MakeReader() {
  TORCH_CHECK(false, "a model that reads no text token by token");
}

}  // namespace sft::model
