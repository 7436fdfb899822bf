#include "harness/launch/plan_rows.h"

#include <catch2/catch.hpp>

#include "tests/harness/data/fake_tokenizer.h"

namespace sft::launch::plan_rows_test {
namespace {

// Retained sets: a question with two choices, a last word, a text.
Workbench RetainedSets() {
  const auto set = [](const std::string& name, const std::string& kind,
                      const data::Splits& splits) {
    data::DatasetRow row;
    row.name = name;
    row.task.name = name;
    row.task.kind = kind;
    row.task.default_form = "plain";
    row.load = [splits](const data::DataFolders&) { return splits; };
    return row;
  };
  data::Splits choice, word, text;
  choice.test.resize(1);
  choice.test[0].turns = {{"user", "Who?"}, {"assistant", "he"}};
  choice.test[0].choices = {"she", "he"};
  choice.test[0].label = 1;
  word.test.resize(1);
  word.test[0].turns = {{"user", "the cat"}, {"assistant", "sat"}};
  text.documents = {std::string(100, 'a')};
  Workbench bench;
  bench.datasets = {set("choice", "multiple_choice", choice),
                    set("word", "last_word", word),
                    set("text", "language_modeling", text)};
  return bench;
}

TEST_CASE("sets without validation rows are reckoned by their test rows",
          "[launch][plan]") {
  const Workbench bench = RetainedSets();
  const auto planned = [&](const std::vector<std::string>& retain,
                           const std::vector<std::string>& at_points) {
    spec::RunConfig config;
    config.retain = retain;
    config.at_points = at_points;
    config.heldout_tokens = 64;
    PlanRows rows(bench, nullptr);
    const auto found =
        rows.Of(config, data::FakeTokenizer(), HeadKind::kNextToken);
    REQUIRE(found.ok());
    return **found;
  };
  // Prompt, answer and end of turn, and the choice that is wrong.
  constexpr int64_t kChoice = 4 + 3 + 1 + 4, kWord = 7 + 4 + 1;
  CHECK(planned({"choice"}, {}).eval_tokens == kChoice);
  CHECK(planned({"word"}, {}).eval_tokens == kWord);
  CHECK(planned({"choice", "word", "text"}, {}).eval_tokens ==
        kChoice + kWord + 64);
  // Points read a text, and of tasks those that are named.
  CHECK(planned({"choice", "word", "text"}, {}).point_tokens == 64);
  CHECK(planned({"choice", "word", "text"}, {"word"}).point_tokens ==
        kWord + 64);
}

TEST_CASE("rows are kept as lengths and targets", "[launch][plan]") {
  std::vector<Example> rows(4);
  rows[0].row_id = 7;
  rows[0].input_ids = {5, 6, 7, 8, 9};
  rows[0].labels = {kNoLoss, 6, kNoLoss, 8, 9};  // a conversation's
  rows[1].row_id = 2;
  rows[1].input_ids = {5, 6};
  rows[1].labels = {kNoLoss, kNoLoss};
  rows[2].row_id = 9;  // empty
  rows[3].row_id = 4;
  rows[3].input_ids = {1, 2, 3};
  rows[3].labels = {kNoLoss, 2, 3};
  const std::vector<Example> back = RowShapes(rows).Examples();
  REQUIRE(back.size() == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    INFO(i);
    CHECK(back[i].row_id == rows[i].row_id);
    CHECK(back[i].head == rows[i].head);
    CHECK(back[i].input_ids.size() == rows[i].input_ids.size());
    REQUIRE(back[i].labels.size() == rows[i].labels.size());
    for (size_t t = 0; t < rows[i].labels.size(); ++t) {
      CHECK((back[i].labels[t] == kNoLoss) == (rows[i].labels[t] == kNoLoss));
    }
  }
  CHECK(RowShapes({}).Examples().empty());
}

}  // namespace
}  // namespace sft::launch::plan_rows_test
