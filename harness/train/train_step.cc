#include "harness/train/train_step.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/core/tensor_allocator.h"
#include "harness/train/optimizer_moves.h"
#include "harness/train/step_in_backward.h"

namespace sft::train {
namespace {

// Dropout masks depend on the run's seed, the step and the micro-batch alone.
uint64_t DropoutSeed(int64_t seed, int64_t step, size_t micro) {
  Rng rng(static_cast<uint64_t>(seed), Stream::kDropout,
          absl::StrCat("step", step, "/micro", micro));
  return rng.Next();
}

bool AllFinite(const std::vector<at::Tensor>& sums) {
  return std::all_of(sums.begin(), sums.end(), [](const at::Tensor& sum) {
    return std::isfinite(sum.item<double>());
  });
}

// Adds the gradient of the batch's loss / targets; with `moves` the optimizer
// goes along wherever backward is done with a parameter. Returns the loss.
at::Tensor AddGradient(const StepParts& parts, const Batch& batch,
                       double targets, double learning_rate, bool moves) {
  const model::LossOutput out = parts.model.SumLoss(batch);
  const at::Tensor loss_sum = out.loss_sum.detach();
  std::optional<StepInBackward> step;
  if (moves && AllFinite({loss_sum})) {
    step.emplace(parts.optimizer, learning_rate);
  }
  out.loss_sum.div(targets).backward();
  return loss_sum;
}

void CountTokens(const std::vector<Batch>& batches, StepRecord& record) {
  for (const Batch& batch : batches) {
    record.real_tokens += batch.real_tokens;
    record.target_tokens += batch.target_tokens;
    record.padded_tokens += batch.padded_tokens();
    record.sequences += static_cast<int64_t>(batch.lengths.size());
  }
  TORCH_CHECK(record.target_tokens > 0, "step ", record.step, " has no target");
}

// The sums of the micro-batches' losses: reading one waits for a device.
std::vector<at::Tensor> AddGradients(const StepParts& parts,
                                     const std::vector<Batch>& batches,
                                     const StepRecord& record) {
  const auto targets = static_cast<double>(record.target_tokens);
  const bool fold = parts.config.max_grad_norm == 0 &&
                    parts.model.device().is_cpu() && parts.hook == nullptr;
  std::vector<at::Tensor> loss_sums;
  if (parts.graphs != nullptr) parts.graphs->BeginStep();
  for (size_t micro = 0; micro < batches.size(); ++micro) {
    const MemoryScope memory(MemoryUse::kActivations);
    parts.model.pass_state().training = true;
    parts.model.pass_state().dropout_seed =
        DropoutSeed(parts.config.seed, record.step, micro);
    if (parts.graphs != nullptr && parts.graphs->Serves(batches[micro])) {
      loss_sums.push_back(parts.graphs->Run(batches[micro], targets));
      continue;
    }
    const bool moves =
        fold && micro + 1 == batches.size() && AllFinite(loss_sums);
    loss_sums.push_back(AddGradient(parts, batches[micro], targets,
                                    record.learning_rate, moves));
  }
  parts.model.pass_state().training = false;
  return loss_sums;
}

}  // namespace

StepRecord TakeStep(const StepParts& parts, const std::vector<Batch>& batches,
                    StepRecord record,
                    const std::function<void()>& while_busy) {
  const Stopwatch watch;
  CountTokens(batches, record);
  const std::vector<at::Tensor> loss_sums =
      AddGradients(parts, batches, record);
  // A device is at work until its first result is read.
  if (!parts.model.device().is_cpu()) while_busy();
  for (const at::Tensor& sum : loss_sums) record.loss += sum.item<double>();
  record.loss /= static_cast<double>(record.target_tokens);
  for (const TrainableParameter& p : parts.optimizer.parameters()) {
    HoldFor(p.tensor.grad(), MemoryUse::kGradients);
  }
  c10::NoGradGuard no_grad;
  if (parts.hook != nullptr) parts.hook->OnGradients();
  record.grad_norm = parts.optimizer.GradNorm();
  if (std::isfinite(record.loss) && std::isfinite(record.grad_norm)) {
    const double most = parts.config.max_grad_norm;
    if (most > 0) parts.optimizer.ClipGradients(record.grad_norm, most);
    OptimizerMoves moves(parts.optimizer, record.learning_rate);
    if (parts.hook != nullptr) {
      parts.hook->Move(moves);
    } else {
      moves.MoveAll();  // what backward has not moved already
    }
  }
  parts.optimizer.DropGradients();
  record.wall_seconds = watch.WallSeconds();
  record.cpu_seconds = absl::ToDoubleSeconds(watch.Cpu());
  return record;
}

}  // namespace sft::train
