// Every kind of task: its row is whole, and its rows come out as examples.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "harness/data/render/render.h"
#include "harness/data/render/render_head.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/data/user/user_dataset.h"
#include "harness/data/user/user_rows.h"
#include "harness/spec/user_data.h"
#include "tests/harness/data/fake_tokenizer.h"
#include "tests/support/catch_torch.h"

namespace sft::data::task_kinds_test {
namespace {

// One that lays out an encoder's input: {1} A {2}, {1} A {2} B {2}.
class LayoutTokenizer : public FakeTokenizer {
 public:
  std::optional<InputLayout> input_layout() const override {
    return InputLayout{.before = {1}, .between = {2}, .after = {2}};
  }
};

// A row with all that any kind asks for.
Row AnyRow() {
  Row row;
  row.id = 3;
  row.turns = {{"user", "Where is Ada?"}, {"assistant", "London"}};
  row.label = 1;
  row.text = "Where is Ada?";
  row.text_pair = "Ada is in London.";
  row.words = {"Ada", "waits"};
  row.tags = {"B-London", "O"};
  row.references = {"London"};
  row.answer_begins = {10};
  row.choices = {"Paris", "London"};
  row.label_set = {1};
  row.value = 2.5;
  return row;
}
Task AnyTask(const TaskKindRow& kind) {
  Task task;
  task.name = "any";
  task.kind = kind.name;
  task.labels = {"Paris", "London"};
  return task;
}

TEST_CASE("every kind of task has a name, a summary and its own row",
          "[data][task_kinds]") {
  std::set<std::string> names, summaries;
  for (const TaskKindRow& kind : AllTaskKinds()) {
    CAPTURE(kind.name);
    CHECK(&KindRow(kind.name) == &kind);
    CHECK_FALSE(kind.name.empty());
    CHECK_FALSE(kind.summary.empty());
    CHECK(names.insert(kind.name).second);
    CHECK(summaries.insert(kind.summary).second);
  }
}

TEST_CASE("a kind that users may name reads back, with all it needs",
          "[data][task_kinds]") {
  for (const TaskKindRow& kind : AllTaskKinds()) {
    CAPTURE(kind.name);
    const absl::StatusOr<const TaskKindRow*> found = UserKindByName(kind.name);
    CHECK(found.ok() == kind.user.has_value());
    if (!kind.user) continue;
    REQUIRE(found.ok());
    CHECK(*found == &kind);
    const UserForm& form = *kind.user;
    CHECK(form.task.kind == kind.name);
    REQUIRE_FALSE(form.task.metrics.empty());
    REQUIRE(form.task.metrics.size() <= form.metrics.size());
    CHECK(std::equal(form.task.metrics.begin(), form.task.metrics.end(),
                     form.metrics.begin()));
    REQUIRE((form.parts != nullptr));
    CHECK((form.fill != nullptr));
    CHECK(form.cleaned_revision >= form.revision);
    const UserParts parts = form.parts({}, {});
    CHECK_FALSE(parts.prompt.empty());
    // Labels come from a column, or out of the record.
    CHECK(form.label_noun.empty() ==
          (parts.label.empty() && form.add_labels == nullptr));
    CHECK((!parts.label.empty()) == kind.has_classes);
  }
}

TEST_CASE("a data block without a task names every kind that it may have",
          "[data][task_kinds]") {
  absl::StatusOr<spec::UserData> data =
      spec::UserDataFromJson("mine", R"({"name":"mine","path":"a.csv"})");
  REQUIRE(data.ok());
  data->spec = "s.yaml";
  data->lines[""] = 7;
  const absl::StatusOr<DatasetRow> row = MakeUserDataset(*data);
  REQUIRE_FALSE(row.ok());
  const std::string error = row.status().ToString();
  CHECK(error.find("s.yaml:7: data mine: needs task: one of ") !=
        std::string::npos);
  for (const TaskKindRow& kind : AllTaskKinds()) {
    CAPTURE(kind.name, error);
    CHECK((error.find(kind.name) != std::string::npos) ==
          kind.user.has_value());
  }
}

TEST_CASE("the rows of every kind are rendered for a decoder",
          "[data][task_kinds]") {
  const FakeTokenizer tokenizer;
  for (const TaskKindRow& kind : AllTaskKinds()) {
    if (kind.is_text) continue;
    CAPTURE(kind.name);
    RenderOptions options;
    options.form = "plain";
    const Task task = AnyTask(kind);
    const auto rendered = RenderRows({AnyRow()}, task, tokenizer, options);
    INFO(rendered.status().ToString());
    REQUIRE(rendered.ok());
    REQUIRE(rendered->examples.size() == 1);
    CHECK(rendered->examples[0].row_id == 3);
    CHECK(rendered->examples[0].target_tokens() > 0);
    // Answers that are scored or written fit behind a prompt of any length.
    options.max_length = 100;
    Row longer = AnyRow();
    longer.turns[0].content = std::string(200, 'x');
    const auto prompt = RenderPrompt(longer, task, tokenizer, options);
    REQUIRE(prompt.ok());
    const bool is_cut = kind.generates ||
                        kind.decoder.task_answers != nullptr ||
                        kind.decoder.row_answers != nullptr;
    CHECK((prompt->size() < 100) == is_cut);
    CHECK((is_cut || !kind.has_given_answers));
  }
}

TEST_CASE("the rows of a kind with a head are rendered for an encoder",
          "[data][task_kinds]") {
  const LayoutTokenizer tokenizer;
  for (const TaskKindRow& kind : AllTaskKinds()) {
    CAPTURE(kind.name);
    const Task task = AnyTask(kind);
    const absl::StatusOr<TaskHead> head = HeadOfTask(task);
    CHECK(head.ok() == kind.head.has_value());
    const auto windows = RenderHeadRow(AnyRow(), task, tokenizer, 64);
    CHECK(windows.ok() == kind.head.has_value());
    if (!kind.head) {
      CHECK(head.status().message().find(kind.name) != std::string::npos);
      continue;
    }
    CHECK(head->kind == kind.head->kind);
    CHECK(head->kind != HeadKind::kNextToken);
    CHECK(head->classes >= (head->kind == HeadKind::kValue ? 1 : 2));
    REQUIRE_FALSE(windows->empty());
    const Example& example = (*windows)[0].example;
    CHECK(example.head == head->kind);
    CHECK(example.target_tokens() > 0);
    CHECK(example.labels.size() == example.input_ids.size());
    const bool has_values = kind.has_values || kind.has_label_sets;
    CHECK(std::ssize(example.values) == (has_values ? head->classes : 0));
  }
}

}  // namespace
}  // namespace sft::data::task_kinds_test
