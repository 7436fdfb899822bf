// A model whose embedding drops the gradient of looking up one token, as
// torch.nn.Embedding(padding_idx) does. transformers builds its embeddings
// so, and for SmolLM2-Instruct the padding token is the end-of-turn token,
// which stands in every prompt: its row then learns from the head alone. Ours
// learns from both; the golden trajectories are compared through this.
#ifndef TESTS_HARNESS_TRAIN_PADDING_INDEX_MODEL_H_
#define TESTS_HARNESS_TRAIN_PADDING_INDEX_MODEL_H_

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/model/model.h"
#include "tests/support/catch_torch.h"

namespace sft {

class PaddingIndexModel : public Model {
 public:
  // `model` outlives this one.
  PaddingIndexModel(Model& model, int64_t padding_id)
      : model_(model), padding_id_(padding_id) {}

  LossOutput SumLoss(const Batch& batch) override {
    model_.pass_state() = pass_state();
    LossOutput out = model_.SumLoss(batch);
    if (out.loss_sum.requires_grad()) {
      Hook(out.loss_sum.grad_fn().get(),
           batch.input_ids_BT.ne(padding_id_).unsqueeze(-1));
    }
    return out;
  }

  const ModelInfo& info() const override { return model_.info(); }
  at::ScalarType compute_dtype() const override {
    return model_.compute_dtype();
  }
  at::Device device() const override { return model_.device(); }
  std::vector<LinearSlot>& linear_slots() override {
    return model_.linear_slots();
  }
  std::vector<AttentionSlot>& attention_slots() override {
    return model_.attention_slots();
  }
  std::vector<Parameter> Parameters() override { return model_.Parameters(); }
  void SetActivationCheckpointing(bool on) override {
    model_.SetActivationCheckpointing(on);
  }
  at::Tensor HiddenStates(const Batch& batch) override {
    return model_.HiddenStates(batch);
  }
  at::Tensor Logits(const at::Tensor& h_MD) override {
    return model_.Logits(h_MD);
  }
  std::vector<std::vector<int32_t>> GenerateGreedy(
      const std::vector<std::vector<int32_t>>& prompts, int64_t max_new_tokens,
      std::vector<int32_t> stop_ids) override {
    return model_.GenerateGreedy(prompts, max_new_tokens, std::move(stop_ids));
  }
  std::vector<NamedTensor> DenseState() override { return model_.DenseState(); }
  std::string ConfigJson() const override { return model_.ConfigJson(); }

 private:
  struct KeepRows : torch::autograd::FunctionPreHook {
    explicit KeepRows(at::Tensor keep_BT1) : keep(std::move(keep_BT1)) {}
    torch::autograd::variable_list operator()(
        const torch::autograd::variable_list& grads) override {
      return {grads.at(0).mul(keep)};
    }
    at::Tensor keep;
  };

  // Finds the look-up in the graph below `root`.
  static void Hook(torch::autograd::Node* root, const at::Tensor& keep_BT1) {
    std::set<torch::autograd::Node*> seen = {root};
    std::vector<torch::autograd::Node*> open = {root};
    int found = 0;
    while (!open.empty()) {
      torch::autograd::Node* node = open.back();
      open.pop_back();
      if (node->name() == "EmbeddingBackward0") {
        node->add_pre_hook(std::make_unique<KeepRows>(keep_BT1));
        ++found;
      }
      for (const torch::autograd::Edge& edge : node->next_edges()) {
        if (edge.function && seen.insert(edge.function.get()).second) {
          open.push_back(edge.function.get());
        }
      }
    }
    REQUIRE(found == 1);
  }

  Model& model_;
  int64_t padding_id_;
};

}  // namespace sft

#endif  // TESTS_HARNESS_TRAIN_PADDING_INDEX_MODEL_H_
