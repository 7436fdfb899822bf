// Every registered method with its options, attached to a model and trained by
// a step: what the conformance tests run over.
#ifndef TESTS_METHODS_VARIANTS_H_
#define TESTS_METHODS_VARIANTS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/methods/methods_support.h"

namespace sft::methods {

struct Variant {
  std::string method;
  std::map<std::string, std::string> options;
};

// Every registered method with its defaults, and the options that change what
// it computes.
inline std::vector<Variant> Variants() {
  std::vector<Variant> out;
  for (const train::UpdateMethodRow& row : AllMethods().update) {
    out.push_back({row.name, {}});
  }
  const std::map<std::string, std::string> small = {{"lora.rank", "4"}};
  for (const std::string method : {"lora", "qlora"}) {
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{
             {"lora.dora", "true"},
             {"lora.init", "pissa"},
             {"lora.rslora", "true"},
             {"lora.targets", "q_proj,down_proj"},
             {"lora.between_rounds", "stack"},
             {"lora.dropout", "0.3"}}) {
      auto options = small;
      options[name] = value;
      out.push_back({method, options});
    }
  }
  out.push_back(
      {"lora", {{"lora.rank", "4"}, {"lora.between_rounds", "merge"}}});
  out.push_back({"qlora", {{"qlora.double_quant", "false"}}});
  for (const std::string granularity : {"layer", "model"}) {
    out.push_back({"hft", {{"hft.granularity", granularity}}});
  }
  out.push_back({"hft", {{"hft.balanced", "true"}}});
  out.push_back({"hft", {{"hft.trainable_ratio", "0.25"}}});
  out.push_back({"hft", {{"hft.optimizer_state", "keep"}}});
  out.push_back({"lisa", {{"lisa.layers", "1"}}});
  out.push_back({"ssu", {{"ssu.frozen_share", "0.25"}}});
  out.push_back({"oft", {{"oft.block_size", "8"}, {"oft.neumann_terms", "0"}}});
  return out;
}

inline std::string NameOf(const Variant& variant) {
  std::string name = variant.method;
  for (const auto& [key, value] : variant.options) {
    name += " " + key + "=" + value;
  }
  return name;
}

struct Attached {
  std::unique_ptr<model::Model> model;
  std::unique_ptr<train::UpdateMethod> method;
};
inline Attached Attach(const Variant& variant,
                       at::ScalarType compute = at::kFloat) {
  Attached out{LoadTestModel(compute),
               MakeMethod(variant.method, variant.options)};
  const absl::Status attached = out.method->Attach(*out.model);
  INFO(attached.ToString());
  REQUIRE(attached.ok());
  REQUIRE(out.method->BeginRound(0).ok());
  return out;
}

// One step of gradient descent on the trainable parameters.
inline void TakeStep(Attached& run, double rate,
                     const Batch& batch = RandomBatch()) {
  model::PassState& pass = run.model->pass_state();
  pass = {.training = true, .dropout_seed = 11};
  model::LossOutput loss = run.model->SumLoss(batch);
  pass.training = false;
  if (!loss.loss_sum.requires_grad()) return;
  loss.loss_sum.div(static_cast<double>(loss.target_tokens)).backward();
  const at::NoGradGuard no_grad;
  for (train::TrainableParameter& p : run.method->TrainableParameters()) {
    if (p.tensor.grad().defined()) {
      p.tensor.sub_(p.tensor.grad(), rate * p.learning_rate_scale);
    }
  }
}

}  // namespace sft::methods

#endif  // TESTS_METHODS_VARIANTS_H_
