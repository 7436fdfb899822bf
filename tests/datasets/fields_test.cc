// What the rows of a task hold beside their turns, on all data that is here.
#include <functional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "datasets/registry.h"
#include "harness/data/clean_text.h"
#include "harness/data/entity_answer.h"
#include "tests/datasets/sets_here.h"
#include "tests/support/catch_torch.h"

namespace sft::datasets::fields_test {
namespace {

// Calls `check` with each row of each data set of the kind.
void ForEachRow(
    const std::string& kind,
    const std::function<void(const data::Task&, const data::Row&)>& check) {
  std::vector<data::DatasetRow> sets;
  for (const data::DatasetRow& set : AllDatasets()) {
    if (set.task.kind == kind) sets.push_back(set);
  }
  for (const data::DatasetRow& set : SetsHere(sets)) {
    const auto splits = set.load(FoldersHere());
    INFO(set.name << " " << splits.status().message());
    REQUIRE(splits.ok());
    CHECK_FALSE(splits->test.empty());
    for (const auto* rows :
         {&splits->train, &splits->validation, &splits->test}) {
      for (const data::Row& row : *rows) {
        INFO(set.name << " row " << row.id);
        check(set.task, row);
      }
    }
  }
}

bool EndsEarly(const data::Task& task, const std::string& answer) {
  for (const std::string& stop : task.stop_strings) {
    if (answer.find(stop) != std::string::npos) return true;
  }
  return false;
}

// A prompt, and an answer that a generation under the task's stop strings can
// give whole.
void CheckTurns(const data::Task& task, const data::Row& row) {
  if (row.turns.size() != 2 || row.turns[0].role != "user" ||
      row.turns[1].role != "assistant" || row.turns[1].content.empty() ||
      EndsEarly(task, row.turns[1].content)) {
    FAIL_CHECK("turns: " << row.turns.back().content);
  }
}

TEST_CASE("tags are BIO2 of the task's types, as many as words",
          "[datasets][fields]") {
  ForEachRow("token_labels", [](const data::Task& task, const data::Row& row) {
    CheckTurns(task, row);
    REQUIRE_FALSE(row.words.empty());
    REQUIRE(row.words.size() == row.tags.size());
    const std::set<std::string> types(task.labels.begin(), task.labels.end());
    std::string inside;  // type of the word before
    for (const std::string& tag : row.tags) {
      const std::string type = tag == "O" ? "" : tag.substr(2);
      if (tag != "O" &&
          (types.count(type) == 0 ||
           (tag[0] != 'B' && (tag[0] != 'I' || type != inside)))) {
        FAIL_CHECK("tag " << tag << " behind '" << inside << "'");
      }
      inside = type;
    }
    if (row.turns[1].content != data::EntityAnswer(row.words, row.tags)) {
      FAIL_CHECK("answer " << row.turns[1].content);
    }
  });
}

TEST_CASE("generated answers have references, the first is trained on",
          "[datasets][fields]") {
  ForEachRow("generation", [](const data::Task& task, const data::Row& row) {
    CheckTurns(task, row);
    REQUIRE_FALSE(row.references.empty());
    for (const std::string& reference : row.references) {
      if (data::CollapseSpace(reference).empty()) FAIL_CHECK("empty reference");
    }
    const std::string& answer = row.turns[1].content;
    const std::string wanted = data::CollapseSpace(row.references[0]);
    // The steps of a calculation come before its number.
    const bool number = task.metrics[0] == "final_number";
    const std::string bare = absl::StrReplaceAll(answer, {{",", ""}});
    if (number ? !absl::EndsWith(bare, "#### " + wanted) : answer != wanted) {
      FAIL_CHECK("answer " << answer);
    }
  });
}

TEST_CASE("answers stand in the context where their offsets say",
          "[datasets][fields]") {
  ForEachRow(
      "question_answering", [](const data::Task& task, const data::Row& row) {
        CheckTurns(task, row);
        REQUIRE_FALSE(row.text.empty());
        REQUIRE_FALSE(row.references.empty());
        REQUIRE(row.references.size() == row.answer_begins.size());
        for (size_t i = 0; i < row.references.size(); ++i) {
          const std::string& answer = row.references[i];
          if (answer.empty() ||
              row.text_pair.compare(static_cast<size_t>(row.answer_begins[i]),
                                    answer.size(), answer) != 0) {
            FAIL_CHECK("answer " << answer);
          }
        }
        if (row.turns[1].content != data::CollapseSpace(row.references[0])) {
          FAIL_CHECK("answer " << row.turns[1].content);
        }
      });
}

}  // namespace
}  // namespace sft::datasets::fields_test
