// Faulty parts of a setting, each around a good one.
#ifndef TESTS_HARNESS_SELFCHECK_PLANTED_FAULTS_H_
#define TESTS_HARNESS_SELFCHECK_PLANTED_FAULTS_H_

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/data/collator.h"
#include "harness/model/model.h"
#include "harness/train/method.h"

namespace sft::selfcheck {

// Every micro-batch counts alike in a step, however many targets it has: the
// mean of means.
class MeanOfMeans final : public model::Model {
 public:
  MeanOfMeans(std::unique_ptr<model::Model> good, double rows, double targets)
      : good_(std::move(good)), rows_(rows), targets_(targets) {}

  model::LossOutput SumLoss(const Batch& batch) override {
    good_->pass_state() = pass_state();
    model::LossOutput out = good_->SumLoss(batch);
    const auto share = static_cast<double>(batch.row_ids.size()) / rows_;
    out.loss_sum = out.loss_sum *
                   (share * targets_ / static_cast<double>(out.target_tokens));
    return out;
  }

  const model::ModelInfo& info() const override { return good_->info(); }
  at::ScalarType compute_dtype() const override {
    return good_->compute_dtype();
  }
  at::Device device() const override { return good_->device(); }
  std::vector<model::LinearSlot>& linear_slots() override {
    return good_->linear_slots();
  }
  std::vector<model::AttentionSlot>& attention_slots() override {
    return good_->attention_slots();
  }
  std::vector<model::Parameter> Parameters() override {
    return good_->Parameters();
  }
  void SetActivationCheckpointing(bool on) override {
    good_->SetActivationCheckpointing(on);
  }
  at::Tensor HiddenStates(const Batch& batch) override {
    good_->pass_state() = pass_state();
    return good_->HiddenStates(batch);
  }
  at::Tensor Logits(const at::Tensor& h_MD) override {
    return good_->Logits(h_MD);
  }
  model::PassMatrices Matrices() override { return good_->Matrices(); }
  model::PassBytes BytesOf(const model::PassSize& pass) override {
    return good_->BytesOf(pass);
  }
  std::vector<std::vector<int32_t>> Generate(
      const std::vector<std::vector<int32_t>>& prompts,
      const model::GenerationOptions& options) override {
    return good_->Generate(prompts, options);
  }
  std::vector<NamedTensor> DenseState() override { return good_->DenseState(); }
  std::string ConfigJson() const override { return good_->ConfigJson(); }

 private:
  std::unique_ptr<model::Model> good_;
  double rows_, targets_;
};

// Flat batches whose rows see those before them.
class SeeingAcrossRows final : public data::Collator {
 public:
  explicit SeeingAcrossRows(std::unique_ptr<data::Collator> good)
      : good_(std::move(good)) {}
  std::vector<data::MicroBatchPlan> PlanPass(
      const std::vector<Example>& examples, const std::vector<int64_t>& order,
      Rng& rng) const override {
    return good_->PlanPass(examples, order, rng);
  }
  Batch Collate(const std::vector<Example>& examples,
                const data::MicroBatchPlan& plan) const override {
    Batch batch = good_->Collate(examples, plan);
    if (!batch.cu_seqlens.defined()) return batch;
    const int64_t tokens = batch.input_ids_BT.size(1);
    batch.cu_seqlens = at::tensor({int64_t{0}, tokens}, at::kInt);
    batch.lengths = {tokens};
    batch.row_ids.resize(1);
    batch.longest = tokens;
    return batch;
  }

 private:
  std::unique_ptr<data::Collator> good_;
};
class ContaminatedBatches final : public train::BatchingMethod {
 public:
  explicit ContaminatedBatches(std::unique_ptr<train::BatchingMethod> good)
      : good_(std::move(good)) {}
  std::unique_ptr<data::Collator> MakeCollator() override {
    return std::make_unique<SeeingAcrossRows>(good_->MakeCollator());
  }
  absl::Status Attach(model::Model& model) override {
    return good_->Attach(model);
  }

 private:
  std::unique_ptr<train::BatchingMethod> good_;
};

// Every step also moves a weight that the method has frozen.
class ThawedWeight final : public train::UpdateMethod, public train::StepHook {
 public:
  explicit ThawedWeight(std::unique_ptr<train::UpdateMethod> good)
      : good_(std::move(good)) {}

  absl::Status Attach(model::Model& model) override {
    const absl::Status status = good_->Attach(model);
    for (const model::Parameter& p : model.Parameters()) {
      if (p.role == model::Role::kNorm) norm_ = p;
    }
    return status;
  }
  const std::string& name() const { return norm_.name; }
  void Move(train::StepMoves& moves) override {
    moves.MoveAll();
    norm_.tensor.detach().add_(1e-3);
  }
  train::StepHook* step_hook() override { return this; }

  absl::Status BeginRound(int64_t round) override {
    return good_->BeginRound(round);
  }
  std::vector<train::TrainableParameter> TrainableParameters() override {
    return good_->TrainableParameters();
  }
  absl::Status Merge() override { return good_->Merge(); }
  train::MethodReport Report() override { return good_->Report(); }

 private:
  std::unique_ptr<train::UpdateMethod> good_;
  model::Parameter norm_;
};

}  // namespace sft::selfcheck

#endif  // TESTS_HARNESS_SELFCHECK_PLANTED_FAULTS_H_
