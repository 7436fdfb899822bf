#include "harness/train/batch_feed.h"

#include <ATen/ATen.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <utility>

namespace sft::train {

BatchFeed::BatchFeed(const std::vector<Example>& examples,
                     const data::Collator& collator, const StepPlan& plan,
                     at::Device device, PlanShapes shapes)
    : examples_(examples),
      collator_(collator),
      plan_(plan),
      device_(device),
      shapes_(std::move(shapes)) {}

std::vector<Batch> BatchFeed::Collated(int64_t step) const {
  const auto at = static_cast<size_t>(step);
  const std::vector<data::MicroBatchPlan>& micros =
      plan_.steps[at].micro_batches;
  std::vector<Batch> batches;
  for (size_t m = 0; m < micros.size(); ++m) {
    Batch batch = collator_.Collate(examples_, micros[m]);
    if (!device_.is_cpu()) batch = data::WithTargets(std::move(batch));
    if (!shapes_.empty() && shapes_[at][m] && batch.cu_seqlens.defined()) {
      batch = data::FilledUp(std::move(batch), *shapes_[at][m]);
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::vector<Batch> BatchFeed::Take(int64_t step) {
  TORCH_CHECK(step >= 0 && step < static_cast<int64_t>(plan_.steps.size()),
              "the plan has no step ", step);
  if (prepared_step_ != step) {
    std::vector<Batch> batches = Collated(step);
    for (Batch& batch : batches)
      batch = data::OnDevice(std::move(batch), device_);
    return batches;
  }
  prepared_step_.reset();
  std::vector<Batch> batches = std::exchange(prepared_, {});
  if (copied_.has_value()) {
    // The device waits for the copies, the host does not. Their memory belongs
    // to the other stream: it must not be given out before this one is done.
    const c10::Stream computes =
        c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
    copied_->block(computes);
    for (Batch& batch : batches) {
      for (at::Tensor* tensor : TensorsOf(batch)) {
        tensor->record_stream(computes);
      }
    }
  }
  return batches;
}

void BatchFeed::Prepare(int64_t step) {
  if (step < 0 || step >= static_cast<int64_t>(plan_.steps.size())) return;
  prepared_ = Collated(step);
  prepared_step_ = step;
  if (device_.is_cpu()) return;
  if (!copies_.has_value()) {
    copies_ = c10::impl::VirtualGuardImpl(device_.type())
                  .getStreamFromGlobalPool(device_);
    copied_.emplace(device_.type());
  }
  const c10::StreamGuard guard(*copies_);
  for (Batch& batch : prepared_) {
    for (at::Tensor* tensor : TensorsOf(batch)) {
      *tensor = tensor->pin_memory().to(device_, tensor->scalar_type(),
                                        /*non_blocking=*/true);
    }
  }
  copied_->record(*copies_);
}

}  // namespace sft::train
