// Greedy generation with a cache of keys and values, rows of any length
// together: row b writes slot length_b and sees the slots before it.
// B rows still alive, S slots, K key and value heads, H head width.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "harness/model/attention.h"
#include "harness/model/decoder.h"

namespace sft {

struct Decoder::Cache {
  std::vector<at::Tensor> k_BKSH, v_BKSH;  // a layer each
  at::Tensor lengths_B;                    // int64, filled slots

  void KeepRows(const at::Tensor& rows) {
    for (at::Tensor& k : k_BKSH) k = k.index_select(0, rows);
    for (at::Tensor& v : v_BKSH) v = v.index_select(0, rows);
    lengths_B = lengths_B.index_select(0, rows);
  }
};

at::Tensor Decoder::NextTokens(const at::Tensor& ids_BT,
                               const at::Tensor& position_BT,
                               const at::Tensor& last_B, Cache& cache) {
  const int64_t B = ids_BT.size(0), T = ids_BT.size(1);
  const double scale = config_.AttentionScale();
  const bool first = !cache.lengths_B.defined();
  const Rotation rotation = MakeRotation(position_BT);
  const at::Tensor rows_B = at::arange(B, ids_BT.options());
  const int64_t seen_slots =
      first ? T : cache.lengths_B.max().item<int64_t>() + 1;
  PassState pass;
  at::Tensor x_BTD = Embed(ids_BT, position_BT);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    at::Tensor& keys = cache.k_BKSH[layer];
    at::Tensor& values = cache.v_BKSH[layer];
    const AttentionShape shape = config_.ShapeOf(layer);
    auto attend = [&](const at::Tensor& q, const at::Tensor& k,
                      const at::Tensor& v) {
      if (first) {
        keys.narrow(2, 0, T).copy_(k);
        values.narrow(2, 0, T).copy_(v);
        return DefaultAttention(q, k, v, Batch(), scale, shape);
      }
      using at::indexing::Slice;
      keys.index_put_({rows_B, Slice(), cache.lengths_B}, k.select(2, 0));
      values.index_put_({rows_B, Slice(), cache.lengths_B}, v.select(2, 0));
      return CachedAttention(q, keys.narrow(2, 0, seen_slots),
                             values.narrow(2, 0, seen_slots),
                             cache.lengths_B + 1, scale, shape);
    };
    x_BTD = Block(layer, x_BTD, rotation, pass, attend);
  }
  const at::Tensor x_BD =
      x_BTD.reshape({B * T, -1}).index_select(0, rows_B * T + last_B);
  return Logits(Normed(norm_, x_BD)).argmax(-1);
}

std::vector<std::vector<int32_t>> Decoder::Generate(
    const std::vector<std::vector<int32_t>>& prompts,
    const GenerationOptions& options) {
  c10::NoGradGuard off;
  const int64_t max_new_tokens = options.max_new_tokens;
  const std::vector<int32_t>& stop_ids = options.stop_ids;
  const int64_t B = static_cast<int64_t>(prompts.size());
  std::vector<std::vector<int32_t>> answers(prompts.size());
  if (B == 0 || max_new_tokens <= 0) return answers;
  int64_t longest = 0;
  for (const auto& prompt : prompts) {
    TORCH_CHECK(!prompt.empty(), "an empty prompt");
    longest = std::max<int64_t>(longest, prompt.size());
  }
  const auto longs = at::TensorOptions().dtype(at::kLong);
  at::Tensor ids_BT = at::zeros({B, longest}, longs);
  at::Tensor lengths_B = at::empty({B}, longs);
  for (int64_t b = 0; b < B; ++b) {
    lengths_B.data_ptr<int64_t>()[b] = prompts[b].size();
    std::copy(prompts[b].begin(), prompts[b].end(),
              ids_BT.data_ptr<int64_t>() + b * longest);
  }
  ids_BT = ids_BT.to(device());
  lengths_B = lengths_B.to(device());

  Cache cache;
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (auto* side : {&cache.k_BKSH, &cache.v_BKSH}) {
      // Zeros: what a masked slot holds is still multiplied, by nought.
      side->push_back(at::zeros(
          {B, config_.kv_heads, longest + max_new_tokens, config_.head_width},
          embedding_VD_.options().dtype(compute_)));
    }
  }
  at::Tensor next_B = NextTokens(
      ids_BT, at::arange(longest, ids_BT.options()).expand({B, longest}),
      lengths_B - 1, cache);
  cache.lengths_B = lengths_B;
  std::vector<int64_t> alive(B);
  for (int64_t b = 0; b < B; ++b) alive[b] = b;
  for (;;) {
    const at::Tensor chosen = next_B.cpu();
    std::vector<int64_t> kept, kept_rows;
    for (size_t i = 0; i < alive.size(); ++i) {
      const auto token = static_cast<int32_t>(chosen.data_ptr<int64_t>()[i]);
      std::vector<int32_t>& answer = answers[alive[i]];
      if (std::find(stop_ids.begin(), stop_ids.end(), token) !=
          stop_ids.end()) {
        continue;
      }
      answer.push_back(token);
      const int64_t total =
          static_cast<int64_t>(prompts[alive[i]].size() + answer.size());
      if (static_cast<int64_t>(answer.size()) >= max_new_tokens ||
          total >= config_.max_positions) {
        continue;
      }
      if (options.stop && options.stop(answer)) continue;
      kept.push_back(static_cast<int64_t>(i));
      kept_rows.push_back(alive[i]);
    }
    if (kept.empty()) return answers;
    if (kept.size() < alive.size()) {
      const at::Tensor rows = at::tensor(kept, longs).to(device());
      cache.KeepRows(rows);
      next_B = next_B.index_select(0, rows);
      alive = std::move(kept_rows);
    }
    const at::Tensor position_B1 = cache.lengths_B.unsqueeze(1);
    next_B = NextTokens(next_B.unsqueeze(1), position_B1,
                        at::zeros_like(cache.lengths_B), cache);
    cache.lengths_B = cache.lengths_B + 1;
  }
}

}  // namespace sft
