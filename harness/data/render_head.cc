#include "harness/data/render_head.h"

#include <algorithm>
#include <optional>

#include "harness/core/status.h"

namespace sft::data {
namespace {

using Ids = std::vector<int32_t>;

// What one text becomes before it is laid out.
struct Side {
  Ids ids;
  Ids labels;
  std::vector<std::pair<int64_t, int64_t>> bytes;
  int64_t size() const { return static_cast<int64_t>(ids.size()); }
};

Side SideOf(const Tokenizer& tokenizer, const std::string& text) {
  Encoding encoding = tokenizer.EncodeWithOffsets(text);
  Side side{std::move(encoding.ids), {}, std::move(encoding.offsets)};
  side.labels.assign(side.ids.size(), kNoLoss);
  return side;
}

// A window under construction: ids, labels and types in step.
struct Layout {
  const InputLayout& form;
  HeadWindow window;

  void Add(const Ids& ids, int32_t type) {
    Example& e = window.example;
    e.input_ids.insert(e.input_ids.end(), ids.begin(), ids.end());
    e.labels.insert(e.labels.end(), ids.size(), kNoLoss);
    e.token_types.insert(e.token_types.end(), ids.size(), type);
    window.context_bytes.insert(window.context_bytes.end(), ids.size(),
                                {-1, -1});
  }
  void AddSide(const Side& side, int64_t begin, int64_t end, int32_t type) {
    Add(Ids(side.ids.begin() + begin, side.ids.begin() + end), type);
    std::copy(side.labels.begin() + begin, side.labels.begin() + end,
              window.example.labels.end() - (end - begin));
  }
};

int64_t Added(const InputLayout& form, bool pair) {
  return static_cast<int64_t>(form.before.size() + form.after.size() +
                              (pair ? form.between.size() : 0));
}

// before A after, or before A between B after, cut to `room` tokens of text;
// of a pair the longer side loses its end first.
HeadWindow Whole(const InputLayout& form, const Side& a,
                 const std::optional<Side>& b, int64_t max_length) {
  const int64_t room = max_length - Added(form, b.has_value());
  int64_t left_a = a.size(), left_b = b ? b->size() : 0;
  const int64_t cut = std::max<int64_t>(0, left_a + left_b - room);
  for (int64_t i = 0; i < cut; ++i) --(left_a >= left_b ? left_a : left_b);
  Layout out{form, {}};
  out.window.cut_tokens = cut;
  out.Add(form.before, 0);
  out.AddSide(a, 0, left_a, 0);
  const int32_t second = b && form.second_type ? 1 : 0;
  if (b) {
    out.Add(form.between, 0);
    out.AddSide(*b, 0, left_b, second);
  }
  out.Add(form.after, second);
  return std::move(out.window);
}

absl::StatusOr<HeadWindow> Sequence(const Row& row, const Task& task,
                                    const Tokenizer& tokenizer,
                                    const InputLayout& form,
                                    int64_t max_length) {
  if (row.text.empty()) {
    return absl::InvalidArgumentError("the row has no text for an encoder");
  }
  if (row.label < 0 || row.label >= int64_t(task.labels.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "label ", row.label, " of ", task.labels.size(), " labels"));
  }
  std::optional<Side> pair;
  if (!row.text_pair.empty()) pair = SideOf(tokenizer, row.text_pair);
  HeadWindow window =
      Whole(form, SideOf(tokenizer, row.text), pair, max_length);
  window.example.labels[0] = static_cast<int32_t>(row.label);
  return window;
}

absl::StatusOr<HeadWindow> Words(const Row& row, const Task& task,
                                 const Tokenizer& tokenizer,
                                 const InputLayout& form, int64_t max_length) {
  const std::vector<std::string> classes = TagClasses(task);
  if (row.words.empty() || row.words.size() != row.tags.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        row.words.size(), " words with ", row.tags.size(), " tags"));
  }
  Side side;
  std::vector<int64_t> begins;
  for (size_t w = 0; w < row.words.size(); ++w) {
    const auto found = std::find(classes.begin(), classes.end(), row.tags[w]);
    if (found == classes.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "word ", w + 1, ": tag '", row.tags[w], "' is none of the task's"));
    }
    Ids ids =
        tokenizer.Encode((form.space_before_words ? " " : "") + row.words[w]);
    if (ids.empty()) {
      begins.push_back(-1);
      continue;
    }
    begins.push_back(side.size());
    side.labels.push_back(static_cast<int32_t>(found - classes.begin()));
    side.labels.insert(side.labels.end(), ids.size() - 1, kNoLoss);
    side.ids.insert(side.ids.end(), ids.begin(), ids.end());
  }
  HeadWindow window = Whole(form, side, std::nullopt, max_length);
  const int64_t kept = side.size() - window.cut_tokens;
  const int64_t first = static_cast<int64_t>(form.before.size());
  for (int64_t begin : begins) {
    window.word_tokens.push_back(begin >= 0 && begin < kept ? first + begin
                                                            : -1);
  }
  return window;
}

