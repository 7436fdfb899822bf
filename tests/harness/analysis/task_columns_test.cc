// Metrics, gains and intervals of several tasks in the report.
#include "harness/analysis/task_columns.h"

#include <catch2/catch.hpp>

#include "harness/analysis/report.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::task_columns_test {
namespace {

constexpr char kTasksSpec[] = R"(
train: [rotten_tomatoes]
evaluate: {tasks: [bbcnews, multi30k, chat]}
budget: {target_tokens: 1000}
grid: {method: [full, lora], seed: [0]}
baseline: {method: full}
)";

MetricRecord MetricOf(const std::string& name, double value,
                      const std::string& unit,
                      const std::vector<double>& items = {}) {
  MetricRecord metric;
  metric.name = name;
  metric.value = value;
  metric.unit = unit;
  metric.items = items;
  return metric;
}

// Three tasks whose primary metrics are made of labels, sums and weighted
// items. Tuned models are better by known amounts.
void AddTasks(record::RunRecord& record) {
  const bool untuned = record.config.method == spec::kUntuned;
  const auto test_of = [&](const std::string& task) {
    EvalRecord eval;
    eval.task = task;
    eval.split = "test";
    eval.round = untuned ? 0 : 1;
    return eval;
  };

  EvalRecord eval = test_of("bbcnews");
  for (int64_t i = 0; i < 300; ++i) {
    const bool wrong = i % (untuned ? 2 : 10) == 1;
    eval.references.push_back(i % 3);
    eval.predictions.push_back(wrong ? (i + 1) % 3 : i % 3);
  }
  eval.metrics = {MetricOf("f1_macro", untuned ? 0.5 : 0.9, "fraction")};
  std::vector<double> right;
  for (size_t i = 0; i < 300; ++i) {
    right.push_back(eval.predictions[i] == eval.references[i]);
  }
  eval.metrics.push_back(
      MetricOf("accuracy", untuned ? 0.5 : 0.9, "fraction", right));
  record.evals = {eval};

  // Every hypothesis has 10 words and the lengths of its reference; of the
  // n-grams the same share matches in each.
  eval = test_of("multi30k");
  MetricRecord bleu = MetricOf("bleu", untuned ? 20 : 50, "percent");
  bleu.sum_columns = 10;
  for (int i = 0; i < 350; ++i) {
    bleu.items.push_back(bleu.value);
    bleu.sums.insert(bleu.sums.end(), {10, 10});
    for (int n = 0; n < 4; ++n) {
      bleu.sums.insert(bleu.sums.end(), {untuned ? 2.0 : 5.0, 10.0});
    }
  }
  eval.metrics = {bleu, MetricOf("rougeL", 0.25, "fraction")};
  record.evals.push_back(eval);

  eval = test_of("chat");
  std::vector<double> losses, tokens;
  double nats = 0, count = 0;
  for (int i = 0; i < 320; ++i) {
    losses.push_back((untuned ? 2.0 : 1.5) + 0.01 * (i % 7));
    tokens.push_back(1 + i % 5);
    nats += losses.back() * tokens.back();
    count += tokens.back();
  }
  eval.metrics = {
      MetricOf("validation_loss", nats / count, "nats/token", losses),
      MetricOf("validation_target_tokens", count, "tokens", tokens)};
  eval.metrics[0].higher_is_better = false;
  record.evals.push_back(eval);
}

TEST_CASE("every task has its metrics, and its gain with an interval",
          "[analysis][report]") {
  const Sweep sweep(kTasksSpec);
  sweep.Write([](record::RunRecord& record) {
    AddTasks(record);
    return true;
  });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  const Table& table = report->main;
  REQUIRE(table.rows.size() == 3);
  const auto cell = [&](const std::string& key) {
    return table.rows[1][ColumnOf(table, key)];
  };
  const auto title = [&](const std::string& key) {
    return table.columns[ColumnOf(table, key)].title;
  };
  CHECK(*cell("bbcnews_f1_macro").value == Approx(0.9));
  CHECK(*cell("bbcnews_gain").value == Approx(0.4));
  CHECK(cell("bbcnews_gain").interval->low > 0.3);
  CHECK(cell("bbcnews_gain").interval->high < 0.5);
  CHECK(*cell("bbcnews_accuracy").value == Approx(0.9));
  CHECK(cell("bbcnews_items").value == 300);
  // Each item has the corpus's own precisions, so that draws do not vary.
  CHECK(*cell("multi30k_gain").value == Approx(30));
  CHECK(cell("multi30k_gain").interval->low == Approx(30));
  CHECK(cell("multi30k_items").value == 350);
  CHECK(*cell("multi30k_rougeL").value == Approx(0.25));
  // A loss that falls by 0.5 is a gain of 0.5.
  CHECK(*cell("chat_gain").value == Approx(0.5));
  CHECK(cell("chat_gain").interval->high == Approx(0.5));
  CHECK(cell("chat_items").value == 320);
  CHECK(title("bbcnews_f1_macro") ==
        "bbcnews macro F1 (0\xe2\x80\x93"
        "1)");
  CHECK(title("multi30k_bleu") ==
        "multi30k bleu (0\xe2\x80\x93"
        "100)");
  CHECK(title("chat_validation_loss") == "chat test loss (nats/token)");
  for (const TableColumn& column : table.columns) {
    CHECK(column.key != "chat_validation_target_tokens");
  }
  // Two methods against the untuned model and lora against full, three tasks.
  CHECK(report->comparisons.rows.size() == 3 * (2 + 1));

  const std::vector<std::string> csv =
      Lines(RenderReport(*report, TableFormat::kCsv));
  CHECK(Has(csv[0],
            "multi30k_bleu,multi30k_bleu_sd,multi30k_gain,"
            "multi30k_gain_low,multi30k_gain_high,multi30k_holm_p,"
            "multi30k_items"));
  CHECK(Has(RenderReport(*report, TableFormat::kMarkdown),
            " +30.00 [+30.00, +30.00]* |"));
  CHECK(Has(RenderReport(*report, TableFormat::kLatex),
            "& +30.00 & \\textsuperscript{*}\\ [$+30.00$, $+30.00$]"));
  CHECK(Has(RenderReport(*report, TableFormat::kMarkdown),
            "where lower is better"));
}

TEST_CASE(
    "a metric without the numbers of its items has no interval, and a "
    "note says so",
    "[analysis][report]") {
  const Sweep sweep(kTasksSpec);
  sweep.Write([](record::RunRecord& record) {
    AddTasks(record);
    if (record.config.method == "lora") record.evals[1].metrics[0].sums.clear();
    for (double& item : record.evals[1].metrics[0].items) item = 35;
    return true;
  });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  const size_t column = ColumnOf(report->main, "multi30k_gain");
  CHECK(report->main.rows[1][column].value.has_value());
  CHECK_FALSE(report->main.rows[2][column].value.has_value());
  CHECK(report->main.rows[2][column - 1].value == 50);
  CHECK(Has(RenderReport(*report, TableFormat::kMarkdown),
            "multi30k: bleu has no interval in some rows"));
}

}  // namespace
}  // namespace sft::analysis::task_columns_test
