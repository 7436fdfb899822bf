// A kind of task as a row: what its rows hold, how they are rendered, how a
// user's columns become them. Everything that differs between kinds is asked
// of their rows; harness/eval finds the evaluator by their properties too.
#ifndef HARNESS_DATA_TASKS_TASK_KIND_H_
#define HARNESS_DATA_TASKS_TASK_KIND_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/data/dataset.h"
#include "harness/data/tasks/head_window.h"
#include "harness/metrics/metrics.h"
#include "harness/spec/user_data.h"

namespace sft::data {

class UserRecord;

// How a decoder's rows are made room for and checked. Where nothing is set, a
// prompt is never cut, and every row with an answer is good.
struct DecoderForm {
  // Answers that any row may have: each must fit behind every prompt.
  std::vector<std::string> (*task_answers)(const Task& task) = nullptr;
  // Answers that this row may have; nullopt where it has none of its own.
  std::optional<std::vector<std::string>> (*row_answers)(const Row& row) =
      nullptr;
  // What is wrong with a row that ends in an answer.
  absl::Status (*check)(const Row& row, const Task& task) = nullptr;
};

// What an encoder needs.
struct HeadForm {
  HeadKind kind = HeadKind::kSequence;
  int64_t (*classes)(const Task& task) = nullptr;  // the head's outputs
  // Labels are kNoLoss where the row has none. An error tells what the row
  // lacks. Never empty.
  absl::StatusOr<std::vector<HeadWindow>> (*windows)(const HeadInput& input) =
      nullptr;
};

// The parts of a row that `columns` may name, with what each is.
struct UserParts {
  std::vector<std::string> prompt = {};       // wanted
  std::vector<std::string> more_prompt = {};  // may be absent
  std::string label = {};                     // a class, "" if there is none
  std::vector<std::string> answer = {};       // one of them is wanted
  std::vector<std::string> more_answer = {};  // may be absent
  std::vector<std::string> other = {};        // known, but neither of these
  bool as_is = false;  // taken as it stands: no template makes a prompt of it
  bool has_places = false;  // as UserForm has it, of this layout alone
};

// Calls a function with each record of a file, until it fails.
using EachRecord = std::function<absl::Status(
    const std::function<absl::Status(const UserRecord&)>&)>;

// How a user's file becomes such a task.
struct UserForm {
  // What a set is by default: metrics, form, how answers end.
  Task task = {};
  std::vector<std::string> metrics = {};  // that it can have, its own first
  // Formats beside tables (csv, json, ...) that hold such rows.
  std::vector<std::string> formats = {};
  // `columns`: those of the file, for tasks that take one of two layouts.
  UserParts (*parts)(const spec::UserData& data,
                     const std::vector<std::string>& columns) = nullptr;
  // What cleaning compares, where rows of one file may differ in layout; else
  // the parts.
  std::optional<UserParts> compared = {};
  // Fills all but Row::id. The error says which column is wrong, without file
  // and line.
  absl::Status (*fill)(const UserRecord& record, const Task& task,
                       Row& row) = nullptr;
  // Keys of the block that only such a task has.
  std::vector<std::string> keys = {};
  // What no row tells by itself, but the whole file does: is written into
  // `data` where nobody stated it, and told in `notes`.
  absl::Status (*settle)(const EachRecord& each, spec::UserData& data,
                         std::vector<std::string>& notes) = nullptr;
  // What another tool's columns are read by; "" where they are none such.
  std::string (*column_remedy)(const std::vector<std::string>& columns) =
      nullptr;

  // What a label is in a file; "" where the task has none.
  std::string label_noun = {};
  // Adds the labels of a record that no label column holds.
  absl::Status (*add_labels)(const UserRecord& record,
                             std::set<std::string>& labels) = nullptr;
  // Why a label cannot be used, "" if it can.
  std::string (*label_complaint)(const std::string& label) = nullptr;

  // Answers are places in a text, whose characters must stay as they are.
  bool has_places = false;
  // The answer of a row, for files that write it in several ways: rows of one
  // prompt and several such answers are in conflict.
  std::string (*answer_of)(const Row& row) = nullptr;
  // DatasetRow::revision, as read and with cleaning: above 1 where rows, or
  // their split, came out otherwise before.
  int64_t revision = 1, cleaned_revision = 1;
};

struct TaskKindRow {
  std::string name = {};     // as in Task::kind and a spec's `task`
  std::string summary = {};  // what such a task is, in one line

  // Row::label is one of Task::labels: samples keep the shares of classes.
  bool has_classes = false;
  // Row::label_set holds any number of Task::labels.
  bool has_label_sets = false;
  // Row::value is a number.
  bool has_values = false;
  // The likeliest of several given answers, such as labels or choices.
  bool has_given_answers = false;
  // A decoder writes the answer, Task::max_new_tokens at most.
  bool generates = false;
  // What is written is measured against Row::references as they stand.
  bool has_references = false;
  // What is written is read back as Row::tags.
  bool writes_tags = false;
  // A row without a reference is a question that has no answer.
  bool may_lack_answer = false;
  // The one answer of a row is right where each of its tokens is the likeliest.
  bool wants_likeliest_tokens = false;
  // Test rows are measured by the loss of their examples.
  bool measured_by_loss = false;
  // Row::constraints are checked on what a decoder writes.
  bool has_constraints = false;
  // Held-out text: Splits::documents, read in windows. It is retained, never
  // trained on, and there are no rows to render.
  bool is_text = false;

  DecoderForm decoder = {};
  std::optional<HeadForm> head = {};  // none: no encoder reads it
  std::optional<UserForm> user = {};  // none: of listed data sets only
};

const std::vector<TaskKindRow>& AllTaskKinds();
const TaskKindRow& KindRow(const std::string& name);

// A set of a user's own by default: plain prompts, answers that end with the
// line, measured by `metrics`; it can also have every other one that `fits`.
UserForm PlainUserForm(const std::string& kind,
                       const std::vector<std::string>& metrics,
                       bool (*fits)(const metrics::Metric&) = nullptr);
// Metrics of what is written, which are none of labels, numbers or tags.
bool MeasuresWrittenText(const metrics::Metric& metric);

}  // namespace sft::data

#endif  // HARNESS_DATA_TASKS_TASK_KIND_H_
