// A language model small enough to check by hand: every token is predicted
// from the token before it alone, logits = head(norm * tanh(map(embedding))).
// It has one linear slot, an embedding, a norm and a head, and obeys the Model
// interface; tests of the trainer need no more.
#ifndef TESTS_SUPPORT_TINY_MODEL_H_
#define TESTS_SUPPORT_TINY_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/data/collator.h"
#include "harness/model/model.h"

namespace sft::support {

class TinyModel : public model::Model {
 public:
  // Values are drawn from `seed`; `dtype` is kFloat or kDouble. With a
  // dropout above 0, hidden units are dropped in training from the pass
  // state's seed.
  explicit TinyModel(int64_t seed, at::ScalarType dtype = at::kFloat,
                     double dropout = 0);

  const model::ModelInfo& info() const override { return info_; }
  at::ScalarType compute_dtype() const override { return dtype_; }
  at::Device device() const override { return at::kCPU; }
  std::vector<model::LinearSlot>& linear_slots() override { return slots_; }
  std::vector<model::AttentionSlot>& attention_slots() override {
    return attention_;
  }
  std::vector<model::Parameter> Parameters() override;
  void SetActivationCheckpointing(bool) override {}
  model::PassMatrices Matrices() override;
  model::PassBytes BytesOf(const model::PassSize&) override { return {}; }
  at::Tensor HiddenStates(const Batch& batch) override;
  at::Tensor Logits(const at::Tensor& h_MD) override;
  model::LossOutput SumLoss(const Batch& batch) override;
  std::vector<std::vector<int32_t>> Generate(
      const std::vector<std::vector<int32_t>>& prompts,
      const model::GenerationOptions& options) override;
  std::vector<NamedTensor> DenseState() override;
  std::string ConfigJson() const override { return "{}"; }

 private:
  model::ModelInfo info_;
  at::ScalarType dtype_;
  double dropout_;
  at::Tensor embedding_VD_;
  at::Tensor norm_D_;
  at::Tensor head_VD_;
  std::vector<model::LinearSlot> slots_;
  std::vector<model::AttentionSlot> attention_;
};

// y = w x, for the one slot of TinyModel.
class TinyLinear : public model::LinearMap {
 public:
  explicit TinyLinear(at::Tensor weight_OI) : weight_OI_(weight_OI) {}
  at::Tensor Forward(const at::Tensor& x,
                     const model::PassState& pass) override;
  at::Tensor DenseWeight() const override;
  std::vector<model::MatrixShape> Matrices() const override;
  std::vector<NamedTensor> Tensors() const override;
  std::vector<std::pair<std::string, int64_t>> BytesByCategory() const override;

 private:
  at::Tensor weight_OI_;
};

// `rows` examples of a few tokens each; the first half of each is no target.
std::vector<Example> TinyExamples(int64_t rows, int64_t seed = 0);

// Rows in the given order, `batch_size` a micro-batch; padded or flat.
class PlainCollator : public data::Collator {
 public:
  explicit PlainCollator(int64_t batch_size, bool flat = false)
      : batch_size_(batch_size), flat_(flat) {}
  std::vector<data::MicroBatchPlan> PlanPass(
      const std::vector<Example>& examples, const std::vector<int64_t>& order,
      Rng& rng) const override;
  Batch Collate(const std::vector<Example>& examples,
                const data::MicroBatchPlan& plan) const override;

 private:
  int64_t batch_size_;
  bool flat_;
};

}  // namespace sft::support

#endif  // TESTS_SUPPORT_TINY_MODEL_H_
