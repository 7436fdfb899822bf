#include "harness/eval/row_answers.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/added_ids.h"

namespace sft::eval {

absl::StatusOr<AnswerScores> ScoreAnswers(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::string& name, const std::vector<data::Row>& rows,
    const std::function<std::vector<std::string>(const data::Row&)>& answers_of,
    const data::RenderOptions& render, int64_t max_tokens_a_batch,
    int64_t* tokens_read) {
  AnswerScores out;
  // Answers that follow the same ids are read together.
  std::vector<Continuations> prompts;
  struct Place {
    size_t row, answer;
  };
  std::vector<std::vector<Place>> places;  // of prompts[i].answers
  for (size_t r = 0; r < rows.size(); ++r) {
    StopPoint();
    const data::Row& row = rows[r];
    absl::StatusOr<data::RenderedAnswers> rendered =
        data::RenderAnswers(row, answers_of(row), task, tokenizer, render);
    if (!rendered.ok()) {
      return InputError(absl::StrCat(name, ": row ", row.id),
                        ToStd(rendered.status().message()));
    }
    const size_t first = prompts.size();
    std::vector<int64_t>& counts = out.tokens.emplace_back();
    for (size_t k = 0; k < rendered->answers.size(); ++k) {
      counts.push_back(std::ssize(rendered->answers[k]));
      size_t at = first;
      while (at < prompts.size() &&
             prompts[at].prompt != rendered->prompts[k]) {
        ++at;
      }
      if (at == prompts.size()) {
        prompts.push_back({row.id, std::move(rendered->prompts[k]), {}});
        places.emplace_back();
      }
      prompts[at].answers.push_back(std::move(rendered->answers[k]));
      places[at].push_back({r, k});
    }
    out.scores.emplace_back(counts.size());
  }
  const auto scores =
      ScoreContinuations(model, prompts, max_tokens_a_batch, tokens_read);
  for (size_t p = 0; p < prompts.size(); ++p) {
    for (size_t i = 0; i < places[p].size(); ++i) {
      const auto [r, k] = places[p][i];
      const ContinuationScore& score = scores[p][i];
      if (!std::isfinite(score.log_probability)) {
        return absl::OutOfRangeError(absl::StrCat(
            name, ": row ", rows[r].id, ": an answer's log-probability is ",
            score.log_probability,
            ", wanted a finite number: the model has diverged"));
      }
      out.scores[r][k] = score;
    }
  }
  return out;
}

absl::StatusOr<std::string> BosDetail(const Tokenizer& tokenizer,
                                      const std::string& bos,
                                      std::string_view form) {
  SFT_ASSIGN_OR_RETURN(const AddedIds added,
                       data::AddedIdsOfForm(tokenizer, bos, form));
  if (added.before.empty()) return std::string();
  return absl::StrCat("|bos:", absl::StrJoin(added.before, " "));
}

absl::StatusOr<std::string> ScoreDetail(const data::Task& task,
                                        const Tokenizer& tokenizer,
                                        const data::RenderOptions& render) {
  SFT_ASSIGN_OR_RETURN(const std::string form,
                       data::EffectiveForm(task, tokenizer, render));
  SFT_ASSIGN_OR_RETURN(const std::string bos,
                       BosDetail(tokenizer, render.bos, form));
  // Without a word on the end of turn: it is left out, as
  // lm-evaluation-harness does.
  return absl::StrCat("form:", form, "|max_length:", render.max_length,
                      render.score_end_of_turn ? "|end_of_turn:scored" : "",
                      bos);
}

}  // namespace sft::eval
