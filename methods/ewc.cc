#include "methods/ewc.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <map>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/core/tensor_allocator.h"
#include "harness/data/collator.h"
#include "methods/in_parts.h"

namespace sft::methods {

absl::Status EwcMethod::BeginRound(int64_t round) {
  if (round == 0) guarded_.clear();
  if (round == 0 || !guarded_.empty()) return absl::OkStatus();
  const MemoryScope memory(MemoryUse::kOptimizer);
  c10::NoGradGuard no_grad;
  for (const train::TrainableParameter& p : TrainableParameters()) {
    guarded_.push_back({p.name, p.tensor, ZerosLike(p.tensor.detach()),
                        ZerosLike(p.tensor.detach())});
  }
  return absl::OkStatus();
}

absl::Status EwcMethod::Calibrate(const std::vector<Example>& rows) {
  std::vector<at::Tensor> squares;
  for (const Guarded& g : guarded_) squares.push_back(at::zeros_like(g.fisher));
  for (size_t i = 0; i < rows.size(); ++i) {
    StopPoint();
    const Batch batch =
        data::OnDevice(data::FlatBatch(rows, {{static_cast<int64_t>(i), 0,
                                               std::ssize(rows[i].input_ids)}}),
                       model_->device());
    if (batch.target_tokens == 0) continue;
    model_->SumLoss(batch).loss_sum.backward();
    c10::NoGradGuard no_grad;
    for (size_t k = 0; k < guarded_.size(); ++k) {
      at::Tensor& grad = guarded_[k].tensor.mutable_grad();
      if (grad.defined()) squares[k].addcmul_(grad, grad);
      grad.reset();
    }
  }
  c10::NoGradGuard no_grad;
  for (size_t k = 0; k < guarded_.size(); ++k) {
    Guarded& g = guarded_[k];
    squares[k].div_(static_cast<double>(rows.size()));
    g.fisher.add_(squares[k]);
    // c moves to w by this task's share of F; where F is 0 it does not matter.
    const at::Tensor share = at::where(g.fisher > 0, squares[k] / g.fisher,
                                       at::zeros({}, g.fisher.options()));
    g.centre.add_(share.mul_(g.tensor - g.centre));
  }
  return absl::OkStatus();
}

void EwcMethod::OnGradients() {
  for (const Guarded& g : guarded_) {
    at::Tensor grad = g.tensor.grad();
    if (!grad.defined()) continue;
    InParts(grad, [&](const auto& part) {
      part(grad).addcmul_(part(g.fisher), part(g.tensor) - part(g.centre),
                          options_.lambda);
    });
  }
}

std::vector<NamedTensor> EwcMethod::SaveState() {
  std::vector<NamedTensor> state;
  for (const Guarded& g : guarded_) {
    state.push_back({absl::StrCat(g.name, ".fisher"), g.fisher});
    state.push_back({absl::StrCat(g.name, ".centre"), g.centre});
  }
  return state;
}

absl::Status EwcMethod::LoadState(const std::vector<NamedTensor>& state) {
  std::map<std::string, at::Tensor> by_name;
  for (const NamedTensor& t : state) by_name[t.name] = t.tensor;
  if (!state.empty()) SFT_RETURN_IF_ERROR(BeginRound(1));
  for (const NamedTensor& mine : SaveState()) {
    const auto it = by_name.find(mine.name);
    if (it == by_name.end() || it->second.sizes() != mine.tensor.sizes() ||
        it->second.scalar_type() != mine.tensor.scalar_type()) {
      return absl::InvalidArgumentError(absl::StrCat(
          mine.name, ": not in the state, or of another shape or type"));
    }
  }
  c10::NoGradGuard no_grad;
  for (const NamedTensor& mine : SaveState()) {
    mine.tensor.copy_(by_name.at(mine.name));
  }
  return absl::OkStatus();
}

int64_t EwcMethod::StateBytes() const {
  int64_t bytes = 0;
  for (const Guarded& g : guarded_) {
    bytes += static_cast<int64_t>(g.fisher.nbytes() + g.centre.nbytes());
  }
  return bytes;
}

train::MethodReport EwcMethod::Report() {
  train::MethodReport report = FullMethod::Report();
  double sum = 0, count = 0;
  for (const Guarded& g : guarded_) {
    if (g.fisher.is_meta()) continue;
    sum += g.fisher.sum(at::kDouble).item<double>();
    count += static_cast<double>(g.fisher.numel());
  }
  if (count > 0) report.numbers["ewc.mean_fisher"] = sum / count;
  return report;
}

}  // namespace sft::methods
