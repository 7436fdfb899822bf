#include "harness/selfcheck/gradients.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"

namespace sft::selfcheck {
namespace {

// A tensor whose gradient is smaller than this share of the largest one is
// measured against that: it may be nothing but rounding.
constexpr double kLeastShare = 1e-3;
// Of one tensor's gradient against the whole one's tolerance.
constexpr double kOfOneTensor = 10;

struct Gradients {
  double loss = 0;
  std::map<std::string, at::Tensor> by_name;  // f64
};

// Trained tensors that begin at zero would hide the gradients of others.
void MoveOffZero(train::UpdateMethod& method) {
  const at::NoGradGuard no_grad;
  for (train::TrainableParameter& p : method.TrainableParameters()) {
    if (p.tensor.count_nonzero().item<int64_t>() > 0) continue;
    at::Tensor values = at::empty(p.tensor.sizes(), at::kDouble);
    Rng rng(1, Stream::kInit, p.name);
    double* data = values.data_ptr<double>();
    for (int64_t i = 0; i < values.numel(); ++i) data[i] = 0.02 * rng.Normal();
    p.tensor.copy_(values);
  }
}

// A step that moves nothing, does not clip, and forgets: its first moments are
// the gradients.
absl::StatusOr<Gradients> GradientsUnder(const Layout& layout,
                                         const Setting& setting,
                                         spec::RunConfig config,
                                         const std::vector<Example>& rows,
                                         Tuned& tuned) {
  config.batching = layout.batching;
  config.batch_size = layout.batch_size;
  if (layout.pack_tokens > 0) config.max_length = layout.pack_tokens;
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<train::BatchingMethod> batching,
                       setting.make_batching(config));
  SFT_RETURN_IF_ERROR(batching->Attach(*tuned.model));
  const std::unique_ptr<data::Collator> collator = batching->MakeCollator();
  SFT_ASSIGN_OR_RETURN(const train::StepPlan plan,
                       train::PlanSteps(config, rows, *collator, 0));
  if (plan.steps.size() != 1) {
    return absl::InternalError(
        absl::StrCat(layout.name(), ": ", plan.steps.size(), " steps"));
  }
  train::Trainer trainer(config, kRunId, *tuned.model, *tuned.method);
  SFT_ASSIGN_OR_RETURN(const train::RoundOutcome outcome,
                       trainer.RunRound(0, rows, *collator, plan, {}));
  if (outcome.end != train::RoundEnd::kFinished) {
    return absl::OutOfRangeError(
        absl::StrCat(layout.name(), ": ", outcome.message));
  }
  std::map<std::string, at::Tensor> state;
  for (const NamedTensor& t : trainer.optimizer()->State()) {
    state[t.name] = t.tensor;
  }
  Gradients out;
  out.loss = trainer.steps()[0].loss;
  for (const train::TrainableParameter& p : trainer.optimizer()->parameters()) {
    // One without a gradient has taken no step.
    if (state.at(p.name + ".step").item<double>() == 0) continue;
    out.by_name[p.name] = state.at(p.name + ".exp_avg").to(at::kDouble).cpu();
  }
  return out;
}

struct Difference {
  double loss = 0, whole = 0, worst = 0;
  std::string worst_name;
};
absl::StatusOr<Difference> Compare(const Gradients& have,
                                   const Gradients& want) {
  Difference out;
  out.loss = std::abs(have.loss / want.loss - 1);
  double largest = 0, distance = 0, norm = 0;
  for (const auto& [name, grad] : want.by_name) {
    largest = std::max(largest, grad.norm().item<double>());
  }
  for (const auto& [name, grad] : want.by_name) {
    const auto other = have.by_name.find(name);
    if (other == have.by_name.end()) {
      return absl::NotFoundError(absl::StrCat(name, " has no gradient"));
    }
    const double off = other->second.sub(grad).norm().item<double>();
    const double size = grad.norm().item<double>();
    distance += off * off;
    norm += size * size;
    const double share = off / std::max(size, kLeastShare * largest);
    if (share >= out.worst) {
      out.worst = share;
      out.worst_name = name;
    }
  }
  out.whole = norm > 0 ? std::sqrt(distance / norm) : 0;
  return out;
}

spec::RunConfig WithoutDraws(spec::RunConfig config, size_t rows) {
  if (config.dtype == "bf16") config.dtype = "f32";
  config.budget_steps = config.budget_target_tokens = 0;
  config.budget_wall_seconds = 0;
  config.budget_epochs = 1;
  config.gradient_accumulation_steps = static_cast<int64_t>(rows);
  config.neftune_alpha = 0;
  config.optimizer = spec::RunConfig().optimizer;
  config.learning_rate = 0;
  config.max_grad_norm = 1e30;
  config.beta1 = 0;
  for (auto& [name, value] : config.method_options) {
    if (absl::EndsWith(name, ".dropout")) value = "0";
  }
  return config;
}

}  // namespace

std::string Layout::name() const {
  return pack_tokens > 0
             ? absl::StrCat(batching, ", ", pack_tokens, " tokens a pack, ",
                            batch_size, " a micro-batch")
             : absl::StrCat(batching, ", ", batch_size, " a micro-batch");
}

absl::StatusOr<Finding> CompareLayouts(
    const Setting& setting,
    const std::function<std::vector<Layout>(const std::vector<Example>&)>&
        layouts) {
  SFT_ASSIGN_OR_RETURN(const std::vector<Example> rows, ExamplesOf(setting));
  const spec::RunConfig config = WithoutDraws(setting.config, rows.size());
  SFT_ASSIGN_OR_RETURN(Tuned tuned, AttachedTo(setting, config));
  SFT_RETURN_IF_ERROR(tuned.method->BeginRound(0));
  if (tuned.method->TrainableParameters().empty()) {
    return Finding::NotAsked("the method trains nothing");
  }
  MoveOffZero(*tuned.method);
  const Layout whole{setting.batchings.front(), std::ssize(rows)};
  SFT_ASSIGN_OR_RETURN(const Gradients want,
                       GradientsUnder(whole, setting, config, rows, tuned));
  const Tolerances allowed = TolerancesOf(config.dtype);
  Difference worst;
  for (const Layout& layout : layouts(rows)) {
    SFT_ASSIGN_OR_RETURN(const Gradients have,
                         GradientsUnder(layout, setting, config, rows, tuned));
    SFT_ASSIGN_OR_RETURN(const Difference off, Compare(have, want));
    // Not a number is no small number.
    const bool good = off.loss <= allowed.loss &&
                      off.whole <= allowed.gradient &&
                      off.worst <= kOfOneTensor * allowed.gradient;
    if (!good) {
      return Finding::Fail(absl::StrFormat(
          "%s: against one batch of %d rows the loss is off by %.2g "
          "(allowed %.0g), the gradient by %.2g (allowed %.0g), most that of "
          "%s",
          layout.name(), rows.size(), off.loss, allowed.loss, off.whole,
          allowed.gradient, off.worst_name));
    }
    worst.loss = std::max(worst.loss, off.loss);
    worst.whole = std::max(worst.whole, off.whole);
  }
  return Finding::Pass(absl::StrFormat(
      "%d rows in %s: loss within %.2g (allowed %.0g), gradient within %.2g "
      "(allowed %.0g)",
      rows.size(), config.dtype, worst.loss, allowed.loss, worst.whole,
      allowed.gradient));
}

}  // namespace sft::selfcheck
