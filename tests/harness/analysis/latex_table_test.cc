// LaTeX compiles as it is: no warning, no box too full.
#include "harness/analysis/latex_table.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/table_macros.h"
#include "harness/core/files.h"
#include "tests/harness/analysis/reference.h"
#include "tests/harness/analysis/sweep.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"

namespace sft::analysis::latex_table_test {
namespace {

bool Succeeds(const std::string& command) {
  return std::system((command + " > /dev/null 2>&1").c_str()) == 0;
}

void SkipWithoutTex() {
  if (!Succeeds("command -v pdflatex") ||
      !Succeeds("kpsewhich siunitx.sty booktabs.sty threeparttable.sty")) {
    support::Skip(support::Need::kTools,
                  "no pdflatex with siunitx, booktabs and threeparttable");
  }
}

// The packages that the comment of a table names, and nothing else.
std::string Document(const std::string& preamble, const std::string& body) {
  std::string packages;
  const std::string comment = LatexPreamble();
  const std::regex use(R"(\\usepackage\{\w+\})");
  for (std::sregex_iterator it(comment.begin(), comment.end(), use), end;
       it != end; ++it) {
    absl::StrAppend(&packages, it->str(), "\n");
  }
  return absl::StrCat("\\documentclass{article}\n", packages, preamble,
                      "\\begin{document}\n", body, "\n\\end{document}\n");
}

// What TeX complains of, line by line.
std::string ComplaintsOf(const std::string& document) {
  const support::TempDir folder("sft-latex");
  const std::string dir = folder.path().string();
  REQUIRE(WriteFileAtomically(dir + "/t.tex", document).ok());
  const std::string run =
      absl::StrCat("cd '", dir,
                   "' && max_print_line=1000 pdflatex -interaction=nonstopmode "
                   "-halt-on-error t.tex");
  const bool good = Succeeds(run) && Succeeds(run);  // labels want two
  const auto log = ReadFile(dir + "/t.log");
  REQUIRE(log.ok());
  std::string found = good ? "" : "pdflatex failed\n";
  for (const std::string& line : Lines(*log)) {
    if (absl::StrContains(line, "Warning") ||
        absl::StartsWith(line, "Overfull") ||
        absl::StartsWith(line, "Underfull") || absl::StartsWith(line, "!")) {
      absl::StrAppend(&found, line, "\n");
    }
  }
  return found;
}

TEST_CASE("the reports of the committed records compile without a word",
          "[analysis][latex]") {
  SkipWithoutTex();
  for (const std::string& name : ReferenceNames()) {
    INFO(name);
    const Report report = ReferenceReport(name);
    const std::string text = RenderReport(report, TableFormat::kLatex);
    CHECK(ComplaintsOf(Document("", text)) == "");
    // All columns of all tables, in as many parts as that takes.
    for (const char* table : {"main", "comparisons", "memory", "speed"}) {
      const auto all =
          RenderOneTable(report, table, TableFormat::kLatex, {}, {"all"});
      REQUIRE(all.ok());
      CHECK(ComplaintsOf(Document("", *all)) == "");
    }
    // In one of two columns.
    RenderOptions narrow;
    narrow.width = 246;
    const auto column =
        RenderOneTable(report, "main", TableFormat::kLatex, narrow);
    REQUIRE(column.ok());
    CHECK(ComplaintsOf(
              Document("\\setlength{\\textwidth}{246pt}\n", *column)) == "");
  }
}

TEST_CASE("what a spec may hold compiles", "[analysis][latex]") {
  SkipWithoutTex();
  const Sweep sweep;
  sweep.Write([](record::RunRecord& record) {
    if (record.config.method == "lora" && record.config.seed == 1) {
      record.status = RunStatus::kFailed;
      record.status_message = "100 % of $x_1 & {y}# ~^\\";
    }
    return true;
  });
  const auto report = BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  CHECK(ComplaintsOf(
            Document("", RenderReport(*report, TableFormat::kLatex))) == "");
  Table table;
  table.title = "a|b <c> \"d\" e_f 100 % & more";
  table.name = "odd";
  table.columns = {{.key = "a", .title = "[a]", .is_text = true},
                   {.key = "b", .title = "b \xc2\xb1", .digits = 2}};
  for (int i = 0; i < 100; ++i) {
    table.rows.push_back({{.text = "[x] *~^\\{}$#_"}, {.value = i - 50.5}});
  }
  const std::string text = RenderLatex(table, {});
  // On as many pages as that takes.
  CHECK(Has(text, "\\label{tab:odd}"));
  CHECK(Has(text, "\\label{tab:odd-3}"));
  CHECK(ComplaintsOf(Document("", text)) == "");
}

TEST_CASE("a table has caption, label, notes, and is bold where a test says so",
          "[analysis][latex]") {
  const Report report = ReferenceReport("multi30k");
  RenderOptions options;
  options.caption = "Captions & more";
  options.label = "captions";
  const auto text =
      RenderOneTable(report, "main", TableFormat::kLatex, options);
  REQUIRE(text.ok());
  for (const char* part :
       {"\\usepackage{siunitx}", "\\caption{Captions \\& more}",
        "\\label{tab:captions}", "\\toprule", "\\begin{threeparttable}",
        "\\begin{tablenotes}", "A gain is an improvement",
        "\\textsuperscript{*}", "$\\dagger$"}) {
    INFO(part);
    CHECK(Has(*text, part));
  }
  // All are better than the untuned model, none than the baseline.
  CHECK_FALSE(Has(*text, "\\bfseries"));
  const auto alpaca =
      RenderReport(ReferenceReport("alpaca"), TableFormat::kLatex);
  CHECK(Has(alpaca, "\\bfseries 1.5642 & \\textsuperscript{$\\ddagger$}"));
  CHECK_FALSE(Has(alpaca, "\\bfseries 1.5946"));  // worse than the baseline
}

TEST_CASE("numbers are commands with names that TeX takes, each once",
          "[analysis][latex]") {
  CHECK(TexName("lora r=8 1e-04") == "LoraREightOneEMinusZeroFour");
  CHECK(TexName("sst2_f1_macro") == "SstTwoFOneMacro");
  for (const std::string& name : ReferenceNames()) {
    const Report report = ReferenceReport(name);
    const std::string macros =
        TableMacros({report.main, report.comparisons}, "sft");
    std::set<std::string> names;
    const std::regex line(R"(\\newcommand\{\\(sft[A-Za-z]+)\}\{.+\})");
    for (const std::string& one : Lines(macros)) {
      std::smatch match;
      INFO(one);
      REQUIRE(std::regex_match(one, match, line));
      CHECK(names.insert(match[1]).second);
    }
    CHECK(names.size() > 50);
    CHECK(macros == TableMacros({report.main, report.comparisons}, "sft"));
  }
  const Report report = ReferenceReport("sst2");
  const std::string macros = TableMacros({report.main}, "sft");
  const std::string full =
      "\\newcommand{\\sftFullPaddingFreeLearningRateOneEMinusZeroFour";
  CHECK(Has(macros, full + "SstTwoAccuracy}{0.830}\n"));
  CHECK(Has(macros, full + "SstTwoAccuracySd}{0.011}\n"));
  CHECK(Has(macros, full + "SstTwoGainLow}{\\ensuremath{+0.305}}\n"));
  SkipWithoutTex();
  CHECK(ComplaintsOf(Document(macros + TableMacros({report.comparisons}, "sft"),
                              "\\sftUntunedSstTwoAccuracy")) == "");
}

}  // namespace
}  // namespace sft::analysis::latex_table_test
