#include "harness/eval/continuations.h"

#include <algorithm>
#include <utility>

#include "harness/core/batch.h"
#include "harness/eval/scoring.h"

namespace sft::eval {
namespace {

using Ids = std::vector<int32_t>;

bool IsPrefix(const Ids& prefix, const Ids& whole) {
  return prefix.size() <= whole.size() &&
         std::equal(prefix.begin(), prefix.end(), whole.begin());
}

// The sequences that together predict every token of every answer: each
// answer without its last token, those left out that begin another. With
// answers of one token that is one empty stem: the prompt itself.
struct Stems {
  std::vector<Ids> stems;
  std::vector<size_t> holder;  // the stem that holds it
};

Stems MakeStems(const std::vector<Ids>& answers) {
  std::vector<Ids> prefixes;
  for (const Ids& answer : answers) {
    prefixes.emplace_back(answer.begin(), answer.end() - 1);
  }
  // Longest first, so that a prefix meets what holds it.
  std::vector<Ids> sorted = prefixes;
  std::stable_sort(
      sorted.begin(), sorted.end(),
      [](const Ids& a, const Ids& b) { return a.size() > b.size(); });
  Stems out;
  const auto holder = [&out](const Ids& prefix) {
    return std::find_if(out.stems.begin(), out.stems.end(),
                        [&](const Ids& s) { return IsPrefix(prefix, s); });
  };
  for (const Ids& prefix : sorted) {
    if (holder(prefix) == out.stems.end()) out.stems.push_back(prefix);
  }
  for (const Ids& prefix : prefixes) {
    out.holder.push_back(holder(prefix) - out.stems.begin());
  }
  return out;
}

}  // namespace

std::vector<std::vector<ContinuationScore>> ScoreContinuations(
    model::Model& model, const std::vector<Continuations>& prompts,
    int64_t max_tokens_a_batch, int64_t* tokens) {
  std::vector<Example> sequences;
  std::vector<Wanted> wanted;
  std::vector<int64_t> prefixes;                // of sequences
  std::vector<std::pair<size_t, size_t>> cell;  // (prompt, answer) of wanted[i]
  Stems stems;
  for (size_t p = 0; p < prompts.size(); ++p) {
    const Continuations& item = prompts[p];
    // Labels are the same for all rows.
    if (p == 0 || item.answers != prompts[p - 1].answers) {
      stems = MakeStems(item.answers);
    }
    const auto add = [&](Ids ids, int64_t prefix) {
      Example example;
      example.row_id = item.row_id;
      example.labels.assign(ids.size(), kNoLoss);
      example.input_ids = std::move(ids);
      sequences.push_back(std::move(example));
      prefixes.push_back(prefix);
      return std::ssize(sequences) - 1;
    };
    const auto want = [&](int64_t sequence, int64_t position, int64_t j,
                          size_t k) {
      wanted.push_back({sequence, position, item.answers[k][j]});
      cell.emplace_back(p, k);
    };
    const int64_t last = std::ssize(item.prompt) - 1;
    // By position first: candidates of one position share its logits. What
    // several stems follow is read once; it predicts all first tokens.
    const bool shared = stems.stems.size() > 1;
    Ids whole = item.prompt;
    if (!shared) {
      whole.insert(whole.end(), stems.stems[0].begin(), stems.stems[0].end());
    }
    const int64_t prompt = add(std::move(whole), -1);
    for (size_t k = 0; k < item.answers.size(); ++k) want(prompt, last, 0, k);
    for (size_t s = 0; s < stems.stems.size(); ++s) {
      const int64_t sequence = shared ? add(stems.stems[s], prompt) : prompt;
      for (int64_t j = 1; j <= std::ssize(stems.stems[s]); ++j) {
        for (size_t k = 0; k < item.answers.size(); ++k) {
          if (stems.holder[k] != s || j >= std::ssize(item.answers[k]))
            continue;
          want(sequence, shared ? j - 1 : last + j, j, k);
        }
      }
    }
  }
  const EvalScope scope(model);
  std::vector<bool> likeliest;
  const std::vector<double> log_probabilities =
      LogProbabilities(model, sequences, wanted, max_tokens_a_batch, tokens,
                       &likeliest, prefixes);
  std::vector<std::vector<ContinuationScore>> scores;
  for (const Continuations& item : prompts) {
    scores.emplace_back(item.answers.size(), ContinuationScore{0.0, true});
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    ContinuationScore& score = scores[cell[i].first][cell[i].second];
    score.log_probability += log_probabilities[i];
    score.likeliest = score.likeliest && likeliest[i];
  }
  return scores;
}

}  // namespace sft::eval
