// False discovery, improvement, letters, fronts, equal tuning budgets, and what
// must not be compared.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/analysis/comparability.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/fronts.h"
#include "harness/analysis/letters.h"
#include "harness/analysis/report.h"
#include "harness/analysis/selection.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::evidence_test {
namespace {
using Catch::Contains;
using nlohmann::json;

const json& Golden() {
  static const json golden = [] {
    std::ifstream in(std::string(SFT_SOURCE_DIR) +
                     "/tests/golden/evidence.json");
    return json::parse(in);
  }();
  return golden;
}

std::string ThreeSeeds(const std::string& more = "") {
  return "question: which?\ntrain: [rotten_tomatoes]\n"
         "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
         "budget: {target_tokens: 1000}\n"
         "grid: {method: [full, lora], seed: [0, 1, 2]}\n" +
         (more.empty() ? "baseline: {method: full}\n" : more);
}

// Held-out text that full fine-tuning forgets most.
void AddRetained(record::RunRecord& record) {
  const bool is_full = record.config.method == "full";
  AddHeldoutText(record, [&](int i) {
    return 3 + 0.05 * i + 0.01 * ((i + record.config.seed) % 3) +
           (is_full ? 0.5 : 0);
  });
}

Results Collected(const Sweep& sweep) {
  auto results = CollectResults(sweep.folder.path());
  REQUIRE(results.ok());
  return *std::move(results);
}

TEST_CASE("Benjamini and Hochberg's values are statsmodels'",
          "[analysis][evidence]") {
  const json golden = Golden()["benjamini_hochberg"];
  const auto found =
      BenjaminiHochbergAdjust(golden["p"].get<std::vector<double>>());
  REQUIRE(found.size() == golden["adjusted"].size());
  for (size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i] == Approx(golden["adjusted"][i].get<double>()));
  }
  const auto some = BenjaminiHochbergAdjust({0.01, kNaN, 0.02});
  CHECK(some[0] == Approx(0.02));
  CHECK(std::isnan(some[1]));
  CHECK(some[2] == Approx(0.02));
}

TEST_CASE("the probability of improvement is SciPy's U over all pairs",
          "[analysis][evidence]") {
  for (const json& c : Golden()["improvement"]) {
    const auto x = c["x"].get<std::vector<double>>();
    const auto y = c["y"].get<std::vector<double>>();
    CHECK(ProbabilityOfImprovement(x, y) ==
          Approx(c["probability"].get<double>()));
    CHECK(ProbabilityOfImprovement(y, x) ==
          Approx(1 - c["probability"].get<double>()));
  }
  CHECK(std::isnan(ProbabilityOfImprovement({}, {1})));
}

// Letters say what `differ` says, and no more of them than needed.
void CheckLetters(const std::vector<std::vector<bool>>& differ,
                  const std::vector<std::string>& letters) {
  for (size_t i = 0; i < differ.size(); ++i) {
    CHECK_FALSE(letters[i].empty());
    for (size_t j = i + 1; j < differ.size(); ++j) {
      const bool share =
          letters[i].find_first_of(letters[j]) != std::string::npos;
      INFO(i << " " << letters[i] << ", " << j << " " << letters[j]);
      CHECK(share != differ[i][j]);
    }
  }
}

TEST_CASE("letters are shared by what is not told apart",
          "[analysis][evidence]") {
  // Piepho's way by hand: 0 and 1 alike, 1 and 2 alike, 0 and 2 not.
  CHECK(CompactLetters({{false, false, true},
                        {false, false, false},
                        {false, false, false}}) ==
        std::vector<std::string>{"a", "ab", "b"});
  CHECK(CompactLetters({{false, false}, {false, false}}) ==
        std::vector<std::string>{"a", "a"});
  CHECK(CompactLetters({{false, true}, {false, false}}) ==
        std::vector<std::string>{"a", "b"});
  CHECK(CompactLetters({}).empty());
  Rng rng(3, Stream::kBootstrap, "letters");
  for (int round = 0; round < 40; ++round) {
    const size_t n = 2 + rng.Below(6);
    std::vector<std::vector<bool>> differ(n, std::vector<bool>(n, false));
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = i + 1; j < n; ++j) differ[i][j] = rng.Below(2) == 1;
    }
    const std::vector<std::string> letters = CompactLetters(differ);
    CheckLetters(differ, letters);
    CHECK(letters[0].find('a') != std::string::npos);
    CHECK(CompactLetters(differ) == letters);
  }
}

