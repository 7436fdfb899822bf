// Greedy answers, token by token with kept keys and values and several prompts
// at a time, are the likeliest tokens of whole passes, up to ties.
#include <ATen/ATen.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/eval/scoring.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/few_steps.h"

namespace sft::selfcheck {
namespace {

constexpr size_t kPrompts = 4;
constexpr int64_t kNewTokens = 12;

absl::StatusOr<Finding> CheckGeneration(const Setting& setting) {
  if (setting.is_encoder()) {
    return Finding::NotAsked("an encoder writes nothing");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<Example> rows, ExamplesOf(setting));
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<model::Model> model,
                       setting.open(setting.config));
  SFT_RETURN_IF_ERROR(model->ReadMaps());
  std::vector<std::vector<int32_t>> prompts;
  for (const Example& row : rows) {
    size_t end = 1;
    while (end < row.labels.size() && row.labels[end] == kNoLoss) ++end;
    if (static_cast<int64_t>(end) + kNewTokens > model->info().max_positions) {
      continue;
    }
    prompts.emplace_back(
        row.input_ids.begin(),
        row.input_ids.begin() + static_cast<std::ptrdiff_t>(end));
    if (prompts.size() == kPrompts) break;
  }
  if (prompts.empty()) {
    return Finding::NotAsked("no prompt leaves room for an answer");
  }
  const eval::EvalScope scope(*model);
  const std::vector<std::vector<int32_t>> answers =
      model->GenerateGreedy(prompts, kNewTokens, {});
  // Of the spread of the logits: what rounding may turn round.
  const double allowed = TolerancesOf(setting.config.dtype).answers;
  double worst = 0;
  int64_t tokens = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    Example whole;
    whole.input_ids = prompts[i];
    whole.input_ids.insert(whole.input_ids.end(), answers[i].begin(),
                           answers[i].end());
    whole.labels.assign(whole.input_ids.size(), kNoLoss);
    const Batch batch = data::OnDevice(
        data::FlatBatch({whole}, {{0, 0, std::ssize(whole.input_ids)}}),
        model->device());
    const at::Tensor h_TD = model->HiddenStates(batch).squeeze(0);
    const int64_t count = std::ssize(answers[i]);
    const at::Tensor logits_MV =
        model->Logits(h_TD.narrow(0, std::ssize(prompts[i]) - 1, count))
            .to(at::kDouble)
            .cpu();
    for (int64_t t = 0; t < count; ++t) {
      const at::Tensor logits_V = logits_MV[t];
      const double best = logits_V.max().item<double>();
      const double spread = best - logits_V.mean().item<double>();
      const double behind =
          (best - logits_V[answers[i][static_cast<size_t>(t)]].item<double>()) /
          std::max(spread, 1e-12);
      if (!(behind <= allowed)) {
        return Finding::Fail(absl::StrFormat(
            "prompt %d, token %d: what was written is %.2g of the logits' "
            "spread behind the likeliest of a whole pass (allowed %.0g)",
            i, t, behind, allowed));
      }
      worst = std::max(worst, behind);
      ++tokens;
    }
    const auto alone = model->GenerateGreedy({prompts[i]}, kNewTokens, {});
    if (setting.config.dtype != "bf16" && worst == 0 &&
        alone[0] != answers[i]) {
      return Finding::Fail(absl::StrCat(
          "prompt ", i, " has another answer by itself than among others"));
    }
  }
  return Finding::Pass(
      absl::StrFormat("%d tokens of %d prompts, at most %.2g of the spread "
                      "behind the likeliest "
                      "(allowed %.0g)",
                      tokens, prompts.size(), worst, allowed));
}

}  // namespace

Check GenerationIsWholePasses() {
  return {"generation",
          "greedy answers, token by token, are the likeliest tokens of whole "
          "passes",
          CheckGeneration};
}

}  // namespace sft::selfcheck
