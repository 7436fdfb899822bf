#include "harness/data/render/render_head.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/tasks/task_kind.h"

namespace sft::data {
namespace {

// The kinds that an encoder reads, as "a, b and c".
std::string ReadKinds() {
  std::vector<std::string> names;
  for (const TaskKindRow& row : AllTaskKinds()) {
    if (row.head) names.push_back(row.name);
  }
  const std::string last = names.back();
  names.pop_back();
  return absl::StrCat(absl::StrJoin(names, ", "), " and ", last);
}

}  // namespace

absl::StatusOr<TaskHead> HeadOfTask(const Task& task) {
  const TaskKindRow& kind = KindRow(task.kind);
  if (kind.head) return TaskHead{kind.head->kind, kind.head->classes(task)};
  return InputError(task.name,
                    absl::StrCat("an encoder has no head for ", kind.name,
                                 "; it reads ", ReadKinds()));
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
  if (max_length < AddedTokens(*form, true) + 4) {
    return InputError("max_length",
                      absl::StrCat(max_length, " tokens hold no row"));
  }
  SFT_ASSIGN_OR_RETURN(std::vector<HeadWindow> windows,
                       KindRow(task.kind).head->windows(
                           {row, task, tokenizer, *form, max_length}));
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
    StopPoint();
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