TEST_CASE("a report's letters tell what its seeds can",
          "[analysis][evidence]") {
  const Sweep sweep(ThreeSeeds());
  sweep.Write([](record::RunRecord& record) {
    AddRetained(record);
    return true;
  });
  const auto tasks = LettersOf(Collected(sweep));
  REQUIRE(tasks.size() == 1);
  REQUIRE(tasks[0].cells.size() == 3);
  REQUIRE(tasks[0].texts.size() == 3);
  // Tuned rows are drawn alike, far above the untuned model, which is last.
  CHECK(tasks[0].texts[0] == "a");
  CHECK(tasks[0].texts[1] == "a");
  CHECK(tasks[0].texts[2] == "b");
  // Two seeds tell nothing apart.
  const Sweep two(
      ThreeSeeds("baseline: {method: full}\n"
                 "exclude: [{seed: 2}]\n"));
  two.Write([](record::RunRecord&) { return true; });
  const auto none = LettersOf(Collected(two));
  REQUIRE(none.size() == 1);
  CHECK(none[0].texts.empty());
  CHECK_THAT(none[0].why_none, Contains("fewer than 3 seeds"));
}

TEST_CASE("membership of a front is the share of draws",
          "[analysis][evidence]") {
  CHECK(FrontOf({{1, 0}, {0, 1}, {0, 0}, {1, 0}}) ==
        std::vector<bool>{true, true, false, true});
  const json golden = Golden()["front"];
  const auto values =
      golden["values"].get<std::vector<std::vector<std::vector<double>>>>();
  const ObjectivesOfDraw objectives = [&](const std::vector<double>&,
                                          const std::vector<double>& seeds_S) {
    std::vector<std::vector<double>> means;
    for (const auto& cell : values) {
      std::vector<double> sums(2, 0.0);
      for (size_t s = 0; s < 3; ++s) {
        for (size_t o = 0; o < 2; ++o) sums[o] += seeds_S[s] * cell[s][o] / 3;
      }
      means.push_back(sums);
    }
    return means;
  };
  constexpr int kDraws = 20000;
  const auto found = FrontMembership({1}, 3, objectives, "test", kDraws);
  REQUIRE(found.size() == 4);
  for (size_t c = 0; c < 4; ++c) {
    const double exact = golden["exact"][c];
    // Four standard errors of a share.
    CHECK(found[c] == Approx(exact).margin(
                          4 * std::sqrt(exact * (1 - exact) / kDraws) + 1e-12));
  }
  CHECK(FrontMembership({1}, 3, objectives, "test", 50) ==
        FrontMembership({1}, 3, objectives, "test", 50));
}

TEST_CASE("a report's front holds score, retention, memory and speed",
          "[analysis][evidence]") {
  const Sweep sweep(ThreeSeeds());
  sweep.Write([](record::RunRecord& record) {
    AddRetained(record);
    const bool is_full = record.config.method == "full";
    record.measured["train_peak_rss_bytes"] = is_full ? 2e9 : 1e9;
    record.measured["train_wall_seconds"] = is_full ? 20 : 10;
    return true;
  });
  const Table table = FrontsTable(Collected(sweep));
  REQUIRE(table.rows.size() == 2);
  const size_t row = ColumnOf(table, "row"), front = ColumnOf(table, "front");
  const size_t membership = ColumnOf(table, "membership");
  for (const auto& cells : table.rows) {
    if (Contains("lora").match(cells[row].text)) {
      CHECK(cells[front].text == "*");
      CHECK(*cells[membership].value == Approx(1));
    } else {
      // It forgets more and costs more: only its score can put it there.
      CHECK(*cells[membership].value < 1);
    }
  }
}

