// Every kind of task is measured, under every head that it may have.
#include "harness/eval/task_evaluator.h"

#include <set>
#include <string>
#include <string_view>

#include "harness/data/tasks/task_kind.h"
#include "harness/metrics/metrics.h"
#include "tests/support/catch_torch.h"

namespace sft::eval::task_evaluator_test {
namespace {

TEST_CASE("every kind of task has an evaluator for each of its heads",
          "[eval][task_evaluator]") {
  std::set<std::string_view> used;
  for (const data::TaskKindRow& kind : data::AllTaskKinds()) {
    for (const HeadKind head :
         {HeadKind::kNextToken, HeadKind::kSequence, HeadKind::kToken,
          HeadKind::kSpan, HeadKind::kLabels, HeadKind::kValue}) {
      CAPTURE(kind.name, static_cast<int>(head));
      const bool has = head == HeadKind::kNextToken ||
                       (kind.head && kind.head->kind == head);
      // One and no more, so that the order of the table says nothing.
      int fitting = 0;
      for (const TaskEvaluator& row : AllTaskEvaluators()) {
        fitting += row.head == head && row.fits(kind);
      }
      CHECK(fitting == (has ? 1 : 0));
      const TaskEvaluator* evaluator = EvaluatorOf(kind, head);
      REQUIRE((evaluator != nullptr) == has);
      if (!has) continue;
      CHECK((evaluator->evaluate != nullptr));
      used.insert(evaluator->name);
    }
  }
  // Names are unique, and no row is there for nothing.
  CHECK(used.size() == AllTaskEvaluators().size());
}

TEST_CASE("a kind is measured by what its row says", "[eval][task_evaluator]") {
  const auto name = [](const std::string& kind, HeadKind head) {
    const TaskEvaluator* found = EvaluatorOf(data::KindRow(kind), head);
    return found == nullptr ? "" : std::string(found->name);
  };
  constexpr auto kNext = HeadKind::kNextToken;
  CHECK(name("classification", kNext) == "the likeliest label");
  CHECK(name("multiple_choice", kNext) == "the likeliest of a row's choices");
  CHECK(name("last_word", kNext) == "the likeliest tokens");
  CHECK(name("token_labels", kNext) == "written tags");
  CHECK(name("question_answering", kNext) == "written answers");
  CHECK(name("generation", kNext) == "written answers");
  CHECK(name("instruction", kNext) == "the loss of answers");
  CHECK(name("language_modeling", kNext) == "the loss of text");
  CHECK(name("classification", HeadKind::kSequence) == "classes of rows");
  CHECK(name("token_labels", HeadKind::kToken) == "tags of words");
  CHECK(name("question_answering", HeadKind::kSpan) == "spans of answers");
  CHECK(name("multi_label", HeadKind::kLabels) == "labels of rows");
  CHECK(name("multi_label", kNext) == "written answers");
  CHECK(name("regression", HeadKind::kValue) == "numbers of rows");
  CHECK(name("generation", HeadKind::kSpan) == "");
  // A kind of nobody's, which writes answers.
  data::TaskKindRow stranger;
  stranger.generates = true;
  REQUIRE((EvaluatorOf(stranger, kNext) != nullptr));
  CHECK(EvaluatorOf(stranger, kNext)->name == "written answers");
}

TEST_CASE("the metrics that a user's task may have are in the table",
          "[eval][task_evaluator]") {
  for (const data::TaskKindRow& kind : data::AllTaskKinds()) {
    if (!kind.user) continue;
    for (const std::string& name : kind.user->metrics) {
      CAPTURE(kind.name, name);
      CHECK((metrics::FindMetric(name) != nullptr));
    }
  }
}

}  // namespace
}  // namespace sft::eval::task_evaluator_test
