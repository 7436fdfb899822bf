// Generation with a cache of keys and values: greedy and sampled.
// B rows, T tokens, V vocabulary.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "harness/core/rng.h"
#include "harness/model/decoder.h"
#include "harness/model/sampling.h"

namespace sft {
namespace {

using Ids = std::vector<int32_t>;

// The next token of each row of logits [B, V]; `draws`: a stream a row.
std::vector<int32_t> ChooseTokens(const at::Tensor& logits_BV,
                                  const GenerationOptions& options,
                                  std::vector<Rng*> draws) {
  std::vector<int32_t> chosen;
  if (options.temperature <= 0) {
    const at::Tensor best = logits_BV.argmax(-1).cpu();
    for (int64_t b = 0; b < best.numel(); ++b) {
      chosen.push_back(static_cast<int32_t>(best.const_data_ptr<int64_t>()[b]));
    }
    return chosen;
  }
  const at::Tensor rows = logits_BV.to(at::kCPU, at::kDouble).contiguous();
  const int64_t V = rows.size(1);
  for (int64_t b = 0; b < rows.size(0); ++b) {
    const double* row = rows.const_data_ptr<double>() + b * V;
    chosen.push_back(DrawToken(TokenProbabilities({row, row + V}, options),
                               draws[b]->Uniform()));
  }
  return chosen;
}

void CheckOptions(const GenerationOptions& options, size_t prompts) {
  TORCH_CHECK(options.temperature >= 0 && options.top_k >= 0 &&
                  options.top_p > 0 && options.top_p <= 1,
              "temperature ", options.temperature, ", top_k ", options.top_k,
              ", top_p ", options.top_p);
  TORCH_CHECK(options.beams >= 1, options.beams, " beams");
  TORCH_CHECK(options.beams == 1 || options.temperature == 0,
              "beams are not sampled");
  TORCH_CHECK(options.streams.empty() || options.streams.size() == prompts,
              options.streams.size(), " streams of ", prompts, " prompts");
}

}  // namespace

at::Tensor Decoder::CachedBackbone(
    const at::Tensor& ids_BT, const at::Tensor& position_BT,
    const std::function<at::Tensor(int64_t, const at::Tensor&,
                                   const at::Tensor&, const at::Tensor&,
                                   const AttentionShape&)>& attend) {
  const Rotation rotation = MakeRotation(position_BT);
  const PassState pass;
  at::Tensor x_BTD = Embed(ids_BT, position_BT);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    const AttentionShape shape = config_.ShapeOf(layer);
    x_BTD = Block(
        layer, x_BTD, rotation, pass,
        [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
          return attend(layer, q, k, v, shape);
        });
  }
  return x_BTD;
}

at::Tensor Decoder::ReadPrompts(const std::vector<Ids>& prompts,
                                int64_t new_tokens,
                                std::unique_ptr<KvCache>& cache) {
  // Flat: no pad is read.
  std::vector<int64_t> ids, positions, lengths, last;
  std::vector<int32_t> bounds = {0};
  int64_t longest = 0;
  for (const Ids& prompt : prompts) {
    TORCH_CHECK(!prompt.empty(), "an empty prompt");
    ids.insert(ids.end(), prompt.begin(), prompt.end());
    for (int64_t t = 0; t < std::ssize(prompt); ++t) positions.push_back(t);
    lengths.push_back(std::ssize(prompt));
    longest = std::max(longest, lengths.back());
    bounds.push_back(static_cast<int32_t>(ids.size()));
    last.push_back(std::ssize(ids) - 1);
  }
  TORCH_CHECK(!positions_PD_.defined() || longest <= config_.max_positions,
              "a prompt of ", longest, " tokens; the model has ",
              config_.max_positions, " positions");
  cache = std::make_unique<KvCache>(
      config_, lengths, longest + new_tokens,
      embedding_VD_.options().dtype(compute_).requires_grad(false));
  Batch batch;
  batch.cu_seqlens = at::tensor(bounds, at::kInt);
  batch.lengths = lengths;
  const double scale = config_.AttentionScale();
  const auto row = [&](const std::vector<int64_t>& of) {
    return at::tensor(of, at::kLong).to(device());
  };
  const at::Tensor x_TD =
      CachedBackbone(
          row(ids).unsqueeze(0), row(positions).unsqueeze(0),
          [&](int64_t layer, const at::Tensor& q, const at::Tensor& k,
              const at::Tensor& v, const AttentionShape& shape) {
            return cache->AttendPrompts(layer, q, k, v, batch, scale, shape);
          })
          .squeeze(0);
  return Logits(Normed(norm_, x_TD.index_select(0, row(last)), compute_));
}

