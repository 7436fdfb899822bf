// Decoders of many families, driven by DecoderConfig alone: which norms, maps
// and positions there are is data, and no family has code here. Residual stream
// and norms in the master dtype (f32; f64 for f64 models), linear maps in the
// compute dtype.
// B sequences, T tokens, D width, N heads, H head width, V vocabulary.
#ifndef HARNESS_MODEL_FORWARD_DECODER_H_
#define HARNESS_MODEL_FORWARD_DECODER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/kernels/attention/attention.h"
#include "harness/model/families/config.h"
#include "harness/model/model.h"
#include "harness/model/ops/ops.h"
#include "harness/model/ops/reading_product.h"

namespace sft::model {

// Every tensor that a configuration asks for.
std::vector<ParameterShape> DecoderParameters(const DecoderConfig& config);

class Decoder final : public Model {
 public:
  // `weights`: one tensor a row of DecoderParameters(), in the master dtype
  // of `compute`, on one device.
  Decoder(DecoderConfig config, ModelInfo info, at::ScalarType compute,
          std::map<std::string, at::Tensor> weights);

  const ModelInfo& info() const override { return info_; }
  at::ScalarType compute_dtype() const override { return compute_; }
  at::Device device() const override { return embedding_VD_.device(); }
  const DecoderConfig& config() const { return config_; }

  std::vector<LinearSlot>& linear_slots() override { return slots_; }
  std::vector<AttentionSlot>& attention_slots() override { return attention_; }
  std::vector<Parameter> Parameters() override;
  void SetActivationCheckpointing(bool on) override { checkpointing_ = on; }
  PassMatrices Matrices() override;
  // With m and c bytes a number in the master and the compute dtype, a token
  // and block keep
  //   2 m D + c (2 N H + 2 K H + 2 F) + 4 N,
  // the residual twice (where c < m on a processor, m + c: ResidualSum),
  // queries, keys and values as attention reads them, its output, gate and up
  // (without a gate, up and its activation); of each of two norms a number a
  // row, where its result is made again, or the result and two numbers. Layouts
  // with more norms keep more. The head adds the logits of kHeadLossRows
  // targets, three rows a target and, if it trains, its gradient.
  PassBytes BytesOf(const PassSize& pass) override;

  at::Tensor HiddenStates(const Batch& batch) override;
  at::Tensor Logits(const at::Tensor& h_MD) override;
  at::Tensor LogitsOf(const at::Tensor& h_MD, int64_t first,
                      int64_t count) override;
  LossOutput SumLoss(const Batch& batch) override;
  bool IsReplayable() override;
  std::unique_ptr<CausalReader> MakeReader() override;
  std::vector<std::vector<int32_t>> Generate(
      const std::vector<std::vector<int32_t>>& prompts,
      const GenerationOptions& options) override;

  bool UntieHead() override;
  std::vector<NamedTensor> DenseState() override;
  std::string ConfigJson() const override;

 private:
  class TensorBlock;  // a layer's operations with gradients
  class RowStep;      // a generation's steps of few rows
  class Reader;       // the decoder as generation reads it
  // q [B, N, T, H], k and v [B, N_kv, T, H], rotated.
  using AttendFn = std::function<at::Tensor(
      const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)>;
  struct NormWeights {
    std::string name;
    int64_t layer = -1;
    at::Tensor weight_D, bias_D;  // bias_D undefined if there is none
  };
  // Angles of the layers that see all and of those with a window; undefined
  // where positions are learned.
  struct Rotation {
    RotaryTable global, local;
    RotaryTable none;  // of layers that do not rotate
    const RotaryTable& Of(const DecoderConfig& config, int64_t layer) const {
      if (!config.Rotates(layer)) return none;
      return config.ShapeOf(layer).window > 0 ? local : global;
    }
  };

  at::ScalarType master_dtype() const { return embedding_VD_.scalar_type(); }
  const DecoderLayout& layout() const { return *config_.layout; }
  at::Tensor Embed(const at::Tensor& ids_BT,
                   const at::Tensor& position_BT) const;
  // What else the embedding of rows of the matrix takes.
  at::Tensor Embedded(at::Tensor rows_BTD, const at::Tensor& position_BT) const;
  int64_t pad_id() const;
  // length_BT: as MakeScaledRotaryTable() takes it; undefined where a token's
  // sequence is read up to it.
  Rotation MakeRotation(const at::Tensor& position_BT,
                        const at::Tensor& length_BT = {}) const;
  bool RescalesByLength() const;
  // In the dtype `out`.
  at::Tensor Normed(const NormWeights& norm, const at::Tensor& x,
                    at::ScalarType out) const;
  // x itself where the layout has no such norm.
  at::Tensor NormedAt(int64_t layer, NormPlace place, const at::Tensor& x,
                      at::ScalarType out) const;
  at::Tensor Block(int64_t layer, const at::Tensor& x_BTD,
                   const Rotation& rotation, const PassState& pass,
                   const AttendFn& attend);
  // Without checkpointing.
  int64_t BytesOfBlock(int64_t layer, const PassSize& pass) const;
  bool NeedsGradient(int64_t layer, const at::Tensor& x_BTD) const;
  // Residual stream after the last block, before the last norm.
  at::Tensor Backbone(const Batch& batch) {
    return Backbone(
        batch, Embed(batch.input_ids_BT, batch.position_ids_BT.to(device())));
  }
  at::Tensor Backbone(const Batch& batch, at::Tensor embedded_BTD);
  // A head and an embedding that are one, and train as one.
  bool TrainsTied() const;
  // What the head's matrix multiplies, in the compute dtype.
  at::Tensor HeadRows(const at::Tensor& h_MD) const;
  // Logits [M, V] behind rows x [M, D] of that.
  at::Tensor LogitsBehind(const at::Tensor& x_MD) {
    return Logits(Normed(norm_, x_MD, compute_));
  }
  LinearSlot& SlotOf(int64_t layer, Role role) {
    return slots_[layer * layout().maps.size() + layout().MapIndex(role)];
  }
  const at::Tensor& head_weight_VD() const {
    return head_VD_.defined() ? head_VD_ : embedding_VD_;
  }

  DecoderConfig config_;
  ModelInfo info_;
  at::ScalarType compute_;
  at::Tensor embedding_VD_;
  at::Tensor positions_PD_;  // undefined if rotary
  NormWeights norm_;
  at::Tensor head_VD_;  // undefined if tied
  // Parts of the head by their first row, while no gradient is recorded.
  std::map<int64_t, LaidOutWeight> head_parts_;
  std::vector<NormWeights> norms_;  // the layout's a layer, in their order
  std::vector<LinearSlot> slots_;   // likewise
  std::vector<AttentionSlot> attention_;
  bool checkpointing_ = false;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_FORWARD_DECODER_H_
