// What a report claims, of whom, and against whom.
#include <catch2/catch.hpp>
#include <cmath>

#include "harness/analysis/comparison_families.h"
#include "harness/analysis/report.h"
#include "harness/analysis/selection.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::inference_test {
namespace {

std::string SeedsSpec(const std::string& seeds) {
  return "question: which?\ntrain: [rotten_tomatoes]\n"
         "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
         "budget: {target_tokens: 1000}\n"
         "grid: {method: [full, lora], seed: [" +
         seeds + "]}\nbaseline: {method: full}\n";
}

// Held-out windows of text, worse by `forgotten` after tuning.
void AddHeldout(record::RunRecord& record, double forgotten) {
  const bool is_tuned = record.config.method != spec::kUntuned;
  AddHeldoutText(record, [&](int i) {
    const int64_t draw = i * 7 + record.config.seed * 5 +
                         (record.config.method == "lora" ? 3 * i : 0);
    const double noise = 0.01 * static_cast<double>(draw % 11 - 5);
    return 3 + 0.05 * i + (is_tuned ? noise + forgotten : 0);
  });
  if (is_tuned) record.forgetting["wiki_demo/cross_entropy_change"] = forgotten;
}

Report ReportOf(const Sweep& sweep) {
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  return *report;
}

TEST_CASE("from three seeds a row speaks of the method, by one model",
          "[analysis][inference]") {
  const Sweep sweep(SeedsSpec("0, 1, 2"));
  sweep.Write([](record::RunRecord& record) {
    AddHeldout(record, 0.3);
    return true;
  });
  const Report report = ReportOf(sweep);
  const Table& table = report.comparisons;
  // Two rows against untuned, one against full; score and held-out text.
  REQUIRE(table.rows.size() == 2 * (2 + 1));
  const auto cell = [&](size_t row, const std::string& key) {
    return table.rows[row][ColumnOf(table, key)];
  };
  CHECK(cell(0, "claim").text == "method");
  CHECK(cell(0, "against").text == "untuned");
  CHECK(cell(0, "verdict").text == "better");
  CHECK(cell(0, "sign_flip_p").value == 0.25);
  CHECK(cell(0, "sign_flip_p").is_at_most);
  CHECK(cell(0, "gain").interval->low > 0);
  CHECK(*cell(0, "p").value < 0.05);
  CHECK(*cell(0, "smallest_detectable").value > 0);
  CHECK(cell(1, "task").text == "wiki_demo (retained)");
  CHECK(cell(1, "verdict").text == "worse");
  // The opponent by name, not "baseline".
  CHECK(cell(4, "against").text == "full padded (baseline)");
  CHECK(cell(4, "row").text == "lora padded");
  // Families: the primary metrics (3 tests) and what is retained (3).
  for (const size_t row : {0, 2, 4}) {
    CHECK(*cell(row, "holm_p").value >= *cell(row, "p").value);
  }
  const std::string text = RenderReport(report, TableFormat::kMarkdown);
  CHECK(Has(text, "(3 tests) and what they retain (3 tests)"));
  CHECK(Has(text, "0.25 with 3 seeds"));
  CHECK_FALSE(Has(text, "McNemar"));

  // Absolute value, change, interval and p of the retained text.
  const auto main = [&](const std::string& key) {
    return report.main.rows[1][ColumnOf(report.main, key)];
  };
  CHECK(*main("wiki_demo_cross_entropy").value > 3);
  CHECK(*main("wiki_demo_cross_entropy_change").value == Approx(0.3));
  const Interval change = *main("wiki_demo_cross_entropy_change").interval;
  CHECK(change.low > 0.1);
  CHECK(change.low < change.high);
  CHECK(*main("wiki_demo_cross_entropy_holm_p").value < 0.025);
  CHECK(
      Has(report.main
              .columns[ColumnOf(report.main, "wiki_demo_cross_entropy_change")]
              .title,
          "above 0 is worse"));
}

TEST_CASE("one seed speaks of these models, and the table says so",
          "[analysis][inference]") {
  const Sweep sweep(SeedsSpec("0"));
  sweep.Write([](record::RunRecord& record) {
    AddHeldout(record, 0.3);
    return true;
  });
  const Report report = ReportOf(sweep);
  const Table& table = report.comparisons;
  const auto cell = [&](size_t row, const std::string& key) {
    return table.rows[row][ColumnOf(table, key)];
  };
  CHECK(cell(0, "claim").text == "these models");
  CHECK_FALSE(cell(0, "sign_flip_p").value.has_value());
  CHECK(cell(0, "wins").text.find('/') != std::string::npos);
  CHECK(cell(0, "gain").interval.has_value());
  // Of the text a permutation, at its floor.
  CHECK(cell(1, "p").is_at_most);
  CHECK(*cell(1, "p").value == Approx(1.0 / 10001));
  const std::string text = RenderReport(report, TableFormat::kMarkdown);
  CHECK(Has(text, "(these models)"));
  CHECK(Has(
      *RenderOneTable(report, "comparisons", TableFormat::kMarkdown, {}, {"p"}),
      "&lt;= 1.0e-04"));
  CHECK(Has(text, "not of methods"));
}

TEST_CASE("two seeds are too few to test", "[analysis][inference]") {
  const Sweep sweep(SeedsSpec("0, 1"));
  sweep.Write([](record::RunRecord&) { return true; });
  const Report report = ReportOf(sweep);
  for (const auto& row : report.comparisons.rows) {
    const auto cell = [&](const std::string& key) {
      return row[ColumnOf(report.comparisons, key)];
    };
    for (const char* key : {"p", "holm_p", "claim", "verdict"}) {
      CHECK(cell(key).text == "too few seeds to test");
    }
    CHECK(cell("gain").value.has_value());
    CHECK_FALSE(cell("gain").interval.has_value());
    CHECK_FALSE(cell("smallest_detectable").value.has_value());
  }
}

TEST_CASE("runs that ended ok and cannot be trusted are flagged",
          "[analysis][inference]") {
  const Sweep sweep(SeedsSpec("0, 1, 2"));
  sweep.Write([](record::RunRecord& record) {
    EvalRecord& test = record.evals[0];
    EvalRecord& validation = record.evals[1];
    if (record.config.method == "full" && record.config.seed == 1) {
      validation.metrics[0].value = 9;
    }
    if (record.config.method == "lora" && record.config.seed == 2) {
      for (int64_t& label : test.predictions) label = 1;
    }
    return true;
  });
  const Report report = ReportOf(sweep);
  const auto status = [&](size_t row) {
    return report.main.rows[row][ColumnOf(report.main, "status")].text;
  };
  CHECK(status(0) == "ok");
  CHECK(status(1) == "ok (1 suspect)");
  CHECK(status(2) == "ok (1 suspect)");
  const std::string text = RenderReport(report, TableFormat::kMarkdown);
  CHECK(Has(text, "far above the untuned model's"));
  CHECK(Has(text, "one answer (class 1) to all 400 rows of rotten_tomatoes"));
}

TEST_CASE("of many suspect runs a line names the first",
          "[analysis][inference]") {
  const Sweep sweep(SeedsSpec("0, 1, 2"));
  sweep.Write([](record::RunRecord& record) {
    for (int64_t& label : record.evals[0].predictions) label = 1;
    record.facts["data.rt.train.truncated_rows"] = 3;
    record.facts["data.rt.train.truncated_tokens"] = 40;
    return true;
  });
  const std::string text =
      RenderReport(ReportOf(sweep), TableFormat::kMarkdown);
  CHECK(Has(text, " and 4 more ended ok, but it gives one answer"));
  CHECK(Has(text, "Data rt.train: truncated rows 3, truncated tokens 40.\n"));
}

TEST_CASE("rates of runs that waited, or of unlike processors, are no mean",
          "[analysis][inference]") {
  const Sweep sweep(SeedsSpec("0, 1, 2"));
  sweep.Write([](record::RunRecord& record) {
    if (record.config.method == spec::kUntuned) return true;
    const int64_t seed = record.config.seed;
    record.config.threads = 2;
    record.measured["train_cpu_seconds"] = 19;
    record.provenance_run["cpu"] = "Zen";
    if (record.config.method == "full" && seed == 0) {
      record.measured["train_wall_seconds"] = 100;  // 14 and 176 tokens/s
    }
    if (record.config.method == "lora" && seed == 0) {
      record.provenance_run["cpu"] = "Xeon";
    }
    return true;
  });
  const Report report = ReportOf(sweep);
  const auto rate = [&](size_t row) {
    return report.main.rows[row][ColumnOf(report.main, "tokens_per_second")];
  };
  CHECK(*rate(1).value == 500);
  CHECK(rate(1).note == "1 waited; Zen");
  CHECK(rate(2).text == "unlike processors: 500 to 500");
  const std::string text = RenderReport(report, TableFormat::kMarkdown);
  CHECK(Has(text, "1 of 6 trained runs had to wait"));
  CHECK(Has(text, "Xeon (1) Zen (5)"));
}

TEST_CASE("what was refused, cut or leaked is a line under the table",
          "[analysis][inference]") {
  const Sweep sweep(SeedsSpec("0"));
  sweep.Write([](record::RunRecord& record) {
    record.facts["data.rt.train.truncated_rows"] = 12;
    record.facts["data.rt.test.leaked_rows"] = 0;
    record.facts["data.rt.train.rows"] = 300;
    if (record.config.method == "full")
      record.facts["data.rt.refused_rows"] = 2;
    return true;
  });
  const std::string text =
      RenderReport(ReportOf(sweep), TableFormat::kMarkdown);
  CHECK(Has(text, "Data rt.train: truncated rows 12.\n"));
  CHECK(Has(text, "Data rt: refused rows 2 (1 of 3 runs).\n"));
  CHECK_FALSE(Has(text, "leaked"));
  CHECK_FALSE(Has(text, "rows 300"));
}

}  // namespace
}  // namespace sft::analysis::inference_test