TEST_CASE("a run that waited for the processor is on no front for its speed",
          "[analysis][evidence]") {
  const auto memberships = [](bool waited) {
    const Sweep sweep(ThreeSeeds());
    sweep.Write([&](record::RunRecord& record) {
      AddRetained(record);
      const bool is_full = record.config.method == "full";
      // Full forgets more and needs more memory, and is as right as lora.
      for (EvalRecord& eval : record.evals) {
        if (eval.split != "test") continue;
        for (size_t i = 0; i < eval.metrics[0].items.size(); ++i) {
          eval.metrics[0].items[i] = i % 4 > 0 ? 1 : 0;
        }
        eval.metrics[0].value = 0.75;
      }
      record.measured["train_peak_rss_bytes"] = is_full ? 2e9 : 1e9;
      record.measured["train_wall_seconds"] = is_full ? 10 : 20;
      record.measured["train_cpu_seconds"] = waited ? 1 : is_full ? 10 : 20;
      record.config.threads = 1;
      return true;
    });
    const Table table = FrontsTable(Collected(sweep));
    REQUIRE(table.rows.size() == 2);
    const TableCell& speed =
        table.rows[0][ColumnOf(table, "tokens_per_second")];
    CHECK(std::isnan(speed.value.value_or(kNaN)) == waited);
    return *table.rows[0][ColumnOf(table, "membership")].value;
  };
  CHECK(memberships(false) == Approx(1));  // for its speed alone
  CHECK(memberships(true) == Approx(0));
}

TEST_CASE("unequal tuning budgets are said, and can be made equal",
          "[analysis][evidence]") {
  const Sweep sweep(
      "question: which?\ntrain: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\n"
      "budget: {target_tokens: 1000}\n"
      "grid: {method: [full, lora], seed: [0]}\n"
      "cases:\n"
      "  - {when: {method: full}, grid: {learning_rate: [1.0e-5, 1.0e-4]}}\n"
      "  - when: {method: lora}\n"
      "    grid: {learning_rate: [1.0e-5, 3.0e-5, 1.0e-4, 3.0e-4, 1.0e-3]}\n"
      "select: {by: validation_loss, per: [method]}\n");
  sweep.Write([](record::RunRecord&) { return true; });
  const auto noted = [](const Results& results) {
    std::string all;
    for (const std::string& note : results.notes) all += note + "\n";
    return all;
  };
  Results plain = Collected(sweep);
  SelectCells(plain);
  CHECK_THAT(noted(plain), Contains("Tuning budgets differ") &&
                               Contains("full 2") && Contains("lora 5"));
  Results equal = Collected(sweep);
  SelectCells(equal, /*equal_budget=*/true);
  CHECK_THAT(noted(equal), Contains("2 compete"));
  int selected = 0;
  for (const ResultCell& cell : equal.cells) selected += cell.is_selected;
  CHECK(selected == 2);
  // The two of full compete as before; the draw is the same each time.
  Results again = Collected(sweep);
  SelectCells(again, /*equal_budget=*/true);
  for (size_t i = 0; i < equal.cells.size(); ++i) {
    CHECK(again.cells[i].is_selected == equal.cells[i].is_selected);
    if (equal.cells[i].axes.at("method") == "full") {
      CHECK(plain.cells[i].is_selected == equal.cells[i].is_selected);
    }
  }
}

TEST_CASE("what was computed otherwise is not compared",
          "[analysis][evidence]") {
  const Sweep sweep(ThreeSeeds());
  sweep.Write([](record::RunRecord& record) {
    record.texts["model_sha256"] = "m";
    if (record.config.method == "lora") {
      record.evals[0].metrics[0].signature = "accuracy|otherwise";
    }
    record.provenance_build["dirty"] = "true";
    record.provenance_build["kernels"] =
        record.config.method == "lora" ? "avx2" : "avx512";
    return true;
  });
  const Results results = Collected(sweep);
  for (const Comparison& one : CompareAll(results)) {
    CHECK(results.cells[one.cell].axes.at("method") == "full");
  }
  std::string notes;
  for (const std::string& note : NotesOnComparability(results)) {
    notes += note + "\n";
  }
  CHECK_THAT(notes, Contains("Not compared:") &&
                        Contains("'accuracy|otherwise'") &&
                        Contains("7 records come from a build with changes") &&
                        Contains("different kernels (avx2, avx512)"));
}