at::Tensor Decoder::ReadNext(const std::vector<int64_t>& tokens, KvCache& cache,
                             StepRoom& room) {
  if (CanStep(std::ssize(tokens))) return StepRows(tokens, cache, room);
  const double scale = config_.AttentionScale();
  const at::Tensor ids_B1 =
      at::tensor(tokens, at::kLong).to(device()).unsqueeze(1);
  const at::Tensor x_B1D = CachedBackbone(
      ids_B1, cache.lengths_B1(),
      [&](int64_t layer, const at::Tensor& q, const at::Tensor& k,
          const at::Tensor& v, const AttentionShape& shape) {
        return cache.AttendNext(layer, q, k, v, scale, shape);
      });
  return Logits(Normed(norm_, x_B1D.squeeze(1), compute_));
}

std::vector<Ids> Decoder::Generate(const std::vector<Ids>& prompts,
                                   const GenerationOptions& options) {
  c10::NoGradGuard off;
  CheckOptions(options, prompts.size());
  std::vector<Ids> answers(prompts.size());
  if (prompts.empty() || options.max_new_tokens <= 0) return answers;
  if (options.beams > 1) return GenerateByBeams(prompts, options);

  std::vector<Rng> streams;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto number =
        options.streams.empty() ? static_cast<int64_t>(i) : options.streams[i];
    streams.emplace_back(static_cast<uint64_t>(options.seed),
                         Stream::kGeneration, absl::StrCat("prompt ", number));
  }
  const auto ends = [&](size_t prompt, int32_t token) {
    if (std::find(options.stop_ids.begin(), options.stop_ids.end(), token) !=
        options.stop_ids.end()) {
      return true;
    }
    Ids& answer = answers[prompt];
    answer.push_back(token);
    return std::ssize(answer) >= options.max_new_tokens ||
           std::ssize(prompts[prompt]) + std::ssize(answer) >=
               config_.max_positions ||
           (options.stop && options.stop(answer));
  };

  std::unique_ptr<KvCache> cache;
  StepRoom room;
  at::Tensor logits_BV = ReadPrompts(prompts, options.max_new_tokens, cache);
  // Of each row of the cache: its prompt, and whether that goes on.
  std::vector<size_t> prompt_of(prompts.size());
  for (size_t i = 0; i < prompt_of.size(); ++i) prompt_of[i] = i;
  std::vector<bool> alive(prompts.size(), true);
  for (;;) {
    std::vector<Rng*> draws;
    for (size_t prompt : prompt_of) draws.push_back(&streams[prompt]);
    const std::vector<int32_t> chosen = ChooseTokens(logits_BV, options, draws);
    std::vector<int64_t> kept, tokens;
    for (size_t row = 0; row < alive.size(); ++row) {
      alive[row] = alive[row] && !ends(prompt_of[row], chosen[row]);
      if (alive[row]) kept.push_back(static_cast<int64_t>(row));
    }
    if (kept.empty()) return answers;
    // To drop a row copies the cache, which costs more than to carry a few.
    if (4 * (alive.size() - kept.size()) >= alive.size()) {
      cache->Select(kept);
      for (size_t i = 0; i < kept.size(); ++i) {
        prompt_of[i] = prompt_of[kept[i]];
        tokens.push_back(chosen[kept[i]]);
      }
      prompt_of.resize(kept.size());
      alive.assign(kept.size(), true);
    } else {
      tokens.assign(chosen.begin(), chosen.end());
    }
    logits_BV = ReadNext(tokens, *cache, room);
    cache->Advance(alive);
  }
}

}  // namespace sft
