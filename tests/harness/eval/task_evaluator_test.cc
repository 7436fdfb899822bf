// Every kind of task is measured, under every head that it may have.
#include "harness/eval/task_evaluator.h"

#include <set>
#include <string>
#include <utility>

#include "harness/data/tasks/task_kind.h"
#include "harness/metrics/metrics.h"
#include "tests/support/catch_torch.h"

namespace sft::eval::task_evaluator_test {
namespace {

TEST_CASE("every kind of task has an evaluator for each of its heads",
          "[eval][task_evaluator]") {
  std::set<std::pair<data::TaskKind, HeadKind>> there;
  for (const TaskEvaluator& row : AllTaskEvaluators()) {
    CAPTURE(data::TaskKindName(row.kind), static_cast<int>(row.head));
    CHECK((row.evaluate != nullptr));
    CHECK(there.emplace(row.kind, row.head).second);
  }
  size_t wanted = 0;
  for (const data::TaskKindRow& kind : data::AllTaskKinds()) {
    CAPTURE(kind.name);
    CHECK(there.contains({kind.kind, HeadKind::kNextToken}));
    ++wanted;
    if (!kind.head) continue;
    CHECK(there.contains({kind.kind, kind.head->kind}));
    ++wanted;
  }
  CHECK(there.size() == wanted);
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
