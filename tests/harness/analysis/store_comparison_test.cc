// Two stores beside each other: what is paired, and what is refused.
#include "harness/analysis/store_comparison.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "absl/strings/str_cat.h"
#include "tests/harness/analysis/reference.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::store_comparison_test {
namespace {

StoreComparison Compared(const std::string& a, const std::string& b) {
  auto found = CompareStores(a, b);
  INFO(found.status());
  REQUIRE(found.ok());
  return *std::move(found);
}
StoreComparison Compared(const Sweep& a, const Sweep& b) {
  return Compared(a.folder.path(), b.folder.path());
}

bool HasNote(const StoreComparison& of, const std::string& part) {
  return std::any_of(of.notes.begin(), of.notes.end(),
                     [&](const std::string& note) { return Has(note, part); });
}

std::string SpecOf(const std::string& seeds, const std::string& tokens) {
  return absl::StrCat(
      "train: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\n"
      "budget: {target_tokens: ",
      tokens, "}\ngrid: {method: [full, lora], seed: [", seeds, "]}\n");
}

// A second store whose tuned models have all items right.
bool Improve(record::RunRecord& record) {
  record.provenance_run["cpu"] = "Zen";
  if (record.config.method == spec::kUntuned) return true;
  MetricRecord& accuracy = record.evals[0].metrics[0];
  for (size_t i = 0; i < accuracy.items.size(); ++i) {
    accuracy.value += (1 - accuracy.items[i]) / 400.0;
    accuracy.items[i] = 1;
  }
  return true;
}
bool Leave(record::RunRecord& record) {
  record.provenance_run["cpu"] = "Zen";
  return true;
}

TEST_CASE("a store beside itself has no difference", "[analysis][compare]") {
  const std::string file = ReferenceFile("sst2");
  const StoreComparison found = Compared(file, file);
  const Table& table = found.scores;
  REQUIRE(table.rows.size() == 5 * 2);  // cells by metrics
  for (const auto& row : table.rows) {
    CHECK(row[ColumnOf(table, "verdict")].text == "the same");
    CHECK(*row[ColumnOf(table, "difference")].value == 0);
  }
  CHECK(*table.rows[2][ColumnOf(table, "seeds")].value == 3);
  CHECK_FALSE(HasNote(found, "Only in"));
  CHECK_FALSE(HasNote(found, "Revisions"));
  for (const TableFormat format :
       {TableFormat::kText, TableFormat::kMarkdown, TableFormat::kCsv,
        TableFormat::kLatex, TableFormat::kHtml}) {
    const auto text = RenderComparison(found, format, {}, {});
    REQUIRE(text.ok());
    CHECK(Has(*text, "the same"));
  }
}

TEST_CASE("cells are paired by seed, and the difference has an interval",
          "[analysis][compare]") {
  const Sweep a(SpecOf("0, 1, 2", "1000")), b(SpecOf("0, 1, 2, 3", "1000"));
  a.Write(Leave);
  b.Write(Improve);
  const StoreComparison found = Compared(a, b);
  const Table& table = found.scores;
  const auto row = [&](size_t i, const char* key) {
    return table.rows[i][ColumnOf(table, key)];
  };
  REQUIRE(table.rows.size() == 3 * 2);
  CHECK(row(0, "row").text == spec::kUntuned);
  CHECK(row(0, "verdict").text == "the same");
  CHECK(row(2, "metric").text == "accuracy");
  CHECK(*row(2, "seeds").value == 3);
  CHECK(*row(2, "difference").value ==
        Approx(*row(2, "b").value - *row(2, "a").value));
  CHECK(*row(2, "difference").value > 0.02);
  CHECK(row(2, "difference").interval->low > 0);
  CHECK(row(2, "verdict").text == "B is better");
  CHECK(row(2, "verdict").tone == Tone::kGood);
  // A secondary metric is in no family.
  CHECK_FALSE(row(3, "holm_p").value.has_value());
  CHECK(HasNote(found, "seeds 0,1,2 in A, 0,1,2,3 in B"));
  // The other way round.
  const StoreComparison turned = Compared(b, a);
  CHECK(turned.scores.rows[2][ColumnOf(turned.scores, "verdict")].text ==
        "B is worse");
  // One machine: costs are compared.
  REQUIRE(found.costs.rows.size() == 3);
  CHECK(*found.costs.rows[1][ColumnOf(found.costs, "peak_ratio")].value == 1);
}

TEST_CASE("what must not be compared is not, and the table says why",
          "[analysis][compare]") {
  const Sweep a(SpecOf("0", "1000")), b(SpecOf("0", "1000"));
  a.Write([](record::RunRecord& record) {
    record.texts["data.rotten_tomatoes.train_sha256"] = "one";
    record.texts["weights_sha256"] = "of a";
    return Leave(record);
  });
  b.Write([](record::RunRecord& record) {
    record.texts["weights_sha256"] = "of b";  // what came out may differ
    record.texts["data.rotten_tomatoes.train_sha256"] =
        record.config.method == "full" ? "two" : "one";
    if (record.config.method == "lora") {
      record.evals[0].metrics[0].signature = "another";
    }
    record.provenance_run["cpu"] = "Xeon";
    record.provenance_build["revision"] = "fedcba";
    record.provenance_build["dirty"] = "true";
    return true;
  });
  const StoreComparison found = Compared(a, b);
  const Table& table = found.scores;
  const auto row = [&](size_t i, const char* key) {
    return table.rows[i][ColumnOf(table, key)];
  };
  REQUIRE(table.rows.size() == 6);
  CHECK(row(2, "verdict").text ==
        "not compared: training rows of rotten_tomatoes differ");
  CHECK_FALSE(row(2, "difference").value.has_value());
  CHECK(row(2, "a").value.has_value());
  CHECK(
      row(4, "verdict").text.find("not compared: accuracy was computed as '") ==
      0);
  CHECK_FALSE(row(4, "difference").value.has_value());
  CHECK(
      row(5, "difference").value.has_value());  // its other metric is as it was
  CHECK(HasNote(found,
                "Revisions of the code: A abcdef; B fedcba with changes "
                "that no revision has."));
  CHECK(HasNote(found, "Machines: A cpu Zen; B cpu Xeon."));
  CHECK(found.costs.rows.empty());
}

TEST_CASE("cells that only one has are named, with what sets them apart",
          "[analysis][compare]") {
  const Sweep a(SpecOf("0", "1000")), b(SpecOf("0", "500"));
  a.Write(Leave);
  b.Write(Leave);
  const StoreComparison found = Compared(a, b);
  CHECK(found.scores.rows.size() == 2);  // the untuned model
  CHECK(HasNote(found, "Only in A: full padded"));
  CHECK(HasNote(found, "Only in B: lora padded"));
  CHECK(HasNote(found, "(1000, not 500)"));
  CHECK_FALSE(CompareStores(a.folder.path(), a.folder / "none").ok());

  const StoreComparison nothing =
      Compared(ReferenceFile("sst2"), ReferenceFile("wnut17"));
  CHECK(nothing.scores.rows.empty());
  CHECK(HasNote(nothing, "No cell is in both."));
  CHECK(HasNote(nothing, "evaluate (sst2, not wnut17)"));
}

}  // namespace
}  // namespace sft::analysis::store_comparison_test
