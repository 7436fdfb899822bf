#include "harness/train/optimizers/adamw.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "harness/core/tensor_allocator.h"

namespace sft::train {

AdamWOptions AdamWOptionsOf(const spec::RunConfig& config) {
  return {.beta1 = config.beta1,
          .beta2 = config.beta2,
          .epsilon = config.epsilon,
          .weight_decay = config.weight_decay};
}

int64_t AdamWStateBytes(int64_t numbers, int64_t number_bytes) {
  constexpr int64_t kStepBytes = sizeof(float);
  return kStepBytes + 2 * numbers * number_bytes;
}

AdamW::AdamW(std::vector<TrainableParameter> parameters,
             const AdamWOptions& options)
    : AdamW(std::move(parameters), options, ZerosLike) {}

AdamW::AdamW(std::vector<TrainableParameter> parameters,
             const AdamWOptions& options, const MakeMoment& make_moment)
    : Optimizer(std::move(parameters)),
      options_(options),
      fused_(!options.force_reference) {
  c10::NoGradGuard no_grad;
  for (const TrainableParameter& p : this->parameters()) {
    if (p.tensor.scalar_type() != at::kFloat) fused_ = false;
    moments_.push_back({make_moment(p.tensor), make_moment(p.tensor),
                        at::zeros({}, p.tensor.options().dtype(at::kFloat))});
  }
}

void AdamW::MoveRange(size_t begin, size_t end, double learning_rate) {
  if (fused_) {
    FusedStep(begin, end, learning_rate);
  } else {
    ReferenceStep(begin, end, learning_rate);
  }
}

void AdamW::FusedStep(size_t begin, size_t end, double learning_rate) {
  struct Group {
    std::vector<at::Tensor> weights, grads, exp_avgs, exp_avg_sqs, steps;
  };
  // The operator takes one rate and one decay a call.
  std::map<std::pair<double, bool>, Group> groups;
  for (size_t i = begin; i < end; ++i) {
    const TrainableParameter& p = parameters()[i];
    if (!p.tensor.grad().defined()) continue;
    Group& group = groups[{p.learning_rate_scale, p.weight_decay}];
    moments_[i].step.add_(1);
    group.weights.push_back(p.tensor);
    group.grads.push_back(p.tensor.grad());
    group.exp_avgs.push_back(moments_[i].exp_avg);
    group.exp_avg_sqs.push_back(moments_[i].exp_avg_sq);
    group.steps.push_back(moments_[i].step);
  }
  for (auto& [key, group] : groups) {
    at::_fused_adamw_(group.weights, group.grads, group.exp_avgs,
                      group.exp_avg_sqs, /*max_exp_avg_sqs=*/{}, group.steps,
                      learning_rate * key.first, options_.beta1, options_.beta2,
                      key.second ? options_.weight_decay : 0.0,
                      options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }
}

void AdamW::ReferenceStep(size_t begin, size_t end, double learning_rate) {
  for (size_t i = begin; i < end; ++i) {
    const TrainableParameter& p = parameters()[i];
    const at::Tensor& grad = p.tensor.grad();
    if (!grad.defined()) continue;
    Moments& m = moments_[i];
    m.step.add_(1);
    const double t = m.step.item<double>();
    const double rate = learning_rate * p.learning_rate_scale;
    if (p.weight_decay && options_.weight_decay != 0) {
      p.tensor.mul_(1.0 - rate * options_.weight_decay);
    }
    m.exp_avg.mul_(options_.beta1).add_(grad, 1.0 - options_.beta1);
    m.exp_avg_sq.mul_(options_.beta2)
        .addcmul_(grad, grad, 1.0 - options_.beta2);
    const double correction1 = 1.0 - std::pow(options_.beta1, t);
    const double correction2 = 1.0 - std::pow(options_.beta2, t);
    const at::Tensor denominator =
        m.exp_avg_sq.sqrt().div_(std::sqrt(correction2)).add_(options_.epsilon);
    p.tensor.addcdiv_(m.exp_avg, denominator, -rate / correction1);
  }
}

std::vector<NamedTensor> AdamW::State() const {
  std::vector<NamedTensor> state;
  for (size_t i = 0; i < parameters().size(); ++i) {
    const std::string& name = parameters()[i].name;
    state.push_back({name + ".exp_avg", moments_[i].exp_avg});
    state.push_back({name + ".exp_avg_sq", moments_[i].exp_avg_sq});
    state.push_back({name + ".step", moments_[i].step});
  }
  return state;
}

}  // namespace sft::train
