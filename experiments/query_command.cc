#include "experiments/query_command.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments/planned_sweep.h"
#include "harness/analysis/record_query.h"
#include "harness/analysis/tables.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"

namespace sft::experiments {
namespace {

struct QueryFlags {
  std::string path;
  std::string where;
  std::vector<std::string> columns;
  std::string format = "tsv";
};

void DeclareQuery(CLI::App& app, QueryFlags& flags) {
  app.add_option("DIR|FILE", flags.path, "records of a sweep, or merged ones")
      ->required();
  app.add_option("--where", flags.where,
                 "conditions that a row fulfils, such as method=lora,seed<3")
      ->type_name("CONDITIONS");
  AddList(app, "--columns", flags.columns,
          "what to show, by name; without it the axes and the scores")
      ->type_name("NAMES");
  app.add_option("--format", flags.format, "of the rows")
      ->check(OneOf({"tsv", "csv", "json"}));
}

const analysis::QueryValue& ValueAt(const analysis::QueryRow& row,
                                    const std::string& column) {
  static const auto& none = *new analysis::QueryValue();
  const auto found = row.find(column);
  return found == row.end() ? none : found->second;
}

void PrintRowsAsJson(const analysis::QueryResult& result) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const analysis::QueryRow& row : result.rows) {
    nlohmann::ordered_json one = nlohmann::ordered_json::object();
    for (const std::string& column : result.columns) {
      const analysis::QueryValue& value = ValueAt(row, column);
      if (value.is_number) {
        // What is no finite number is null in JSON.
        one[column] = std::strtod(value.text.c_str(), nullptr);
      } else {
        one[column] = value.text;
      }
    }
    rows.push_back(std::move(one));
  }
  printf("%s\n", formats::JsonText(rows, 2).c_str());
}

void PrintRowsAsTable(const analysis::QueryResult& result,
                      analysis::TableFormat format) {
  std::vector<std::vector<std::string>> rows = {result.columns};
  for (const analysis::QueryRow& row : result.rows) {
    rows.emplace_back();
    for (const std::string& column : result.columns) {
      rows.back().push_back(ValueAt(row, column).text);
    }
  }
  for (std::vector<std::string>& row : rows) {
    for (std::string& cell : row) cell = analysis::EscapeFor(format, cell);
  }
  if (format == analysis::TableFormat::kTsv) {
    PrintColumns(rows);
    return;
  }
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      printf("%s%s", i == 0 ? "" : ",", row[i].c_str());
    }
    printf("\n");
  }
}

absl::StatusOr<int> RunQuery(const QueryFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const std::vector<analysis::QueryCondition> where,
                       analysis::ParseConditions(flags.where));
  SFT_ASSIGN_OR_RETURN(
      const analysis::QueryResult result,
      analysis::QueryRecords(flags.path, where, flags.columns));
  PrintWarnings(result.damaged);
  if (flags.format == "json") {
    PrintRowsAsJson(result);
  } else {
    SFT_ASSIGN_OR_RETURN(const analysis::TableFormat format,
                         analysis::ParseTableFormat(flags.format));
    PrintRowsAsTable(result, format);
  }
  return kExitGood;
}

}  // namespace

Command QueryCommand() {
  return MakeCommand(
      {.name = "query",
       .usage = "query DIR|FILE [--where CONDITIONS] [--columns NAMES]",
       .summary = "Records as rows: filtered, any number of them.",
       .help = R"(
A row a record. Names are run_id, attempt and rung (both 0: the final record),
status, status_message; fields of the config and axes; TASK/SPLIT/METRIC of the
last round, with @ROUND of each; fact.NAME, forgetting.NAME, measured.NAME,
text.NAME. Conditions are joined by commas and compare by = != < <= > >=.
Columns on a terminal, tab-separated in a pipe.
  sftbench query results/demo --where 'method=lora,status=ok'
  sftbench query demo.h5 --columns run_id,seed,fact.real_tokens --format csv
)"},
      DeclareQuery, RunQuery);
}

}  // namespace sft::experiments
