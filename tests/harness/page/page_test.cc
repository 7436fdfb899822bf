// The page as text: what it holds, and that nothing in it breaks out of where
// it stands. What a browser makes of it: tests/python/page_test.py.
#include "harness/page/page.h"

#include <catch2/catch.hpp>
#include <set>

#include "harness/page/glossary.h"
#include "harness/page/page_data.h"
#include "harness/page/terminal_plot.h"
#include "harness/page/verdicts.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::page::page_test {
namespace {

// Two seeds of each row, one of them failed.
class MadeUpSweep {
 public:
  MadeUpSweep() {
    size_t written = 0;
    sweep_.Write([&written](record::RunRecord& record) {
      for (int i = 1; i <= 300; ++i) {
        if (record.config.method == spec::kUntuned) break;
        StepRecord step;
        step.step = i;
        step.loss = 1.0 / i;
        record.steps.push_back(step);
      }
      if (++written == 3) {
        record.status = RunStatus::kFailed;
        record.status_message = "<b>no</b> memory";
      }
      return true;
    });
  }
  const std::string& path() const { return sweep_.folder.path(); }

 private:
  analysis::Sweep sweep_;
};

// What pages and pictures are made of.
struct Whole {
  analysis::Report report;
  std::vector<analysis::Table> tables;
  LossCurves curves;