TEST_CASE("other rows, weights and budgets are said", "[analysis][evidence]") {
  const Sweep sweep(ThreeSeeds());
  const auto record_of = [&](const std::string& method) {
    for (const spec::PlannedRun& run : sweep.plan.runs) {
      if (run.config.method == method) return MadeUpRecord(run);
    }
    FAIL("no " << method);
    return record::RunRecord();
  };
  const record::RunRecord full = record_of("full"), lora = record_of("lora");
  const auto why = [](const record::RunRecord& one,
                      const record::RunRecord& other) {
    return WhyIncomparable(one, other, "rotten_tomatoes", "accuracy");
  };
  CHECK(why(full, lora).empty());
  record::RunRecord a = full, b = lora;
  a.texts["model_sha256"] = "one";
  b.texts["model_sha256"] = "other";
  CHECK_THAT(why(a, b), Contains("model_sha256"));
  b = lora;
  for (int64_t& id : b.evals[0].row_ids) id += 5000;
  CHECK(why(full, b) == "no test row is the same");

  sweep.Write([](record::RunRecord& record) {
    if (record.config.method != "lora") {
      record.texts["data.rotten_tomatoes.train_sha256"] = "rows";
      return true;
    }
    record.texts["data.rotten_tomatoes.train_sha256"] = "other rows";
    record.evals[0].row_ids[0] = 5000;
    return true;
  });
  std::string notes;
  for (const std::string& note : NotesOnComparability(Collected(sweep))) {
    notes += note + "\n";
  }
  CHECK_THAT(notes,
             Contains("Test rows differ") && Contains("Training rows differ"));
  CHECK_THAT(notes, !Contains("Budgets differ") && !Contains("Not compared"));

  const Sweep budgets(
      "question: which?\ntrain: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\n"
      "grid: {method: [full, lora], seed: [0]}\n"
      "cases:\n"
      "  - {when: {method: full}, set: {budget.steps: 5}}\n"
      "  - {when: {method: lora}, set: {budget.steps: 9}}\n"
      "baseline: {method: full}\n");
  budgets.Write([](record::RunRecord&) { return true; });
  notes.clear();
  for (const std::string& note : NotesOnComparability(Collected(budgets))) {
    notes += note + "\n";
  }
  CHECK_THAT(notes, Contains("Budgets differ") && Contains("9 steps and 5"));
}

TEST_CASE("false discovery has a column where it is asked for",
          "[analysis][evidence]") {
  const Sweep sweep(ThreeSeeds());
  sweep.Write([](record::RunRecord& record) {
    AddRetained(record);
    return true;
  });
  const auto plain = BuildReport(sweep.folder.path());
  const auto asked = BuildReport(sweep.folder.path(), {.fdr = true});
  REQUIRE(plain.ok());
  REQUIRE(asked.ok());
  CHECK(asked->comparisons.columns.size() ==
        plain->comparisons.columns.size() + 1);
  const size_t q = ColumnOf(asked->comparisons, "fdr_q");
  const size_t holm = ColumnOf(asked->comparisons, "holm_p");
  const size_t p = ColumnOf(asked->comparisons, "p");
  const size_t improved = ColumnOf(asked->comparisons, "improvement");
  for (const auto& row : asked->comparisons.rows) {
    if (!row[p].value.has_value()) continue;
    CHECK(*row[q].value >= *row[p].value);
    CHECK(*row[q].value <= *row[holm].value + 1e-12);
    CHECK(*row[improved].value >= 0);
    CHECK(*row[improved].value <= 1);
  }
}

}  // namespace
}  // namespace sft::analysis::evidence_test
