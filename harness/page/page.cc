#include "harness/page/page.h"

#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/page/embedded/page_files.h"
#include "harness/page/glossary.h"
#include "harness/page/page_data.h"
#include "harness/page/verdicts.h"

namespace sft::page {
namespace {

using analysis::Table;
using analysis::TableCell;
using analysis::TableColumn;

std::string Escaped(const std::string& text) {
  return analysis::EscapeFor(analysis::TableFormat::kHtml, text);
}

// What a line must not end in the middle of.
std::string Together(const std::string& title) {
  return absl::StrReplaceAll(title, {{"[95 %]", "[95\xc2\xa0%]"},
                                     {"0\xe2\x80\x93"
                                      "1",
                                      "0\xe2\x81\xa0\xe2\x80\x93\xe2\x81\xa0"
                                      "1"}});
}

// The number a cell is sorted by stands beside what is read of it.
std::string CellHtml(const TableColumn& column, const TableCell& cell,
                     bool is_first) {
  const char* tag = is_first ? "th scope=\"row\"" : "td";
  std::string out = absl::StrCat("<", tag);
  absl::StrAppend(&out, " class=\"", column.is_text ? "text" : "n", "\"");
  if (cell.value.has_value() && std::isfinite(*cell.value)) {
    absl::StrAppend(&out, " data-v=\"", CanonicalText(*cell.value), "\"");
  }
  std::string text = Escaped(analysis::CellText(column, cell));
  // A number and its interval.
  if (cell.value.has_value()) {
    text = absl::StrReplaceAll(text, {{" ", "\xc2\xa0"}});
  }
  absl::StrAppend(&out, ">", text, "</", is_first ? "th" : "td", ">");
  return out;
}

// The first column stays in sight: it says what a row is, not which one is the
// best.
std::vector<size_t> ColumnOrder(const Table& table) {
  std::vector<size_t> order(table.columns.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (order.size() > 1 && table.columns[0].key == "selected") {
    std::swap(order[0], order[1]);
  }
  return order;
}

std::string TableHtml(const Table& table, const std::string& name,
                      bool is_verdict) {
  const std::vector<size_t> order = ColumnOrder(table);
  std::string out = absl::StrCat(
      "<figure class=\"table", is_verdict ? " verdict" : "", "\" data-name=\"",
      Escaped(name), "\">\n<figcaption>",
      Escaped(table.title.empty() ? name : table.title),
      "</figcaption>\n<div class=\"scroll\" tabindex=\"0\"><table>\n"
      "<thead><tr>");
  for (const size_t i : order) {
    const TableColumn& column = table.columns[i];
    absl::StrAppend(&out, "<th scope=\"col\"",
                    column.is_text ? "" : " class=\"n\"", " title=\"",
                    Escaped(MeaningOfColumn(column)), "\">",
                    Escaped(Together(column.title)), "</th>");
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    const bool is_base =
        is_verdict && !row.empty() && row.back().text == kBaseModelWords;
    out += is_base ? "<tr class=\"base\">" : "<tr>";
    for (const size_t i : order) {
      out += CellHtml(table.columns[i], row[i], is_verdict && i == order[0]);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div></figure>\n";
}

// All that have rows, the main one first.
std::vector<const Table*> TablesOf(const PictureInput& input) {
  std::vector<const Table*> tables = {&input.report.main};
  const auto add = [&tables](const Table& table) {
    if (!table.rows.empty()) tables.push_back(&table);
  };
  add(input.report.comparisons);
  for (const Table& table : input.tables) add(table);
  return tables;
}

std::string Glossary(const std::vector<Table>& verdicts,
                     const PictureInput& input) {
  std::string out;
  std::set<std::string> seen;
  const auto add = [&](const Table& table) {
    for (const TableColumn& column : table.columns) {
      const std::string meaning = MeaningOfColumn(column);
      if (meaning.empty() || !seen.insert(column.title).second) continue;
      absl::StrAppend(&out, "<dt>", Escaped(column.title), "</dt><dd>",
                      Escaped(meaning), "</dd>\n");
    }
  };
  for (const Table& table : verdicts) add(table);
  for (const Table* table : TablesOf(input)) add(*table);
  return out;
}

std::string Notes(const analysis::Report& report) {
  std::string out;
  for (const std::string& note : report.notes) {
    absl::StrAppend(&out, "<li>", Escaped(note), "</li>\n");
  }
  return out;
}

// How many runs ended how; what did not end well is named by the script.
std::string StatesOf(const analysis::Results& results) {
  std::map<std::string, size_t> counts;
  for (const analysis::CollectedRun& run : results.runs) ++counts[run.state];
  std::string out = absl::StrCat(results.runs.size(), " runs");
  for (const auto& [state, n] : counts) {
    absl::StrAppend(&out, ", ", n, " ", state);
  }
  return out;
}

}  // namespace

std::string FillTemplate(std::string_view text,
                         const std::vector<Placeholder>& values) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find("{{");
    const size_t close = open == text.npos ? open : text.find("}}", open);
    if (close == text.npos) break;
    out += text.substr(0, open);
    const std::string_view name = text.substr(open + 2, close - open - 2);
    for (const Placeholder& one : values) {
      if (one.name == name) out += one.value;
    }
    text.remove_prefix(close + 2);
  }
  out += text;
  return out;
}

std::string JsonForScript(const nlohmann::ordered_json& json) {
  const std::string text =
      json.dump(-1, ' ', /*ensure_ascii=*/false,
                nlohmann::ordered_json::error_handler_t::replace);
  return absl::StrReplaceAll(text, {{"<", "\\u003c"},
                                    {">", "\\u003e"},
                                    {"&", "\\u0026"},
                                    {"\xe2\x80\xa8", "\\u2028"},
                                    {"\xe2\x80\xa9", "\\u2029"}});
}

std::string RenderPage(const PictureInput& input) {
  const analysis::Report& report = input.report;
  const std::vector<Table> verdicts = VerdictTables(input);
  std::string first, tables;
  for (const Table& table : verdicts) {
    first += TableHtml(table, table.title, /*is_verdict=*/true);
  }
  for (const Table* table : TablesOf(input)) {
    tables += TableHtml(*table, table->name, /*is_verdict=*/false);
  }
  nlohmann::ordered_json data = PicturesToJson(input);
  data.update(RunsToJson(report.results));
  const std::string question =
      report.question.empty() ? "A sweep of sftbench" : report.question;
  return FillTemplate(embedded::kPageHtml,
                      {{"title", Escaped(question)},
                       {"style", std::string(embedded::kPageCss)},
                       {"states", Escaped(StatesOf(report.results))},
                       {"verdicts", first},
                       {"tables", tables},
                       {"notes", Notes(report)},
                       {"glossary", Glossary(verdicts, input)},
                       {"data", JsonForScript(data)},
                       {"script", absl::StrCat(ToAbsl(embedded::kDrawingJs),
                                               ToAbsl(embedded::kPicturesJs),
                                               ToAbsl(embedded::kPageJs))}});
}

}  // namespace sft::page
