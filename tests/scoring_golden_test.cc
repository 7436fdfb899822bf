// Choices, last words, labels and texts score as lm-evaluation-harness and
// transformers score them, item by item (tests/golden/scoring, made by
// make_golden_scoring.py).
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "datasets/registry.h"
#include "harness/core/files.h"
#include "harness/eval/evaluator.h"
#include "harness/eval/row_answers.h"
#include "harness/model/load/load.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/stories_model.h"

namespace sft::whole::scoring_golden_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int64_t kPositions = 2048;

fs::path Folder() { return support::SourceDir() / "tests/golden/scoring"; }

json ReadJson(const fs::path& path) {
  const auto text = ReadFile(path.string());
  if (!text.ok()) FAIL(text.status().message());
  return json::parse(*text);
}

void WriteJson(const fs::path& path, const json& content) {
  REQUIRE(WriteFileAtomically(path.string(), content.dump()).ok());
}

// The folder of a model of the golden file, made below `scratch` if it must be.
fs::path ModelFolder(const std::string& name, const fs::path& data,
                     const fs::path& scratch) {
  if (name == "bytes") return Folder() / "bytes";
  const fs::path folder = scratch / name;
  if (name == "stories") {
    support::WriteStoriesFolder(data / "stories260k", kPositions, folder);
    return folder;
  }
  fs::copy(Folder() / "bytes", folder);
  json root = ReadJson(folder / "tokenizer.json");
  root["post_processor"] = json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}},
                 {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [{"SpecialToken": {"id": "<bos>", "type_id": 0}},
               {"Sequence": {"id": "A", "type_id": 0}},
               {"Sequence": {"id": "B", "type_id": 1}}],
      "special_tokens":
          {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}}})");
  WriteJson(folder / "tokenizer.json", root);
  return folder;
}

// The test rows with these ids, in this order.
std::vector<data::Row> RowsOf(const std::string& dataset, const json& ids,
                              const fs::path& data, data::Task* task) {
  const auto row = datasets::DatasetByName(dataset);
  REQUIRE(row.ok());
  *task = row->task;
  auto splits = row->load({support::AssetsDir().string(), data.string()});
  if (!splits.ok()) FAIL(splits.status().message());
  absl::flat_hash_map<int64_t, data::Row*> by_id;
  for (data::Row& r : splits->test) by_id.emplace(r.id, &r);
  std::vector<data::Row> out;
  for (const json& id : ids) {
    const auto it = by_id.find(id.get<int64_t>());
    REQUIRE(it != by_id.end());
    out.push_back(*it->second);
  }
  return out;
}

std::vector<std::string> AnswersOf(const data::Row& row,
                                   const data::Task& task) {
  if (task.kind == "classification") return task.labels;
  if (task.kind == "multiple_choice") return row.choices;
  return {row.turns.back().content};
}

double Characters(const std::string& text) {
  double count = 0;
  for (char c : text) count += (c & 0xC0) != 0x80;
  return count;
}

// A number a row is a list of one.
json ListOf(const json& x) { return x.is_array() ? x : json::array({x}); }

struct Scorer {
  model::Model& model;
  const Tokenizer& tokenizer;

  void Check(const std::vector<data::Row>& rows, const data::Task& task,
             const json& golden) const {
    data::RenderOptions render;
    render.form = "plain";
    render.max_length = kPositions;
    const auto scored = eval::ScoreAnswers(
        model, tokenizer, task, task.name, rows,
        [&](const data::Row& row) { return AnswersOf(row, task); }, render,
        2048, nullptr);
    if (!scored.ok()) FAIL(scored.status().message());
    size_t right = 0, right_norm = 0;
    for (size_t r = 0; r < rows.size(); ++r) {
      CAPTURE(rows[r].id);
      const json sums = ListOf(golden["sums"][r]);
      const auto& scores = scored->scores[r];
      REQUIRE(scores.size() == sums.size());
      if (golden.contains("tokens")) {
        CHECK(json(scored->tokens[r]) == ListOf(golden["tokens"][r]));
      }
      const std::vector<std::string> answers = AnswersOf(rows[r], task);
      size_t best = 0, best_norm = 0;
      const auto norm = [&](size_t k) {
        return scores[k].log_probability / Characters(answers[k]);
      };
      for (size_t k = 0; k < scores.size(); ++k) {
        CHECK(scores[k].log_probability ==
              Approx(sums[k].get<double>()).epsilon(1e-5));
        if (scores[k].log_probability > scores[best].log_probability) best = k;
        if (norm(k) > norm(best_norm)) best_norm = k;
      }
      right += task.kind == "last_word"
                   ? scores[0].likeliest
                   : static_cast<int64_t>(best) == rows[r].label;
      right_norm += static_cast<int64_t>(best_norm) == rows[r].label;
      if (golden.contains("greedy")) {
        CHECK(scores[0].likeliest == (golden["greedy"][r] == 1));
      }
    }
    const auto items = static_cast<double>(rows.size());
    CHECK(static_cast<double>(right) / items ==
          Approx(golden["acc"].get<double>()));
    if (golden.contains("acc_norm")) {
      CHECK(static_cast<double>(right_norm) / items ==
            Approx(golden["acc_norm"].get<double>()));
    }
    if (golden.contains("with_eos")) CheckEnded(rows, task, golden["with_eos"]);
  }

