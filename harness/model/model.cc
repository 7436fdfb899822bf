#include "harness/model/model.h"

#include <c10/util/Exception.h>

#include <utility>

#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"

namespace sft::model {

bool LinearMap::MapRows(const float*, int64_t, float*) { return false; }

void Model::LeaveMapsUnread(std::function<absl::Status(LinearSlot&)> read) {
  read_map_ = std::move(read);
  for (LinearSlot& slot : linear_slots()) slot.unread = true;
}

absl::Status Model::ReadMap(LinearSlot& slot) {
  if (!slot.unread) return absl::OkStatus();
  const MemoryScope memory(MemoryUse::kWeights);
  SFT_RETURN_IF_ERROR(read_map_(slot));
  slot.unread = false;
  return absl::OkStatus();
}

absl::Status Model::ReadMaps() {
  for (LinearSlot& slot : linear_slots()) SFT_RETURN_IF_ERROR(ReadMap(slot));
  read_map_ = nullptr;  // the files are open no longer
  return absl::OkStatus();
}

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
