// A decoder as generation reads it: keys and values of all rows in a cache.
// B rows, T tokens, D width, V vocabulary.
#include <ATen/ATen.h>

#include <algorithm>
#include <memory>

#include "harness/core/stop_point.h"
#include "harness/model/forward/decode_step.h"
#include "harness/model/forward/decoder.h"
#include "harness/model/forward/kv_cache.h"
#include "harness/model/generate/generate.h"

namespace sft::model {

using Ids = std::vector<int32_t>;

class Decoder::Reader final : public CausalReader {
 public:
  explicit Reader(Decoder& decoder) : decoder_(decoder), step_(decoder) {}

  int64_t Reach() const override { return decoder_.config_.Reach(); }
  at::Tensor ReadPrompts(const std::vector<Ids>& prompts,
                         int64_t new_tokens) override;
  bool ReadsUnevenly(int64_t rows) const override { return step_.Serves(rows); }
  at::Tensor ReadNext(const std::vector<Ids>& of_rows) override;
  void Advance(const std::vector<int64_t>& tokens) override {
    cache_->Advance(tokens);
  }
  void Select(const std::vector<int64_t>& from) override {
    cache_->Select(from);
  }

 private:
  // The residual stream [B, T, D] of `ids` behind the last block, where
  // `attend` gives a layer's attention.
  using LayerAttention = std::function<at::Tensor(
      int64_t layer, const at::Tensor& q, const at::Tensor& k,
      const at::Tensor& v, const kernels::AttentionShape& shape)>;
  at::Tensor Read(const at::Tensor& ids_BT, const at::Tensor& position_BT,
                  const at::Tensor& length_BT, const LayerAttention& attend);

  Decoder& decoder_;
  RowStep step_;
  std::unique_ptr<KvCache> cache_;
};

at::Tensor Decoder::Reader::Read(const at::Tensor& ids_BT,
                                 const at::Tensor& position_BT,
                                 const at::Tensor& length_BT,
                                 const LayerAttention& attend) {
  const Rotation rotation = decoder_.MakeRotation(position_BT, length_BT);
  const PassState pass;
  at::Tensor x_BTD = decoder_.Embed(ids_BT, position_BT);
  for (int64_t layer = 0; layer < decoder_.config_.layers; ++layer) {
    StopPoint();
    const kernels::AttentionShape shape = decoder_.config_.ShapeOf(layer);
    x_BTD = decoder_.Block(
        layer, x_BTD, rotation, pass,
        [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
          return attend(layer, q, k, v, shape);
        });
  }
  return x_BTD;
}

at::Tensor Decoder::Reader::ReadPrompts(const std::vector<Ids>& prompts,
                                        int64_t new_tokens) {
  // Flat: no pad is read.
  std::vector<int64_t> ids, positions, whole, lengths, last;
  std::vector<int32_t> bounds = {0};
  int64_t longest = 0;
  for (const Ids& prompt : prompts) {
    TORCH_CHECK(!prompt.empty(), "an empty prompt");
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    for (int64_t t = 0; t < std::ssize(prompt); ++t) positions.push_back(t);
    whole.insert(whole.end(), prompt.size(), std::ssize(prompt));
    lengths.push_back(std::ssize(prompt));
    longest = std::max(longest, lengths.back());
    bounds.push_back(static_cast<int32_t>(ids.size()));
    last.push_back(std::ssize(ids) - 1);
  }
  const DecoderConfig& config = decoder_.config_;
  TORCH_CHECK(
      !decoder_.positions_PD_.defined() || longest <= config.max_positions,
      "a prompt of ", longest, " tokens; the model has ", config.max_positions,
      " positions");
  cache_ = std::make_unique<KvCache>(config, lengths, longest + new_tokens,
                                     decoder_.embedding_VD_.options()
                                         .dtype(decoder_.compute_)
                                         .requires_grad(false));
  Batch batch;
  batch.cu_seqlens = at::tensor(bounds, at::kInt);
  batch.lengths = lengths;
  const double scale = config.AttentionScale();
  const auto row = [&](const std::vector<int64_t>& of) {
    return at::tensor(of, at::kLong).to(decoder_.device());
  };
  const at::Tensor x_TD =
      Read(row(ids).unsqueeze(0), row(positions).unsqueeze(0),
           row(whole).unsqueeze(0),
           [&](int64_t layer, const at::Tensor& q, const at::Tensor& k,
               const at::Tensor& v, const kernels::AttentionShape& shape) {
             return cache_->AttendPrompts(layer, q, k, v, batch, scale, shape);
           })
          .squeeze(0);
  return decoder_.LogitsBehind(x_TD.index_select(0, row(last)));
}

at::Tensor Decoder::Reader::ReadNext(const std::vector<Ids>& of_rows) {
  const StepTokens tokens = cache_->NextTokens(of_rows);
  if (step_.Serves(std::ssize(tokens.ids))) {
    return step_.Logits(tokens, *cache_);
  }
  TORCH_CHECK(std::ssize(tokens.ids) == cache_->rows(), tokens.ids.size(),
              " tokens for ", cache_->rows(), " rows");
  const double scale = decoder_.config_.AttentionScale();
  const at::Tensor ids_B1 =
      at::tensor(tokens.ids, at::kLong).to(decoder_.device()).unsqueeze(1);
  const at::Tensor x_B1D =
      Read(ids_B1, cache_->lengths_B1(), /*length_BT=*/{},
           [&](int64_t layer, const at::Tensor& q, const at::Tensor& k,
               const at::Tensor& v, const kernels::AttentionShape& shape) {
             return cache_->AttendNext(layer, q, k, v, scale, shape);
           });
  return decoder_.LogitsBehind(x_B1D.squeeze(1));
}

std::unique_ptr<CausalReader> Decoder::MakeReader() {
  return std::make_unique<Reader>(*this);
}

std::vector<Ids> Decoder::Generate(const std::vector<Ids>& prompts,
                                   const GenerationOptions& options) {
  Reader reader(*this);
  return GenerateBy(reader, prompts, options);
}

}  // namespace sft::model