  // Labels with the end of turn behind them, as they are trained.
  void CheckEnded(const std::vector<data::Row>& rows, const data::Task& task,
                  const json& golden) const {
    data::RenderOptions render;
    render.form = "plain";
    render.max_length = kPositions;
    render.score_end_of_turn = true;
    const auto scored = eval::ScoreAnswers(
        model, tokenizer, task, task.name, rows,
        [&](const data::Row& row) { return AnswersOf(row, task); }, render,
        2048, nullptr);
    if (!scored.ok()) FAIL(scored.status().message());
    for (size_t r = 0; r < rows.size(); ++r) {
      CAPTURE(rows[r].id);
      for (size_t k = 0; k < golden[r].size(); ++k) {
        CHECK(scored->scores[r][k].log_probability ==
              Approx(golden[r][k].get<double>()).epsilon(1e-5));
      }
    }
  }

  void CheckTexts(const std::vector<std::string>& texts,
                  const json& golden) const {
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(i);
      const auto record = eval::EvaluateHeldout(model, tokenizer, {texts[i]},
                                                kPositions, 0, "text");
      if (!record.ok()) FAIL(record.status().message());
      const double count = golden["count"][i].get<double>();
      CHECK(record->metrics[2].value == count);
      CHECK(record->metrics[0].value ==
            Approx(golden["nll"][i].get<double>() / count).epsilon(1e-5));
      if (!tokenizer.added_ids().before.empty()) continue;
      // lm-evaluation-harness puts BOS before a text in any case.
      eval::EvalOptions options;
      options.bos = "always";
      const auto rolling = eval::EvaluateHeldout(
          model, tokenizer, {texts[i]}, kPositions, 0, "text", options);
      if (!rolling.ok()) FAIL(rolling.status().message());
      CHECK(rolling->metrics[0].value ==
            Approx(-golden["rolling"][i].get<double>() / (count + 1))
                .epsilon(1e-5));
    }
  }
};

TEST_CASE("scores equal lm-evaluation-harness item by item",
          "[scoring][golden][slow]") {
  const auto data = support::RequireData();
  const json golden = ReadJson(Folder() / "scoring.json");
  const support::TempDir scratch;
  const auto lines = ReadLines((data / "wikitext2/wiki.test.raw.gz").string());
  REQUIRE(lines.ok());
  std::vector<std::string> texts;
  for (const json& line : golden["rows"]["wikitext2"]) {
    // ReadLines drops the carriage returns that this file has.
    texts.push_back((*lines)[line.get<size_t>() - 1] + "\r");
  }
  for (const auto& [name, sets] : golden["models"].items()) {
    CAPTURE(name);
    const fs::path folder = ModelFolder(name, data, scratch.path());
    const auto tokenizer = text::LoadTokenizerFromFolder(folder.string());
    REQUIRE(tokenizer.ok());
    const auto where = model::LocateModel(folder.string(), "");
    REQUIRE(where.ok());
    const auto model = model::LoadModel(*where, {.compute_dtype = at::kDouble});
    if (!model.ok()) FAIL(model.status().message());
    const Scorer scorer{**model, **tokenizer};
    for (const auto& [set, values] : sets.items()) {
      CAPTURE(set);
      if (set == "wikitext2") {
        scorer.CheckTexts(texts, values);
        continue;
      }
      data::Task task;
      const std::vector<data::Row> rows =
          RowsOf(set, golden["rows"][set], data, &task);
      scorer.Check(rows, task, values);
    }
  }
}

}  // namespace
}  // namespace sft::whole::scoring_golden_test
