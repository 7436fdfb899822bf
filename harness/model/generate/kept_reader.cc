// V vocabulary.
#include "harness/model/generate/kept_reader.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "harness/core/stop_point.h"

namespace sft::model {
namespace {

constexpr int64_t kMostStepTokens = 8;
// A step of few tokens costs about what this many tokens of a prompt do.
constexpr int64_t kPromptTokensAStep = 16;

}  // namespace

int64_t KeptReader::StepTokens() const {
  int64_t tokens = kMostStepTokens;
  while (tokens > 1 && !reader_->ReadsUnevenly(tokens)) --tokens;
  return tokens;
}

int64_t KeptReader::Kept(const std::vector<int32_t>& prompt,
                         int64_t new_tokens) const {
  if (std::ssize(prompt) + new_tokens > held_) return 0;
  // What follows the last token is to be told: it is read in any case.
  const size_t most = std::min(read_.size(), prompt.size() - 1);
  size_t kept = 0;
  while (kept < most && read_[kept] == prompt[kept]) ++kept;
  const int64_t tokens = StepTokens();
  const int64_t more = std::ssize(prompt) - static_cast<int64_t>(kept);
  const int64_t steps = (more + tokens - 1) / tokens;
  return steps * kPromptTokensAStep < std::ssize(prompt)
             ? static_cast<int64_t>(kept)
             : 0;
}

at::Tensor KeptReader::ReadOn(const std::vector<int32_t>& prompt,
                              int64_t kept) {
  if (kept < std::ssize(read_)) reader_->Advance({kept - std::ssize(read_)});
  read_.resize(static_cast<size_t>(kept));
  const int64_t tokens = StepTokens();
  at::Tensor logits_MV;
  while (read_.size() < prompt.size()) {
    StopPoint();
    const auto begin = prompt.begin() + std::ssize(read_);
    const int64_t size =
        std::min(tokens, std::ssize(prompt) - std::ssize(read_));
    logits_MV = ReadNext({{begin, begin + size}});
    Advance({size});
  }
  return logits_MV.narrow(0, logits_MV.size(0) - 1, 1);
}

at::Tensor KeptReader::ReadPrompts(
    const std::vector<std::vector<int32_t>>& prompts, int64_t new_tokens) {
  TORCH_CHECK(prompts.size() == 1, prompts.size(), " prompts of one text");
  const std::vector<int32_t>& prompt = prompts[0];
  next_.clear();
  reused_ = Kept(prompt, new_tokens);
  if (reused_ > 0) return ReadOn(prompt, reused_);
  read_.clear();
  const int64_t more = std::max(
      new_tokens, std::min(new_tokens + room_, Reach() - std::ssize(prompt)));
  at::Tensor logits_MV = reader_->ReadPrompts(prompts, more);
  held_ = std::ssize(prompt) + more;
  read_ = prompt;
  return logits_MV;
}

at::Tensor KeptReader::ReadNext(
    const std::vector<std::vector<int32_t>>& of_rows) {
  next_ = of_rows.at(0);
  return reader_->ReadNext(of_rows);
}

void KeptReader::Advance(const std::vector<int64_t>& tokens) {
  reader_->Advance(tokens);
  // Nothing is read yet where a prompt's own tokens are passed over.
  const int64_t stand = std::min(tokens.at(0), std::ssize(next_));
  read_.insert(read_.end(), next_.begin(), next_.begin() + stand);
  next_.clear();
}

void KeptReader::Select(const std::vector<int64_t>& from) {
  reader_->Select(from);
  Forget();
}

}  // namespace sft::model
