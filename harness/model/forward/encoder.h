// Encoders driven by EncoderConfig alone: blocks with attention to both sides,
// and a head a task. Residual stream and norms in the master dtype (f32; f64
// for f64 models), linear maps in the compute dtype. No dropout of the
// checkpoint's is applied. B sequences, T tokens, D width, N heads, H head
// width, V vocabulary, C classes, P sequences of a batch, padded or packed.
#ifndef HARNESS_MODEL_FORWARD_ENCODER_H_
#define HARNESS_MODEL_FORWARD_ENCODER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/model/families/encoder_config.h"
#include "harness/model/model.h"
#include "harness/model/ops/ops.h"

namespace sft::model {

class Encoder final : public Model {
 public:
  // `weights`: one tensor a row of EncoderParameters(), in the master dtype
  // of `compute`, on one device.
  Encoder(EncoderConfig config, ModelInfo info, at::ScalarType compute,
          std::map<std::string, at::Tensor> weights);

  const ModelInfo& info() const override { return info_; }
  at::ScalarType compute_dtype() const override { return compute_; }
  at::Device device() const override { return embedding_VD_.device(); }
  const EncoderConfig& config() const { return config_; }

  std::vector<LinearSlot>& linear_slots() override { return slots_; }
  std::vector<AttentionSlot>& attention_slots() override { return attention_; }
  std::vector<Parameter> Parameters() override;
  void SetActivationCheckpointing(bool on) override { checkpointing_ = on; }
  // The pooler is the head's: it reads one token a sequence.
  PassMatrices Matrices() override;
  // What backward reads of blocks and head, and the scores with their gradient.
  PassBytes BytesOf(const PassSize& pass) override;

  bool is_encoder() const override { return true; }
  // kNextToken while there is no head.
  HeadKind head() const override { return config_.head; }
  // Weights from N(0, 0.02), a stream each by its name, biases 0. A pooler that
  // the checkpoint lacks is drawn too and belongs to the head; one that the
  // head has no use for is dropped.
  absl::Status SetHead(HeadKind head, int64_t classes, int64_t seed) override;
  void SetLabelNames(const std::vector<std::string>& names,
                     int64_t seed) override;
  void KeepHead() override;
  std::vector<Parameter> HeadParameters() override;

  at::Tensor HiddenStates(const Batch& batch) override;
  at::Tensor HeadLogits(const Batch& batch) override;
  LossOutput SumLoss(const Batch& batch) override;
  // Nothing here predicts next tokens.
  at::Tensor Logits(const at::Tensor& h_MD) override;
  std::vector<std::vector<int32_t>> Generate(
      const std::vector<std::vector<int32_t>>& prompts,
      const GenerationOptions& options) override;

  std::vector<NamedTensor> DenseState() override;
  std::string ConfigJson() const override;

 private:
  struct NormWeights {
    std::string name;  // "" = none
    int64_t layer = -1;
    at::Tensor weight_D, bias_D;  // no bias where it is undefined
  };
  // A map of the head: dense, and trained by every method.
  struct HeadMap {
    std::string name;  // "" = none
    at::Tensor weight_OI, bias_O;
  };
  // What all blocks of a pass share.
  struct Pass {
    Batch batch;
    PassState state;
    RotaryTable angles, window_angles;
    at::Tensor distance_rows_TT;
  };

  const EncoderLayout& layout() const { return *config_.layout; }
  at::ScalarType master_dtype() const { return embedding_VD_.scalar_type(); }
  // The slot of the pooler; nullptr if there is none.
  LinearSlot* Pooler();
  void AddSlot(std::string name, int64_t layer, Role role, at::Tensor weight_OI,
               at::Tensor bias_O);
  HeadMap DrawnMap(std::string_view name, int64_t out, bool bias,
                   int64_t seed) const;
  void CountParameters();
  std::vector<Parameter> BackboneParameters();
  LinearSlot& SlotOf(int64_t layer, Role role);

  void CheckLength(const Batch& batch) const;
  at::Tensor Positions(const Batch& batch) const;  // [B, T]
  at::Tensor Embed(const Batch& batch);
  at::Tensor Normed(const NormWeights& norm, const at::Tensor& x) const;
  at::Tensor Attended(int64_t layer, const at::Tensor& h_BTD, const Pass& pass);
  at::Tensor FedForward(int64_t layer, const at::Tensor& h_BTD,
                        const Pass& pass);
  at::Tensor Block(int64_t layer, const at::Tensor& x_BTD, const Pass& pass);
  bool NeedsGradient(int64_t layer, const at::Tensor& x_BTD) const;
  std::shared_ptr<const Pass> MakePass(const Batch& batch);
  // What a sequence head reads of each sequence of the batch [P, D].
  at::Tensor RowStates(const at::Tensor& x_BTD, const Batch& batch) const;
  // The head on hidden states [M, D] of the tokens that it reads -> [M, C].
  at::Tensor HeadScores(const at::Tensor& x_MD);
  at::Tensor Mapped(const HeadMap& map, const at::Tensor& x_MI) const;
  void CheckHead(const Batch& batch) const;

  EncoderConfig config_;
  ModelInfo info_;
  at::ScalarType compute_;
  at::Tensor embedding_VD_;
  at::Tensor positions_PD_;  // undefined if there are none, as below
  at::Tensor types_SD_;
  at::Tensor distances_SD_;
  NormWeights embedding_norm_, distances_norm_, final_norm_;
  std::vector<NormWeights> norms_;  // two a layer, attention's first
  // The layout's a layer, then the projection, then the pooler.
  std::vector<LinearSlot> slots_;
  NormWeights pooler_norm_;  // the head's where the pooler is
  HeadMap dense_, out_;
  bool own_head_ = false;  // the checkpoint's, of its size
  std::string lost_head_;  // the note on it, where another is in its place
  std::vector<AttentionSlot> attention_;
  bool checkpointing_ = false;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_FORWARD_ENCODER_H_
