// A model small enough to check by hand: the state of a token is the mean of
// the embeddings up to it in its sequence, plus a term of its position; the
// head is the embedding. V = 257, the ids of FakeTokenizer.
#ifndef TESTS_HARNESS_EVAL_FAKE_MODEL_H_
#define TESTS_HARNESS_EVAL_FAKE_MODEL_H_

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "harness/core/rng.h"
#include "harness/model/model.h"

namespace sft::eval {

class FakeModel : public model::Model {
 public:
  explicit FakeModel(uint64_t seed, double scale = 1.0,
                     int64_t vocabulary = 257) {
    Rng rng(seed, Stream::kInit, "fake");
    std::vector<float> values(vocabulary * 8);
    for (float& v : values) v = static_cast<float>(rng.Normal() * scale);
    weight_VD = at::tensor(values).view({vocabulary, 8}).requires_grad_(true);
    info_.vocabulary = vocabulary;
  }

  const model::ModelInfo& info() const override { return info_; }
  at::ScalarType compute_dtype() const override { return at::kFloat; }
  at::Device device() const override { return at::kCPU; }
  std::vector<model::LinearSlot>& linear_slots() override { return linear_; }
  std::vector<model::AttentionSlot>& attention_slots() override {
    return attention_;
  }
  std::vector<model::Parameter> Parameters() override { return {}; }
  void SetActivationCheckpointing(bool) override {}
  model::PassMatrices Matrices() override { return {}; }
  model::PassBytes BytesOf(const model::PassSize&) override { return {}; }

  at::Tensor HiddenStates(const Batch& batch) override {
    ++passes;
    seen_training = seen_training || pass_state().training;
    const at::Tensor x_TD = weight_VD.index_select(0, batch.input_ids_BT[0]);
    std::vector<at::Tensor> parts, totals;
    int64_t begin = 0;
    for (size_t s = 0; s < batch.lengths.size(); ++s) {
      const int64_t length = batch.lengths[s];
      const int64_t prefix = batch.prefixes.empty() ? -1 : batch.prefixes[s];
      const at::Tensor position_T =
          batch.position_ids_BT[0].narrow(0, begin, length).to(at::kFloat);
      at::Tensor sum_TD = x_TD.narrow(0, begin, length).cumsum(0);
      if (prefix >= 0) sum_TD = sum_TD + totals[prefix];
      totals.push_back(sum_TD[length - 1]);
      parts.push_back(sum_TD / (position_T + 1).unsqueeze(1) +
                      position_T.mul(0.3).sin().unsqueeze(1));
      begin += length;
    }
    return at::cat(parts).unsqueeze(0);
  }
  at::Tensor Logits(const at::Tensor& h_MD) override {
    head_rows += h_MD.size(0);
    return h_MD.matmul(weight_VD.t());
  }
  model::LossOutput SumLoss(const Batch& batch) override {
    const at::Tensor logits_TV = Logits(HiddenStates(batch).squeeze(0));
    const int64_t tokens = logits_TV.size(0);
    return {at::cross_entropy_loss(logits_TV.narrow(0, 0, tokens - 1),
                                   batch.labels_BT[0].narrow(0, 1, tokens - 1),
                                   {}, at::Reduction::Sum),
            batch.target_tokens};
  }
  std::vector<std::vector<int32_t>> Generate(
      const std::vector<std::vector<int32_t>>& prompts,
      const model::GenerationOptions& options) override {
    stops = options.stop_ids;
    return {prompts.size(), std::vector<int32_t>(options.max_new_tokens, 'a')};
  }
  std::vector<NamedTensor> DenseState() override { return {}; }
  std::string ConfigJson() const override { return "{}"; }

  at::Tensor weight_VD;
  int64_t passes = 0;
  int64_t head_rows = 0;
  bool seen_training = false;
  std::vector<int32_t> stops;

 private:
  model::ModelInfo info_;
  std::vector<model::LinearSlot> linear_;
  std::vector<model::AttentionSlot> attention_;
};

}  // namespace sft::eval

#endif  // TESTS_HARNESS_EVAL_FAKE_MODEL_H_