  PictureInput input() const { return {report, tables, curves}; }
};

Whole WholeOf(const MadeUpSweep& sweep) {
  auto report = analysis::BuildReport(sweep.path());
  REQUIRE(report.ok());
  auto curves = ReadLossCurves(sweep.path());
  REQUIRE(curves.ok());
  std::vector<analysis::Table> tables = analysis::MoreTables(*report);
  return {*std::move(report), std::move(tables), *std::move(curves)};
}

TEST_CASE("each table of verdicts begins with the base model",
          "[page][verdicts]") {
  const MadeUpSweep sweep;
  Whole whole = WholeOf(sweep);
  const std::vector<analysis::Table> tables = VerdictTables(whole.input());
  REQUIRE(tables.size() == 1);
  const analysis::Table& table = tables[0];
  REQUIRE(table.rows.size() > 2);
  CHECK(table.rows[0].back().text == "the base model");
  // Two seeds are none to test with, and that is what the words say.
  for (size_t i = 1; i < table.rows.size(); ++i) {
    CHECK(table.rows[i].back().text.find("the base model") !=
          std::string::npos);
    CHECK(table.rows[i][1].value.has_value());
  }
  const size_t columns = table.columns.size();
  analysis::Table letters;
  letters.name = "letters";
  for (const char* key : {"task", "row", "letters"}) {
    letters.columns.push_back({.key = key, .title = key, .is_text = true});
  }
  letters.rows = {{{.text = "rotten_tomatoes"},
                   {.text = table.rows[0][0].text},
                   {.text = "a"}}};
  // In the place of the report's own, which says that there are none.
  std::erase_if(whole.tables,
                [](const auto& table) { return table.name == "letters"; });
  whole.tables.push_back(letters);
  const analysis::Table with = VerdictTables(whole.input())[0];
  REQUIRE(with.columns.size() == columns + 1);
  CHECK(with.columns[columns - 1].key == "letters");
  CHECK(with.rows[0][columns - 1].text == "a");
  // Words in their place say why there are none.
  whole.tables.back().rows[0][2].text = "fewer than 3 seeds";
  CHECK(VerdictTables(whole.input())[0].columns.size() == columns);
}

TEST_CASE("every column of a report has a definition", "[page][glossary]") {
  const MadeUpSweep sweep;
  const Whole whole = WholeOf(sweep);
  std::vector<analysis::Table> tables = VerdictTables(whole.input());
  tables.push_back(whole.report.main);
  tables.push_back(whole.report.comparisons);
  tables.insert(tables.end(), whole.tables.begin(), whole.tables.end());
  size_t columns = 0;
  for (const analysis::Table& table : tables) {
    for (const analysis::TableColumn& column : table.columns) {
      CAPTURE(table.title, column.key);
      CHECK_FALSE(MeaningOfColumn(column).empty());
      ++columns;
    }
  }
  CHECK(columns > 40);
  CHECK(MeaningOfColumn({.key = "nothing_that_is_known", .title = ""}) ==
        "counts and shares");
}

TEST_CASE("a template's places are filled once", "[page]") {
  CHECK(FillTemplate("a{{x}}b{{y}}{{x}}", {{"x", "{{y}}"}, {"y", "2"}}) ==
        "a{{y}}b2{{y}}");
  CHECK(FillTemplate("a{{b", {}) == "a{{b");
  CHECK(FillTemplate("{{unknown}}.", {{"x", "1"}}) == ".");
}

TEST_CASE("JSON in a script element cannot end it", "[page]") {
  const std::string text =
      JsonForScript({{"a", "</script><!--&\xe2\x80\xa8"}, {"b", "\xff"}});
  for (const char* part : {"<", ">", "&", "\xe2\x80\xa8"}) {
    CHECK(text.find(part) == std::string::npos);
  }
  CHECK(nlohmann::json::parse(text).at("a") == "</script><!--&\xe2\x80\xa8");
}

TEST_CASE("a page has verdicts, tables, pictures and runs in one file",
          "[page]") {
  const MadeUpSweep sweep;
  const Whole whole = WholeOf(sweep);
  const std::string page = RenderPage(whole.input());
  // The question of this sweep has "<at>" and "|" in it.
  CHECK(page.find("which method, &lt;at&gt; what | cost?") !=
        std::string::npos);
  CHECK(page.find("<at>") == std::string::npos);
  CHECK(page.find("{{") == std::string::npos);
  CHECK(page.find("<figure class=\"table verdict\"") <
        page.find("data-name=\"main\""));
  for (const char* fetched : {"src=", "<link rel=\"stylesheet\"", "@import",
                              "url(", "fetch(", "XMLHttpRequest"}) {
    CAPTURE(fetched);
    CHECK(page.find(fetched) == std::string::npos);
  }
  CHECK(page == RenderPage(whole.input()));
  CHECK(page.find("<b>no</b>") == std::string::npos);
  // Means over two of 300 steps.
  REQUIRE_FALSE(whole.curves.empty());
  const LossCurve& curve = whole.curves.begin()->second;
  REQUIRE(curve.loss_N.size() == 150);
  CHECK(curve.step_N[0] == 2);
  CHECK(curve.loss_N[0] == Approx((1 + 0.5) / 2));
  const std::string opening = "id=\"data\">";
  const size_t begin = page.find(opening) + opening.size();
  const auto data = nlohmann::json::parse(
      page.substr(begin, page.find("</script>", begin) - begin));
  CHECK(data.at("runs").size() == whole.report.results.runs.size());
  // What is shared stands once.
  for (const auto& run : data.at("runs")) {
    for (const auto& [name, value] : data.at("config").items()) {
      CHECK_FALSE(run.at("config").contains(name));
    }
  }
}

TEST_CASE("pictures that a store lacks are named", "[page][pictures]") {
  const MadeUpSweep sweep;
  const auto json = PicturesToJson(WholeOf(sweep).input());
  std::set<std::string> names;
  for (const char* part : {"pictures", "missing"}) {
    for (const auto& one : json.at(part)) {
      CHECK(names.insert(one.at("name")).second);
    }
  }
  CHECK(names.size() == AllPictures().size());
  for (const auto& one : json.at("missing")) {
    CHECK_FALSE(one.at("needs").get<std::string>().empty());
  }
}

TEST_CASE("a forest has a row a comparison that was asked for",
          "[page][pictures]") {
  const MadeUpSweep sweep;
  const Whole whole = WholeOf(sweep);
  size_t asked = 0;
  for (const analysis::Comparison& one : whole.report.tests) {
    asked += one.is_asked_for ? 1 : 0;
  }
  size_t rows = 0;
  for (const Picture& picture : AllPictures()[0].draw(whole.input())) {
    rows += picture.forest.size();
    CHECK_FALSE(TerminalPlot(picture, 80, 10).empty());
  }
  CHECK(asked > 0);
  CHECK(rows == asked);
}

TEST_CASE("curves on a terminal stand between the ends of their axes",
          "[page][plots]") {
  Picture picture{.title = "loss", .caption = "", .x = {"step"}, .y = {"y"}};
  picture.lines = {{"falls", {}, {0, 1, 2, 3}, {3, 2, 1, 0}}};
  const std::string plot = TerminalPlot(picture, 40, 4);
  CHECK(plot.find("loss\n") == 0);
  CHECK(plot.find("falls") != std::string::npos);
  CHECK(plot.find("step; y") != std::string::npos);
  // The first cell has its highest dot, the last its lowest.
  CHECK(plot.find("         3 \xe2\xa0\x89") != std::string::npos);
  CHECK(TerminalPlot(Picture(), 40, 4).empty());
  picture.caption = "one two three four five six seven eight nine ten";
  CHECK(TerminalPlot(picture, 30, 4)
            .find("\n  one two three four five six\n"
                  "  seven eight nine ten\n") != std::string::npos);
  picture.lines[0].y_N = {1, 1, 1, 1};
  CHECK_FALSE(TerminalPlot(picture, 1, 1).empty());
}

}  // namespace
}  // namespace sft::page::page_test
