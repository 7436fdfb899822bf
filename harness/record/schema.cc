#include "harness/record/schema.h"

#include <algorithm>

#include "harness/core/status.h"

namespace sft::record {
namespace {

bool IsUnder(std::string_view path, std::string_view group) {
  return path.substr(0, group.size()) == group &&
         (path.size() == group.size() || path[group.size()] == '/');
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::vector<SchemaRow> RecordSchema() {
  std::vector<SchemaRow> rows = {
      {"/ @schema_version", "int64", 0, "", "this table's version"},
      {"/ @kind", "string", 0, "", "run, or merged"},
      {"/ @run_id", "string", 0, "", "hash of config and inputs"},
      {"/ @status", "string", 0, "",
       "ok, diverged, out_of_memory, timeout, failed or stopped"},
      {"/ @status_message", "string", 0, "", "why, if not ok"},
      {"/ @config", "string", 0, "", "effective config, 'name = value' lines"},
      {"/ @requested_spec", "string", 0, "", "the YAML as written"},
      {"/ @complete", "int64", 0, "", "1: written whole"},
      {"/ @content_sha256", "string", 0, "",
       "of everything but /measured and /provenance"},
      {"/ @record_sha256", "string", 0, "", "of everything but itself"},
      {"/axes @<axis>", "string", 0, "", "what varies in the sweep"},
  };
  for (const auto& series : kIntSeries) {
    rows.push_back({series.path, "int64", 1, series.unit, series.help});
  }
  for (const auto& series : kDoubleSeries) {
    rows.push_back({series.path, "float64", 1, series.unit, series.help});
  }
  const std::string eval = "/eval/<task>/<split>/<round>";
  const std::string metric = eval + "/metrics/<metric>";
  const std::string series = "/series/<task>/<split>";
  const std::string series_metric = series + "/metrics/<metric>";
  const std::vector<SchemaRow> rest = {
      {eval + " @order", "int64", 0, "", "place in the list of evaluations"},
      {eval + "/tokens", "int64", 0, "token", "tokens that were scored"},
      {eval + "/row_ids", "int64", 1, "1", "row of each item"},
      {eval + "/predictions", "int64", 1, "1", "label index of each item"},
      {eval + "/references", "int64", 1, "1", "label index of each item"},
      {metric + " @order", "int64", 0, "", "0 = the primary metric"},
      {metric + " @signature", "string", 0, "", "how it was computed"},
      {metric + " @higher_is_better", "int64", 0, "", "1 or 0"},
      {metric + "/value", "float64", 0, "its own", "the metric"},
      {metric + "/items", "float64", 1, "its own", "score of each item"},
      {metric + "/sums", "float64", 2, "1",
       "[items, columns] of a metric that is no mean of items: what it sums"},
      {series + " @task", "string", 0, "",
       "several rounds, or points: the set"},
      {series + " @split", "string", 0, "", "as below /eval; curve, rewind"},
      {series + "/order", "int64", 1, "", "places in the list of evaluations"},
      {series + "/round", "int64", 1, "1", "P of them; 0 is the base model"},
      {series + "/point", "float64", 1, "1",
       "step of a curve's point, alpha of a rewound one, else 0"},
      {series + "/tokens", "int64", 1, "token", "tokens that were scored"},
      {series + "/row_ids", "int64", 1, "1", "row of each of I items"},
      {series + "/references", "int64", 1, "1", "label index of each item"},
      {series + "/predictions", "float64", 2, "1", "[P, I] label indices"},
      {series_metric + " @<as below /eval>", "", 0, "",
       "order, signature, higher_is_better"},
      {series_metric + "/value", "float64", 1, "its own", "[P]"},
      {series_metric + "/items", "float64", 2, "its own", "[P, I]"},
      {series_metric + "/sums", "float64", 2, "1", "[P, I x columns]"},
      {series_metric + "/sums @columns", "int64", 0, "", "sums an item"},
      {"/sequence/scores", "float64", 2, "its own",
       "R: [rounds + 1, sets], the base model first; NaN: not scored"},
      {"/sequence/sets", "string", 1, "", "set and metric of each column"},
      {"/sequence/units", "string", 1, "", "unit of each column"},
      {"/sequence/higher_is_better", "int64", 1, "1", "of each column"},
      {"/sequence/own_round", "int64", 1, "1",
       "the first that trains on it, 0 where none does"},
      {"/forgetting/<task>/<measure>", "float64", 0, "by its name",
       "change against the base model"},
      {"/facts/<name>", "float64", 0, "by its name", "counts and shares"},
      {"/texts @<name>", "string", 0, "", "digests and other strings"},
      {"/memory/predicted/<category>", "int64", 0, "byte", "by formula"},
      {"/text/prompts", "string", 1, "text", "only with --keep-text"},
      {"/text/generations", "string", 1, "text", "only with --keep-text"},
      {"/measured/eval/<task>/<split>/<round>/wall_seconds", "float64", 0, "s",
       "wall time of the evaluation"},
      {"/measured/series/<task>/<split>/wall_seconds", "float64", 1, "s",
       "wall time of each evaluation"},
      {"/measured/memory/categories/<category>", "int64", 0, "byte",
       "by category"},
      {"/measured/memory/<name>", "float64", 0, "byte", "peaks of the process"},
      {"/measured/throughput/<name>", "float64", 0, "by its name", "rates"},
      {"/measured/run/<name>", "float64", 0, "by its name", "times of the run"},
      {"/provenance/build @<name>", "string", 0, "",
       "revision and library versions"},
      {"/provenance/run @<name>", "string", 0, "", "host, clock, job"},
      {"/runs/<file>", "uint8", 1, "byte",
       "merged files: one record's file, byte for byte"},
      {"/plan", "string", 1, "JSON", "merged files: the plans of the records"},
  };
  rows.insert(rows.end(), rest.begin(), rest.end());
  return rows;
}

std::string RecordSchemaMarkdown() {
  std::string out =
      "| path | type | rank | unit | meaning |\n"
      "| --- | --- | ---: | --- | --- |\n";
  for (const SchemaRow& row : RecordSchema()) {
    absl::StrAppend(&out, "| `", row.path, "` | ", row.type, " | ", row.rank,
                    " | ", row.unit, " | ", row.help, " |\n");
  }
  out += "\n| a name of its own that ends in | unit |\n| --- | --- |\n";
  for (const UnitRow& row : kUnitsByEnding) {
    absl::StrAppend(&out, "| `", row.ending, "` | ", row.unit, " |\n");
  }
  return out;
}

std::string UnitOfName(std::string_view name) {
  for (const UnitRow& row : kUnitsByEnding) {
    if (name.ends_with(row.ending)) return row.unit;
  }
  return "1";
}

bool IsDeterministicPath(std::string_view path) {
  return !IsUnder(path, kMeasuredPath) && !IsUnder(path, kProvenancePath);
}

std::string EncodePathName(std::string_view name) {
  // HDF5 takes "." for the group itself, and has no empty names.
  if (name.empty()) return "%";
  const bool only_dots = name.find_first_not_of('.') == std::string_view::npos;
  std::string out;
  for (const char c : name) {
    if (c == '/' || c == '%' || c == '\0' || (c == '.' && only_dots)) {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string DecodePathName(std::string_view component) {
  std::string out;
  for (size_t i = 0; i < component.size(); ++i) {
    if (component[i] == '%' && i + 2 < component.size()) {
      const int high = HexDigit(component[i + 1]);
      const int low = HexDigit(component[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    if (component[i] != '%') out += component[i];
  }
  return out;
}

}  // namespace sft::record
