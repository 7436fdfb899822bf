#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/prepare/prepare.h"

namespace sft::data {
namespace {

constexpr size_t kLabelsShown = 20;

}  // namespace

nlohmann::ordered_json ReportJson(const PrepareReport& report,
                                  const std::string& name,
                                  const PrepareOptions& options,
                                  const std::vector<RefusedRow>& bad_rows) {
  nlohmann::ordered_json json;
  json["file"] = name;
  for (const auto& [key, value] : PrintFields(options)) {
    json["options"][key] = value;
  }
  json["rows"] = report.rows;
  json["kept"] = report.kept;
  json["dropped"] = report.dropped;
  json["bad_rows"] = bad_rows.size();
  json["bad_row_examples"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < bad_rows.size() && i < 5; ++i) {
    json["bad_row_examples"].push_back(
        {{"where", bad_rows[i].where}, {"reason", bad_rows[i].reason}});
  }
  for (const CheckReport& check : report.checks) {
    json["checks"].push_back({{"name", check.name},
                              {"action", check.action},
                              {"what", check.what},
                              {"rows", check.rows},
                              {"examples", check.examples}});
  }
  std::array<int64_t, kSplits> sums{};
  json["labels"] = nlohmann::ordered_json::object();
  for (const auto& [label, counts] : report.labels) {
    nlohmann::ordered_json& entry = json["labels"][label];
    entry["rows"] = counts[0];
    entry["kept"] = counts[1];
    for (int s = 0; s < kSplits; ++s) {
      entry[kSplitNames[s]] = counts[2 + s];
      sums[s] += counts[2 + s];
    }
  }
  for (int s = 0; s < kSplits; ++s) json["splits"][kSplitNames[s]] = sums[s];
  json["imbalance"] = report.imbalance;
  json["imbalanced"] = report.imbalanced;
  json["not_compared"] = report.not_compared;
  json["cut_comparisons"] = report.cut_comparisons;
  return json;
}

std::string ReportText(const PrepareReport& report,
                       const std::vector<RefusedRow>& bad_rows) {
  std::string out = absl::StrFormat(
      "%d rows read, %d kept, %d dropped; %d could not be read\n\n",
      report.rows, report.kept, report.dropped, bad_rows.size());
  absl::StrAppendFormat(&out, "%-16s %-5s %9s  %s\n", "check", "does", "rows",
                        "such as");
  for (const CheckReport& check : report.checks) {
    std::vector<std::string> shown = check.examples;
    if (shown.size() > 3) shown.resize(3);
    absl::StrAppendFormat(&out, "%-16s %-5s %9d  %s\n", check.name,
                          check.action, check.rows, absl::StrJoin(shown, " "));
  }
  for (size_t i = 0; i < bad_rows.size() && i < 3; ++i) {
    absl::StrAppend(&out, "bad row ", bad_rows[i].where, ": ",
                    bad_rows[i].reason, "\n");
  }
  absl::StrAppendFormat(&out, "\n%-20s %9s %9s %9s %11s %9s\n", "label", "rows",
                        "kept", kSplitNames[0], kSplitNames[1], kSplitNames[2]);
  std::array<int64_t, 2 + kSplits> sums{};
  size_t shown = 0;
  auto line = [&out](const std::string& name, const auto& counts) {
    absl::StrAppendFormat(&out, "%-20s %9d %9d %9d %11d %9d\n", name, counts[0],
                          counts[1], counts[2], counts[3], counts[4]);
  };
  for (const auto& [label, counts] : report.labels) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += counts[i];
    if (++shown <= kLabelsShown && !label.empty()) {
      line(label.size() > 60 ? "(a long label)" : label, counts);
    }
  }
  if (shown > kLabelsShown) {
    absl::StrAppend(&out, "... ", shown - kLabelsShown, " more\n");
  }
  line("(all)", sums);
  if (report.imbalance > 0) {
    absl::StrAppendFormat(
        &out, "The largest class has %.1f times the rows of the smallest%s\n",
        report.imbalance, report.imbalanced ? ": imbalanced." : ".");
  }
  std::vector<std::string> columns;
  for (const auto& [column, rows] : report.not_compared) {
    columns.push_back(absl::StrCat(column, " (", rows, " rows)"));
  }
  if (!columns.empty()) {
    if (columns.size() > kLabelsShown) columns.resize(kLabelsShown);
    absl::StrAppend(&out,
                    "Some exact duplicates, leaks or rows in conflict differ "
                    "from the row they are like in columns that were not "
                    "compared: ",
                    absl::StrJoin(columns, ", "),
                    "; name those of the prompt with --text, those of the "
                    "answer with --answer.\n");
  }
  if (report.cut_comparisons > 0) {
    absl::StrAppend(&out, report.cut_comparisons,
                    " rows had more candidates than are compared: near "
                    "duplicates of them may be left.\n");
  }
  return out;
}

}  // namespace sft::data