// First and last token of side `context` that answer `row`; {-1, -1} if the
// row has no answer.
absl::StatusOr<std::pair<int64_t, int64_t>> AnswerTokens(const Row& row,
                                                         const Side& context) {
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

absl::StatusOr<std::vector<HeadWindow>> Spans(const Row& row,
                                              const Tokenizer& tokenizer,
                                              const InputLayout& form,
                                              int64_t max_length) {
  if (row.text.empty() || row.text_pair.empty()) {
    return absl::InvalidArgumentError("the row has no question and context");
  }
  Side question = SideOf(tokenizer, row.text);
  const Side context = SideOf(tokenizer, row.text_pair);
  SFT_ASSIGN_OR_RETURN(const auto answer, AnswerTokens(row, context));
  // A question may not take more than half of the room.
  const int64_t free = max_length - Added(form, true);
  const int64_t asked = std::min(question.size(), free / 2);
  const int64_t room = free - asked;
  if (room < 2) return absl::InvalidArgumentError("no room for the context");
  const int64_t step = std::max<int64_t>(1, room - max_length / 4);
  std::vector<HeadWindow> windows;
  for (int64_t begin = 0;; begin += step) {
    const int64_t end = std::min(begin + room, context.size());
    Layout out{form, {}};
    out.Add(form.before, 0);
    out.AddSide(question, 0, asked, 0);
    out.Add(form.between, 0);
    const int64_t at = static_cast<int64_t>(out.window.example.labels.size());
    out.AddSide(context, begin, end, form.second_type ? 1 : 0);
    std::copy(context.bytes.begin() + begin, context.bytes.begin() + end,
              out.window.context_bytes.begin() + at);
    out.Add(form.after, form.second_type ? 1 : 0);
    Example& example = out.window.example;
    if (answer.first >= 0) {
      const bool holds = answer.first >= begin && answer.second < end;
      example.labels[0] =
          static_cast<int32_t>(holds ? at + answer.first - begin : 0);
      example.labels[1] =
          static_cast<int32_t>(holds ? at + answer.second - begin : 0);
    }
    windows.push_back(std::move(out.window));
    if (end == context.size()) break;
  }
  windows[0].cut_tokens = question.size() - asked;
  return windows;
}

}  // namespace

absl::StatusOr<TaskHead> HeadOfTask(const Task& task) {
  const int64_t labels = static_cast<int64_t>(task.labels.size());
  switch (task.kind) {
    case TaskKind::kClassification:
      return TaskHead{HeadKind::kSequence, labels};
    case TaskKind::kTokenLabels:
      return TaskHead{HeadKind::kToken, 1 + 2 * labels};
    case TaskKind::kQuestionAnswering:
      return TaskHead{HeadKind::kSpan, 2};
    default:
      return InputError(
          task.name, absl::StrCat("an encoder has no head for ",
                                  ToAbsl(TaskKindName(task.kind)),
                                  "; it reads classification, token_labels and "
                                  "question_answering"));
  }
}

std::vector<std::string> TagClasses(const Task& task) {
  std::vector<std::string> classes = {"O"};
  for (const std::string& type : task.labels) {
    classes.push_back("B-" + type);
    classes.push_back("I-" + type);
  }
  return classes;
}

absl::StatusOr<std::vector<HeadWindow>> RenderHeadRow(
    const Row& row, const Task& task, const Tokenizer& tokenizer,
    int64_t max_length) {
  SFT_ASSIGN_OR_RETURN(const TaskHead head, HeadOfTask(task));
  const std::optional<InputLayout> form = tokenizer.input_layout();
  if (!form) {
    return InputError("tokenizer",
                      "no post_processor says how an encoder's input is laid "
                      "out");
  }
  if (max_length < Added(*form, true) + 4) {
    return InputError("max_length",
                      absl::StrCat(max_length, " tokens hold no row"));
  }
  std::vector<HeadWindow> windows;
  if (head.kind == HeadKind::kSpan) {
    SFT_ASSIGN_OR_RETURN(windows, Spans(row, tokenizer, *form, max_length));
  } else if (head.kind == HeadKind::kToken) {
    SFT_ASSIGN_OR_RETURN(HeadWindow window,
                         Words(row, task, tokenizer, *form, max_length));
    windows.push_back(std::move(window));
  } else {
    SFT_ASSIGN_OR_RETURN(HeadWindow window,
                         Sequence(row, task, tokenizer, *form, max_length));
    windows.push_back(std::move(window));
  }
  for (HeadWindow& window : windows) {
    window.example.row_id = row.id;
    window.example.head = head.kind;
    auto& types = window.example.token_types;
    if (std::all_of(types.begin(), types.end(),
                    [](int32_t type) { return type == 0; })) {
      types.clear();
    }
  }
  return windows;
}

RenderedRows RenderHeadRows(const std::vector<Row>& rows, const Task& task,
                            const Tokenizer& tokenizer,
                            const RenderOptions& options) {
  RenderedRows out;
  for (const Row& row : rows) {
    absl::StatusOr<std::vector<HeadWindow>> windows =
        RenderHeadRow(row, task, tokenizer, options.max_length);
    if (windows.ok() && windows->front().example.target_tokens() == 0) {
      windows = absl::InvalidArgumentError("no label is left");
    }
    if (!windows.ok()) {
      out.refused.push_back({absl::StrCat(task.name, ": row ", row.id),
                             ToStd(windows.status().message())});
      continue;
    }
    const int64_t cut = windows->front().cut_tokens;
    out.truncated_rows += cut > 0;
    out.truncated_tokens += cut;
    for (HeadWindow& window : *windows) {
      out.examples.push_back(std::move(window.example));
      out.labels.push_back(row.label);
    }
  }
  return out;
}

}  // namespace sft::data
