// Beam search in which every running beam is a row of the reader.
// R rows, V vocabulary.
#include <ATen/ATen.h>

#include <algorithm>

#include "harness/core/stop_point.h"
#include "harness/model/generate/beam_search.h"
#include "harness/model/generate/generate.h"

namespace sft::model {
namespace {

// The candidates that `search` wants, from its rows of log p [beams, V].
std::vector<BeamCandidate> BestCandidates(const at::Tensor& log_p,
                                          const BeamSearch& search) {
  const int64_t V = log_p.size(1);
  const at::Tensor scores =
      at::tensor(search.scores(), log_p.options()).unsqueeze(1);
  // A diverged model must not end a program: its tokens are as good as none.
  const at::Tensor sums = log_p.add(scores).nan_to_num(-INFINITY).reshape({-1});
  const auto [values, indices] =
      sums.topk(std::min(search.candidates(), sums.numel()));
  const at::Tensor value = values.to(at::kCPU, at::kDouble);
  const at::Tensor index = indices.cpu();
  std::vector<BeamCandidate> out;
  for (int64_t i = 0; i < value.numel(); ++i) {
    const int64_t at = index.const_data_ptr<int64_t>()[i];
    out.push_back({value.const_data_ptr<double>()[i], at / V,
                   static_cast<int32_t>(at % V)});
  }
  return out;
}

}  // namespace

std::vector<std::vector<int32_t>> GenerateByBeams(
    CausalReader& reader, const std::vector<std::vector<int32_t>>& prompts,
    const GenerationOptions& options) {
  std::vector<BeamSearch> searches;
  std::vector<int64_t> alive, rows;
  for (int64_t i = 0; i < std::ssize(prompts); ++i) {
    searches.emplace_back(
        options, std::clamp<int64_t>(reader.Reach() - std::ssize(prompts[i]), 1,
                                     options.max_new_tokens));
    alive.push_back(i);
    rows.insert(rows.end(), options.beams, i);
  }
  at::Tensor logits_RV = reader.ReadPrompts(prompts, options.max_new_tokens)
                             .repeat_interleave(options.beams, 0);
  reader.Select(rows);
  for (;;) {
    const at::Tensor log_p_RV = logits_RV.log_softmax(-1);
    std::vector<int64_t> left, from;
    std::vector<std::vector<int32_t>> tokens;
    for (int64_t a = 0; a < std::ssize(alive); ++a) {
      BeamSearch& search = searches[alive[a]];
      const int64_t first = a * options.beams;
      search.Step(
          BestCandidates(log_p_RV.narrow(0, first, options.beams), search));
      if (search.done()) continue;
      left.push_back(alive[a]);
      for (int64_t parent : search.parents()) from.push_back(first + parent);
      for (int32_t token : search.tokens()) tokens.push_back({token});
    }
    if (left.empty()) break;
    alive = std::move(left);
    reader.Select(from);
    StopPoint();
    logits_RV = reader.ReadNext(tokens);
    reader.Advance(std::vector<int64_t>(tokens.size(), 1));
  }
  std::vector<std::vector<int32_t>> answers;
  for (const BeamSearch& search : searches) answers.push_back(search.Answer());
  return answers;
}

}  // namespace sft::model
