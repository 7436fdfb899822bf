#include "harness/analysis/tables.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace sft::analysis::tables_test {
namespace {

Table SmallTable() {
  Table table;
  table.title = "T";
  table.columns = {{.key = "name", .title = "a|b_%", .is_text = true},
                   {.key = "x", .title = "x", .digits = 2, .has_sd = true},
                   {.key = "d",
                    .title = "d",
                    .digits = 3,
                    .has_interval = true,
                    .show_sign = true},
                   {.key = "p", .title = "p", .is_p_value = true}};
  table.rows = {{{.text = "q,\"<&"},
                 {.value = 0.125, .sd = 0.01},
                 {.value = 0.1, .interval = Interval{-0.25, 0.4501}},
                 {.value = 1e-20, .note = "3/1"}},
                {{}, {}, {.value = -0.0001}, {.value = std::nan("")}}};
  return table;
}

TEST_CASE("Markdown is escaped, and its columns stand below each other",
          "[analysis][tables]") {
  const auto dashes = [](size_t n) { return std::string(n, '-'); };
  const auto spaces = [](size_t n) { return std::string(n, ' '); };
  CHECK(RenderTable(SmallTable(), TableFormat::kMarkdown) ==
        absl::StrCat(
            "## T\n\n",                                                      //
            "| a\\|b_%   | ", spaces(10), "x | ", spaces(22), "d | ",        //
            spaces(15), "p |\n",                                             //
            "| ", dashes(8), " | ", dashes(10), ": | ", dashes(22), ": | ",  //
            dashes(15), ": |\n",                                             //
            "| q,\"&lt;& | 0.12 \xc2\xb1 0.01 | +0.100 [-0.250, +0.450] | ",
            "&lt; 1e-15 (3/1) |\n",  //
            "| \xe2\x80\x93        | ", spaces(10), "\xe2\x80\x93 | ",
            spaces(18), "0.000 | ", spaces(13), "nan |\n"));
}

TEST_CASE("CSV and TSV have full precision and one column a number",
          "[analysis][tables]") {
  CHECK(RenderTable(SmallTable(), TableFormat::kCsv) ==
        "name,x,x_sd,d,d_low,d_high,p\n"
        "\"q,\"\"<&\",0.125,0.01,0.1,-0.25,0.4501,1e-20\n"
        ",,,-1e-04,,,nan\n");
  CHECK(RenderTable(SmallTable(), TableFormat::kTsv) ==
        "name\tx\tx_sd\td\td_low\td_high\tp\n"
        "q,\"<&\t0.125\t0.01\t0.1\t-0.25\t0.4501\t1e-20\n"
        "\t\t\t-1e-04\t\t\tnan\n");
}

TEST_CASE("LaTeX has a column of numbers and one of what is beside them",
          "[analysis][tables]") {
  const std::string text = RenderTable(SmallTable(), TableFormat::kLatex);
  const auto has = [&](const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  has("\\caption{T}");
  has("\\begin{tabular}{@{}lS[table-format=1.2]@{}lS[table-format=+1.3]@{}lr"
      "@{}}");
  has("{a$|$b\\_\\%} & \\multicolumn{2}{c}{x} & \\multicolumn{2}{c}{d} & {p} "
      "\\\\");
  has("q,\"$<$\\& & 0.12 & \\,$\\pm$\\,0.01 & +0.100 & \\ [$-0.250$, "
      "$+0.450$] & $<10^{-15}$\\tnote{a} \\\\");
  has("\\item[a] 3/1.");
  has("-- & {--} &  & 0.000 &  & nan \\\\");
}

TEST_CASE("HTML escapes what a browser reads", "[analysis][tables]") {
  const std::string html = RenderTable(SmallTable(), TableFormat::kHtml);
  CHECK(html.find("<td>q,&quot;&lt;&amp;</td>") != std::string::npos);
  CHECK(html.find("<td class=\"number\">&lt; 1e-15 (3/1)</td>") !=
        std::string::npos);
}

TEST_CASE("a row of LaTeX that begins with a mark keeps it",
          "[analysis][tables]") {
  // "\\\\" would take a "*" or "[" that follows it for its own.
  Table table;
  table.columns = {{.key = "s", .title = "sel.", .is_text = true},
                   {.key = "p", .title = "p", .is_p_value = true}};
  table.rows = {{{.text = "*"}, {.value = 0.25, .is_at_most = true}},
                {{.text = "[a]"}, {.value = 1e-4, .is_at_most = true}}};
  const std::string text = RenderTable(table, TableFormat::kLatex);
  INFO(text);
  CHECK(text.find("  {}* & $\\le$\\,\\num{0.250} ") != std::string::npos);
  CHECK(text.find("  {}[a] & $\\le$\\,\\num{1.0e-04} ") != std::string::npos);
  CHECK(RenderTable(table, TableFormat::kMarkdown).find(" &lt;= 0.250 |") !=
        std::string::npos);
  CHECK(RenderTable(table, TableFormat::kCsv) == "s,p\n*,0.25\n[a],1e-04\n");
}

TEST_CASE("unknown formats are refused with the known ones",
          "[analysis][tables]") {
  CHECK(ParseTableFormat("md").ok());
  const auto format = ParseTableFormat("pdf");
  REQUIRE_FALSE(format.ok());
  CHECK(std::string(format.status().message()).find("latex") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::analysis::tables_test
