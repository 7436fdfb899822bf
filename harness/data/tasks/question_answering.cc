// A question about a context: an encoder finds the answer's span, a decoder
// writes it.
#include <algorithm>

#include "harness/core/status.h"
#include "harness/data/answer_spans.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"

namespace sft::data {
namespace {

// First and last token of side `context` that answer `row`; {-1, -1} if the
// row has no answer.
absl::StatusOr<std::pair<int64_t, int64_t>> AnswerTokens(
    const Row& row, const TextSide& context) {
  std::pair<int64_t, int64_t> none(-1, -1);
  if (row.references.empty() || row.answer_begins.empty()) return none;
  const int64_t begin = row.answer_begins[0];
  const int64_t end = begin + static_cast<int64_t>(row.references[0].size());
  int64_t first = -1, last = -1;
  for (int64_t t = 0; t < context.size(); ++t) {
    const auto& [from, to] = context.bytes[t];
    if (to <= begin || from >= end) continue;
    if (first < 0) first = t;
    last = t;
  }
  if (first < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the answer at byte ", begin, " has no token in the context"));
  }
  return std::make_pair(first, last);
}

absl::StatusOr<std::vector<HeadWindow>> SpanWindows(const HeadInput& in) {
  const Row& row = in.row;
  const InputLayout& layout = in.layout;
  if (row.text.empty() || row.text_pair.empty()) {
    return absl::InvalidArgumentError("the row has no question and context");
  }
  const TextSide question = SideOf(in.tokenizer, row.text);
  const TextSide context = SideOf(in.tokenizer, row.text_pair);
  SFT_ASSIGN_OR_RETURN(const auto answer, AnswerTokens(row, context));
  // A question may not take more than half of the room.
  const int64_t free = in.max_length - AddedTokens(layout, true);
  const int64_t asked = std::min(question.size(), free / 2);
  const int64_t room = free - asked;
  if (room < 2) return absl::InvalidArgumentError("no room for the context");
  const int64_t step = std::max<int64_t>(1, room - in.max_length / 4);
  const int32_t second = layout.second_type ? 1 : 0;
  std::vector<HeadWindow> windows;
  for (int64_t begin = 0;; begin += step) {
    const int64_t end = std::min(begin + room, context.size());
    HeadWindow window;
    AddIds(layout.before, 0, window);
    AddSide(question, 0, asked, 0, window);
    AddIds(layout.between, 0, window);
    const int64_t at = std::ssize(window.example.labels);
    AddSide(context, begin, end, second, window);
    std::copy(context.bytes.begin() + begin, context.bytes.begin() + end,
              window.context_bytes.begin() + at);
    AddIds(layout.after, second, window);
    if (answer.first >= 0) {
      const bool holds = answer.first >= begin && answer.second < end;
      std::vector<int32_t>& labels = window.example.labels;
      labels[0] = static_cast<int32_t>(holds ? at + answer.first - begin : 0);
      labels[1] = static_cast<int32_t>(holds ? at + answer.second - begin : 0);
    }
    windows.push_back(std::move(window));
    if (end == context.size()) break;
  }
  windows[0].cut_tokens = question.size() - asked;
  return windows;
}

UserParts QuestionAnsweringParts(const spec::UserData&,
                                 const std::vector<std::string>&) {
  return {.prompt = {"question", "context"},
          .answer = {"answers", "is_impossible"},
          .more_answer = {"answer_start"}};
}

absl::Status FillQuestionAnswering(const UserRecord& record, const Task& task,
                                   Row& row) {
  SFT_ASSIGN_OR_RETURN(row.text, record.Text("question"));
  SFT_ASSIGN_OR_RETURN(row.text_pair, record.Text("context"));
  absl::StatusOr<AnswerSpans> spans = ReadAnswerSpans(
      record.Find("answers"), record.Find("answer_start"),
      record.Find("is_impossible"), row.text_pair, record.text_table());
  if (!spans.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "column '", record.Column("answers"), "': ", spans.status().message()));
  }
  row.references = std::move(spans->texts);
  row.answer_begins = std::move(spans->begins);
  return record.Ask("Context: {context}\nQuestion: {question}\nAnswer:",
                    row.references.empty() ? task.no_answer : row.references[0],
                    row);
}

}  // namespace

TaskKindRow QuestionAnsweringKind() {
  TaskKindRow row{.name = "question_answering",
                  .summary = "a question answered by a span of its context",
                  .generates = true,
                  .has_references = true,
                  .may_lack_answer = true};
  row.head = HeadForm{HeadKind::kSpan, [](const Task&) { return int64_t{2}; },
                      SpanWindows};
  UserForm user =
      PlainUserForm(row.name, {"squad_f1", "exact_match"}, MeasuresWrittenText);
  user.task.max_new_tokens = 32;
  user.task.no_answer = "unanswerable";
  user.parts = QuestionAnsweringParts;
  user.fill = FillQuestionAnswering;
  user.has_places = true;
  user.revision = 2;
  user.cleaned_revision = 3;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
