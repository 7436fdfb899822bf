#include "harness/analysis/record_query.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/run_store.h"

namespace sft::analysis {
namespace {

constexpr char kFact[] = "fact.";
constexpr char kForgetting[] = "forgetting.";
constexpr char kMeasured[] = "measured.";
constexpr char kText[] = "text.";

QueryValue NumberOf(double value) { return {CanonicalText(value), true}; }

// What parses as a number is one: config fields and axes are kept as texts.
QueryValue TextOrNumber(const std::string& text) {
  double number = 0;
  return {text, absl::SimpleAtod(text, &number) && std::isfinite(number)};
}

std::string MetricName(const EvalRecord& eval, const MetricRecord& metric) {
  return absl::StrCat(eval.task, "/", eval.split, "/", metric.name);
}

template <class Map, class Make>
void AddAll(const char* prefix, const Map& values, const Make& make,
            QueryRow& row) {
  for (const auto& [name, value] : values) {
    row[absl::StrCat(prefix, name)] = make(value);
  }
}

bool Compares(const QueryValue& have, const QueryCondition& condition) {
  double a = 0, b = 0;
  const std::string& how = condition.comparison;
  if (have.is_number && absl::SimpleAtod(have.text, &a) &&
      absl::SimpleAtod(condition.value, &b)) {
    if (how == "=") return a == b;
    if (how == "!=") return a != b;
    if (how == "<") return a < b;
    if (how == "<=") return a <= b;
    if (how == ">") return a > b;
    return a >= b;
  }
  if (how == "=") return have.text == condition.value;
  return how == "!=" && have.text != condition.value;
}

// Of a row whose columns are not known yet: what may become one.
bool MayBeUsual(const std::string& name) {
  if (absl::StrContains(name, "@")) return false;
  for (const char* prefix : {kFact, kForgetting, kMeasured, kText}) {
    if (absl::StartsWith(name, prefix)) return false;
  }
  return true;
}

// A new name goes behind those there are.
void AddColumns(const std::vector<std::string>& names,
                std::set<std::string>& known,
                std::vector<std::string>& columns) {
  for (const std::string& name : names) {
    if (known.insert(name).second) columns.push_back(name);
  }
}

}  // namespace

QueryRow RowOfRecord(const record::NamedRecord& named) {
  const record::RunRecord& record = named.record;
  QueryRow row;
  const auto text = [](const std::string& value) {
    return QueryValue{value, false};
  };
  AddAll("", spec::ConfigFields(record.config), TextOrNumber, row);
  AddAll("", record.axes, TextOrNumber, row);
  for (const EvalRecord& eval : record.evals) {
    for (const MetricRecord& metric : eval.metrics) {
      const std::string name = MetricName(eval, metric);
      row[name] = NumberOf(metric.value);  // rounds come in their order
      std::string at = absl::StrCat(name, "@", eval.round);
      if (eval.point != 0) absl::StrAppend(&at, ":", eval.point);
      row[at] = NumberOf(metric.value);
    }
  }
  AddAll(kFact, record.facts, NumberOf, row);
  AddAll(kForgetting, record.forgetting, NumberOf, row);
  AddAll(kMeasured, record.measured, NumberOf, row);
  AddAll(kText, record.texts, text, row);
  row["run_id"] = text(record.run_id);
  const record::RecordName name = record::ParseRecordName(named.name);
  row["attempt"] = NumberOf(name.attempt);
  row["rung"] = NumberOf(name.rung);
  row["status"] = text(std::string(record::RunStatusName(record.status)));
  row["status_message"] = text(record.status_message);
  return row;
}

std::vector<std::string> UsualColumns(const record::NamedRecord& named) {
  std::vector<std::string> columns = {"run_id", "status"};
  for (const auto& [name, value] : named.record.axes) columns.push_back(name);
  for (const EvalRecord& eval : named.record.evals) {
    const bool is_test = eval.split == "test" || eval.split == "heldout";
    if (!is_test || eval.metrics.empty()) continue;
    const std::string name = MetricName(eval, eval.metrics[0]);
    if (std::find(columns.begin(), columns.end(), name) == columns.end()) {
      columns.push_back(name);
    }
  }
  return columns;
}

absl::StatusOr<std::vector<QueryCondition>> ParseConditions(
    std::string_view text) {
  std::vector<QueryCondition> all;
  if (text.empty()) return all;
  for (const absl::string_view part : absl::StrSplit(ToAbsl(text), ',')) {
    const size_t at = part.find_first_of("=!<>");
    const size_t end =
        at == part.npos ? at : part.find_first_not_of("=!<>", at);
    QueryCondition condition;
    if (at != part.npos) {
      condition.name = ToStd(part.substr(0, at));
      condition.comparison =
          ToStd(part.substr(at, std::min(end, part.size()) - at));
      if (end != part.npos) condition.value = ToStd(part.substr(end));
    }
    static const auto& kComparisons =
        *new std::set<std::string>{"=", "!=", "<", "<=", ">", ">="};
    if (condition.comparison == "==") condition.comparison = "=";
    if (condition.name.empty() ||
        !kComparisons.contains(condition.comparison)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "wants conditions such as method=lora,seed<3, not '", part, "'"));
    }
    all.push_back(std::move(condition));
  }
  return all;
}

bool Fulfils(const QueryRow& row, const std::vector<QueryCondition>& all) {
  return std::all_of(all.begin(), all.end(),
                     [&row](const QueryCondition& condition) {
                       const auto found = row.find(condition.name);
                       if (found == row.end())
                         return condition.comparison == "!=";
                       return Compares(found->second, condition);
                     });
}

absl::StatusOr<QueryResult> QueryRecords(
    const std::string& path, const std::vector<QueryCondition>& where,
    const std::vector<std::string>& columns) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                       record::ListRecordFiles(path));
  QueryResult result;
  std::vector<std::string> asked = columns;
  for (const QueryCondition& one : where) asked.push_back(one.name);
  std::set<std::string> missing(asked.begin(), asked.end());
  std::set<std::string> names, shown;
  AddColumns(columns, shown, result.columns);
  size_t records = 0;
  record::ForEachRecord(files, [&](const std::string&,
                                   absl::StatusOr<record::NamedRecord> named) {
    if (!named.ok()) {
      result.damaged.emplace_back(named.status().message());
      return;
    }
    QueryRow row = RowOfRecord(*named);
    // Records of one sweep have much the same names.
    if (records++ == 0 || !missing.empty()) {
      for (const auto& [name, value] : row) {
        names.insert(name);
        missing.erase(name);
      }
    }
    if (!Fulfils(row, where)) return;
    if (columns.empty()) {
      AddColumns(UsualColumns(*named), shown, result.columns);
    }
    std::erase_if(row, [&](const auto& value) {
      return columns.empty() ? !MayBeUsual(value.first)
                             : !shown.contains(value.first);
    });
    result.rows.push_back(std::move(row));
  });
  for (QueryRow& row : result.rows) {
    std::erase_if(row, [&shown](const auto& value) {
      return !shown.contains(value.first);
    });
  }
  if (records == 0) return InputError(path, "holds no record");
  if (missing.empty()) return result;
  return InputError(
      path,
      absl::StrCat("no record has a '", *missing.begin(), "'",
                   DidYouMean(*missing.begin(), {names.begin(), names.end()})));
}

}  // namespace sft::analysis
