// Which columns people see, of made-up tables and of the committed records.
#include "harness/analysis/table_layout.h"

#include <catch2/catch.hpp>

#include "harness/analysis/text_table.h"
#include "tests/harness/analysis/reference.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::table_layout_test {
namespace {

std::vector<std::string> KeysOf(const Table& table) {
  std::vector<std::string> keys;
  for (const TableColumn& column : table.columns) keys.push_back(column.key);
  return keys;
}
using Names = std::vector<std::string>;

TEST_CASE("readers see what differs, and are told of the rest",
          "[analysis][layout]") {
  const Report report = ReferenceReport("sst2");
  const Table shown = ForReaders(report.main);
  CHECK(KeysOf(shown) == Names{"method", "learning_rate", "seeds",
                               "sst2_accuracy", "sst2_gain", "peak_memory_mib",
                               "trainable_parameters", "tokens_per_second"});
  REQUIRE_FALSE(shown.notes.empty());
  CHECK(shown.notes.back() ==
        "In every row: batching padding_free, status ok.");
  CHECK(shown.rows.size() == report.main.rows.size());
  const std::string line = LeftOutLine(shown);
  CHECK(Has(line, "sst2_holm_p"));
  CHECK(Has(line, "sst2_f1_macro"));
  CHECK(Has(line, "--show"));
  CHECK_FALSE(Has(line, "batching"));  // a note says it
  // A machine reads everything.
  CHECK(KeysOf(report.main).size() > 15);
}

TEST_CASE("columns are chosen by key, its end, or title",
          "[analysis][layout]") {
  const Report report = ReferenceReport("alpaca");
  const auto keys = [&](const Names& asked) {
    const auto table = WithColumns(report.main, asked);
    REQUIRE(table.ok());
    CHECK(table->left_out.empty());
    return KeysOf(*table);
  };
  const Names labels = {"method", "learning_rate"};
  CHECK(keys({"peak_memory_mib"}) ==
        Names{"method", "learning_rate", "peak_memory_mib"});
  // Of each task.
  CHECK(keys({"validation_loss"}) == Names{"method", "learning_rate",
                                           "alpaca_en_validation_loss",
                                           "ifeval_stated_validation_loss"});
  CHECK(keys({"tokens/s"}) ==
        Names{"method", "learning_rate", "tokens_per_second"});
  // Who names a label chooses the labels.
  CHECK(keys({"batching", "status"}) == Names{"batching", "status"});
  CHECK(keys({"all"}) == KeysOf(report.main));
  const Names added = keys({"+constraint_accuracy"});
  CHECK(added.size() == ForReaders(report.main).columns.size() + 1);
  CHECK(added.back() == "ifeval_stated_constraint_accuracy");

  const auto none = WithColumns(report.main, {"peak_memry_mib"});
  REQUIRE_FALSE(none.ok());
  const std::string message(none.status().message());
  CHECK(Has(message, "--show peak_memry_mib: the table main has no such"));
  CHECK(Has(message, "wanted some of all, method, batching"));
  CHECK(Has(message, "did you mean 'peak_memory_mib'?"));
  // Of what keys end with, too.
  CHECK(Has(
      std::string(
          WithColumns(report.main, {"constraint_acuracy"}).status().message()),
      "did you mean 'constraint_accuracy'?"));
}

TEST_CASE("on a terminal no line is longer than it, and what is cut is named",
          "[analysis][layout]") {
  for (const std::string& name : ReferenceNames()) {
    const Report report = ReferenceReport(name);
    for (const size_t width : {40, 80, 132}) {
      INFO(name << " at " << width);
      RenderOptions options;
      options.width = width;
      const std::string text =
          RenderReport(report, TableFormat::kText, options);
      for (const std::string& line : Lines(text)) {
        INFO(line);
        CHECK(TextWidth(line) <= width);
        CHECK((line.empty() || line.back() != ' '));
      }
      CHECK_FALSE(Has(text, "\x1b"));
      CHECK(Has(text, "untuned"));
      CHECK(Has(text, "Further tables"));
    }
  }
  const Report report = ReferenceReport("sst2");
  RenderOptions narrow;
  narrow.width = 50;
  const std::string text =
      *RenderOneTable(report, "main", TableFormat::kText, narrow);
  CHECK(Has(text, "0.830 \xc2\xb1 0.011"));
  CHECK(Has(text, "Left out: "));
  CHECK(Has(text, "tokens_per_second"));
  RenderOptions coloured;
  coloured.has_colour = true;
  const std::string colours =
      *RenderOneTable(report, "comparisons", TableFormat::kText, coloured);
  CHECK(Has(colours, "\x1b[32mbetter\x1b[0m"));
  CHECK_FALSE(Has(colours, "\x1b[32mnot decided"));
}

TEST_CASE("what a record says moves no cursor", "[analysis][layout]") {
  Table table;
  table.columns = {{.key = "a", .title = "a\x1b[2J", .is_text = true}};
  table.rows = {{{.text = "one\ntwo\x07"}}};
  const std::string text = RenderText(table, {});
  CHECK_FALSE(Has(text, "\x1b"));
  CHECK(Has(text, "one two"));
}

TEST_CASE("long texts go on below, longer words are cut",
          "[analysis][layout]") {
  CHECK(Wrapped("one two three", 7) == Names{"one two", "three"});
  CHECK(TitleLines("learning_rate of it", 9) ==
        Names{"learning_", "rate of", "it"});
  // Words are broken only where they do not fit in a line.
  CHECK(TitleLines("a learning_rate=1e-04 b", 16) ==
        Names{"a learning_rate=", "1e-04 b"});
  CHECK(TitleLines("one padding_free", 12) == Names{"one", "padding_free"});
  CHECK(TitleLines("gain over it [95 %]", 12) ==
        Names{"gain over it", "[95 %]"});
  Table table;
  table.columns = {{.key = "row", .title = "row", .is_text = true},
                   {.key = "x", .title = "x"}};
  table.rows = {{{.text = "awordthatislongerthanall and more"}, {.value = 1}}};
  RenderOptions options;
  options.width = 16;
  const std::string text = RenderText(table, options);
  CHECK(Has(text, "\xe2\x80\xa6"));
  CHECK(Has(text, "and more"));
  for (const std::string& line : Lines(text)) CHECK(TextWidth(line) <= 16);
}

}  // namespace
}  // namespace sft::analysis::table_layout_test
