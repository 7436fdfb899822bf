#include "harness/eval/answers.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/row_text.h"
#include "harness/eval/row_answers.h"
#include "harness/eval/scoring.h"
#include "harness/model/forward/decode_step.h"

namespace sft::eval {
namespace {

constexpr int64_t kRowsOnDevice = 32;

using Ids = std::vector<int32_t>;

// Prompts of like length, longest first: [begin, end) of `order`.
struct AnswerBatch {
  size_t begin = 0, end = 0;
};

std::vector<AnswerBatch> MakeBatches(const std::vector<Ids>& prompts,
                                     const std::vector<size_t>& order,
                                     int64_t max_new_tokens,
                                     const AnswerBatches& limits) {
  std::vector<AnswerBatch> out;
  for (size_t begin = 0; begin < order.size();) {
    const int64_t slots =
        static_cast<int64_t>(prompts[order[begin]].size()) + max_new_tokens;
    const int64_t rows =
        std::clamp<int64_t>(limits.slots / slots, 1, limits.rows);
    const size_t end =
        std::min(order.size(), begin + static_cast<size_t>(rows));
    out.push_back({begin, end});
    begin = end;
  }
  return out;
}

// Answers as the numbers of a Piece: of each its length and its ids; and back,
// nullopt where they are not the numbers of `count` answers.
std::vector<double> NumbersOf(const std::vector<Ids>& answers) {
  std::vector<double> numbers;
  for (const Ids& ids : answers) {
    numbers.push_back(static_cast<double>(ids.size()));
    numbers.insert(numbers.end(), ids.begin(), ids.end());
  }
  return numbers;
}

std::optional<std::vector<Ids>> IdsOf(const std::vector<double>& numbers,
                                      size_t count) {
  std::vector<Ids> answers;
  size_t at = 0;
  while (at < numbers.size()) {
    const double length = numbers[at++];
    if (!(length >= 0 && length <= static_cast<double>(numbers.size() - at))) {
      return std::nullopt;
    }
    Ids& ids = answers.emplace_back();
    for (auto left = static_cast<size_t>(length); left > 0; --left) {
      ids.push_back(static_cast<int32_t>(numbers[at++]));
    }
  }
  if (answers.size() != count) return std::nullopt;
  return answers;
}

// "\\n,Question:"; "end" where an answer ends at the end of turn alone.
std::string StopDetail(const std::vector<std::string>& stops) {
  if (stops.empty()) return "end";
  return absl::StrJoin(stops, ",", [](std::string* out, const std::string& s) {
    absl::StrAppend(out, absl::CEscape(s));
  });
}

}  // namespace

std::vector<int32_t> StopIds(const Tokenizer& tokenizer) {
  std::vector<int32_t> ids = tokenizer.stop_ids();
  const std::optional<int32_t> end = data::ChatEndOfTurn(tokenizer);
  if (end && std::find(ids.begin(), ids.end(), *end) == ids.end()) {
    ids.push_back(*end);
  }
  return ids;
}

std::function<bool(const std::vector<int32_t>&)> StopAt(
    const Tokenizer& tokenizer, std::vector<std::string> stop_strings) {
  if (stop_strings.empty()) return nullptr;
  size_t longest = 0;
  for (const std::string& s : stop_strings) {
    longest = std::max(longest, s.size());
  }
  // The last ids alone: a token has a byte at least, but some have no text.
  const size_t window = longest + 16;
  return [&tokenizer, window, stops = std::move(stop_strings)](const Ids& ids) {
    const Ids tail(ids.end() - std::min(ids.size(), window), ids.end());
    const std::string text =
        tokenizer.Decode(tail, /*skip_special_tokens=*/true);
    const bool near =
        std::any_of(stops.begin(), stops.end(), [&](const std::string& s) {
          return text.find(s) != std::string::npos;
        });
    if (!near) return false;
    const std::string whole =
        tokenizer.Decode(ids, /*skip_special_tokens=*/true);
    return CutAtStop(whole, stops).size() < whole.size();
  };
}

std::string_view CutAtStop(std::string_view text,
                           const std::vector<std::string>& stop_strings) {
  const auto is_space = [](char c) { return absl::ascii_isspace(c); };
  const size_t begin =
      std::find_if_not(text.begin(), text.end(), is_space) - text.begin();
  size_t end = text.size();
  for (const std::string& s : stop_strings) {
    const bool blank = std::all_of(s.begin(), s.end(), is_space);
    end = std::min(end, text.find(s, blank ? begin : 0));
  }
  return text.substr(0, end);
}

absl::StatusOr<Answers> AnswerRows(
    model::Model& model, const Tokenizer& tokenizer, const data::Task& task,
    const std::vector<data::Row>& rows, const data::RenderOptions& render,
    int64_t max_new_tokens, const AnswerBatches& batches) {
  Answers out;
  SFT_ASSIGN_OR_RETURN(const std::string form,
                       data::EffectiveForm(task, tokenizer, render));
  for (const data::Row& row : rows) {
    StopPoint();
    int64_t cut = 0;
    SFT_ASSIGN_OR_RETURN(
        Ids ids, data::RenderPrompt(row, task, tokenizer, render, &cut));
    if (ids.empty()) {
      return InputError(absl::StrCat(task.name, ": row ", row.id),
                        "an empty prompt");
    }
    out.cut_prompts += cut > 0;
    out.tokens += static_cast<int64_t>(ids.size());
    out.prompts.push_back(std::move(ids));
  }
  model::GenerationOptions options;
  options.max_new_tokens = max_new_tokens;
  options.stop_ids = StopIds(tokenizer);
  options.stop = StopAt(tokenizer, task.stop_strings);

  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return out.prompts[a].size() > out.prompts[b].size();
  });
  const EvalScope scope(model);
  out.texts.resize(rows.size());
  AnswerBatches most = batches;
  if (most.rows == 0) {
    most.rows = model.device().is_cpu() ? model::kMostStepRows : kRowsOnDevice;
  }
  for (const AnswerBatch& batch :
       MakeBatches(out.prompts, order, max_new_tokens, most)) {
    std::vector<Ids> prompts;
    for (size_t i = batch.begin; i < batch.end; ++i) {
      prompts.push_back(out.prompts[order[i]]);
    }
    const size_t count = prompts.size();
    const std::vector<Ids> answers = *IdsOf(
        Piece([&](const auto& kept) { return IdsOf(kept, count).has_value(); },
              [&] { return NumbersOf(model.Generate(prompts, options)); }),
        count);
    for (size_t i = batch.begin; i < batch.end; ++i) {
      const Ids& ids = answers[i - batch.begin];
      out.tokens += static_cast<int64_t>(ids.size());
      const std::string text =
          tokenizer.Decode(ids, /*skip_special_tokens=*/true);
      out.texts[order[i]] = ToStd(absl::StripAsciiWhitespace(
          ToAbsl(CutAtStop(text, task.stop_strings))));
    }
  }
  SFT_ASSIGN_OR_RETURN(const std::string bos,
                       BosDetail(tokenizer, render.bos, form));
  out.detail = absl::StrCat("generate:greedy|max_new_tokens:", max_new_tokens,
                            "|form:", form, "|max_length:", render.max_length,
                            "|stop:", StopDetail(task.stop_strings), bos);
  // Said where the model's files list more than these two.
  const bool more = std::any_of(
      options.stop_ids.begin(), options.stop_ids.end(), [&](int32_t id) {
        return id != tokenizer.eos_id() && id != tokenizer.end_of_turn_id();
      });
  if (more) {
    absl::StrAppend(&out.detail,
                    "|stop_ids:", absl::StrJoin(options.stop_ids, ","));
  }
  if (out.cut_prompts > 0) {
    absl::StrAppend(&out.detail, "|cut_prompts:", out.cut_prompts);
  }
  return out;
}

}  // namespace sft::eval
