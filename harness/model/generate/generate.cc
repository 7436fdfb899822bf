// Greedy and sampled generation.
// M rows of logits, V vocabulary.
#include "harness/model/generate/generate.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "harness/core/rng.h"
#include "harness/core/stop_point.h"
#include "harness/model/generate/guess.h"
#include "harness/model/generate/sampling.h"

namespace sft::model {
namespace {

using Ids = std::vector<int32_t>;

// The choice of tokens from rows of logits [M, V].
class Chooser {
 public:
  Chooser(const at::Tensor& logits_MV, const GenerationOptions& options)
      : options_(options) {
    rows_ = options.temperature <= 0
                ? logits_MV.argmax(-1).cpu()
                : logits_MV.to(at::kCPU, at::kDouble).contiguous();
  }
  // Draws from `draws` where the options sample.
  int32_t At(int64_t row, Rng& draws) const {
    if (options_.temperature <= 0) {
      return static_cast<int32_t>(rows_.const_data_ptr<int64_t>()[row]);
    }
    const int64_t V = rows_.size(1);
    const double* logits = rows_.const_data_ptr<double>() + row * V;
    return DrawToken(TokenProbabilities({logits, logits + V}, options_),
                     draws.Uniform());
  }

 private:
  const GenerationOptions& options_;
  at::Tensor rows_;  // greedy: int64 [M], the choices; else f64 [M, V]
};

// A prompt's answer as it grows.
class Growing {
 public:
  // `most`: tokens of an answer.
  Growing(const Ids& prompt, int64_t most, Rng draws,
          const GenerationOptions& options)
      : options_(options),
        most_(most),
        draws_(draws),
        text_(prompt),
        prompt_(std::ssize(prompt)) {}

  bool ended() const { return ended_; }
  Ids answer() const { return {text_.begin() + prompt_, text_.end()}; }

  // What a step reads: the last token, and at most `guesses` of what follows.
  Ids Next(int64_t guesses) const {
    // The last token of an answer is chosen, but not read.
    guesses = std::min({guesses, all_right_ ? kManyGuesses : kFewGuesses,
                        most_ - (std::ssize(text_) - prompt_) - 1});
    Ids next = GuessNext(text_, guesses);
    next.insert(next.begin(), text_.back());
    return next;
  }

  // Takes the tokens chosen behind those of `read`, the first at `row` of
  // `choices`, as far as the guesses were right; how many.
  int64_t Take(const Ids& read, const Chooser& choices, int64_t row) {
    int64_t taken = 0;
    for (bool right = true; right && !ended_;) {
      const int32_t token = choices.At(row + taken, draws_);
      ++taken;
      ended_ = Ends(token);
      right = taken < std::ssize(read) && read[taken] == token;
    }
    all_right_ = read.size() > 1 && taken == std::ssize(read);
    return taken;
  }

 private:
  bool Ends(int32_t token) {
    const auto& stops = options_.stop_ids;
    if (std::find(stops.begin(), stops.end(), token) != stops.end()) {
      return true;
    }
    text_.push_back(token);
    return std::ssize(text_) - prompt_ >= most_ ||
           (options_.stop && options_.stop(answer()));
  }

  const GenerationOptions& options_;
  int64_t most_;
  Rng draws_;
  Ids text_;  // prompt and answer
  int64_t prompt_;
  bool ended_ = false, all_right_ = false;
};

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

std::vector<Ids> GenerateBy(CausalReader& reader,
                            const std::vector<Ids>& prompts,
                            const GenerationOptions& options) {
  c10::NoGradGuard off;
  CheckOptions(options, prompts.size());
  std::vector<Ids> answers(prompts.size());
  if (prompts.empty() || options.max_new_tokens <= 0) return answers;
  if (options.beams > 1) return GenerateByBeams(reader, prompts, options);

  at::Tensor logits_MV = reader.ReadPrompts(prompts, options.max_new_tokens);
  std::vector<Growing> all;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto number =
        options.streams.empty() ? static_cast<int64_t>(i) : options.streams[i];
    all.emplace_back(prompts[i],
                     std::min(options.max_new_tokens,
                              reader.Reach() - std::ssize(prompts[i])),
                     Rng(static_cast<uint64_t>(options.seed),
                         Stream::kGeneration, absl::StrCat("prompt ", number)),
                     options);
  }
  // Of each row of the reader its answer, and what was read of it last.
  std::vector<Growing*> rows;
  std::vector<Ids> read;
  for (size_t i = 0; i < prompts.size(); ++i) {
    rows.push_back(&all[i]);
    read.push_back({prompts[i].back()});
  }
  std::vector<int64_t> stand(rows.size(), 0);  // read already
  for (bool of_prompts = true;; of_prompts = false) {
    const Chooser choices(logits_MV, options);
    std::vector<int64_t> kept;
    int64_t at = 0;
    for (size_t row = 0; row < rows.size(); ++row) {
      if (!rows[row]->ended()) {
        const int64_t taken = rows[row]->Take(read[row], choices, at);
        stand[row] = of_prompts ? 0 : taken;
      }
      if (!rows[row]->ended()) kept.push_back(static_cast<int64_t>(row));
      at += std::ssize(read[row]);
    }
    if (kept.empty()) break;
    reader.Advance(stand);
    const bool by_rows = !reader.ReadsUnevenly(std::ssize(kept));
    // An ended row is carried where every row reads a token; to drop it copies
    // its past, which costs more than to carry a few.
    if (by_rows && 4 * (rows.size() - kept.size()) >= rows.size()) {
      reader.Select(kept);
      for (size_t i = 0; i < kept.size(); ++i) rows[i] = rows[kept[i]];
      rows.resize(kept.size());
    }
    read.clear();
    for (Growing* growing : rows) {
      Ids next;
      if (by_rows) {
        next = growing->Next(0);
      } else if (!growing->ended()) {
        next = growing->Next(options.guess ? kGuessedRows / std::ssize(kept) - 1
                                           : 0);
      }
      read.push_back(std::move(next));
    }
    stand.assign(rows.size(), 0);
    StopPoint();
    logits_MV = reader.ReadNext(read);
  }
  for (size_t i = 0; i < prompts.size(); ++i) answers[i] = all[i].answer();
  return answers;
}

}  // namespace sft::model
