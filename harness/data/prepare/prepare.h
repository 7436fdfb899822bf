// Cleaning and splitting a table: what goes, why, and where the rest stands.
#ifndef HARNESS_DATA_PREPARE_PREPARE_H_
#define HARNESS_DATA_PREPARE_PREPARE_H_

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/data/prepare/options.h"
#include "harness/data/prepare/rows.h"

namespace sft::data {

struct DroppedRow {
  uint32_t row = 0;  // index of the source
  std::string where;
  std::string reason;        // name of a check
  std::string duplicate_of;  // file:line, "" if none
};
struct FlaggedRow {
  uint32_t row = 0;
  std::string where, reason, detail;
};

struct CheckReport {
  std::string name, action, what;
  int64_t rows = 0;
  std::vector<std::string> examples;  // file:line
};
struct PrepareReport {
  int64_t rows = 0, kept = 0, dropped = 0;
  std::vector<CheckReport> checks;
  // Label -> rows read, kept, and of each split; one "" without labels.
  std::map<std::string, std::array<int64_t, 2 + kSplits>> labels;
  double imbalance = 0;  // largest to smallest kept class, 0 if below two
  bool imbalanced = false;
  int64_t cut_comparisons = 0;
  // Column -> exact duplicates, leaks and rows in conflict that differ in it
  // from the row that they are like; it was not compared.
  std::map<std::string, int64_t> not_compared;
};
struct PreparedTable {
  // Kept rows, as ascending indices of the source.
  std::array<std::vector<uint32_t>, kSplits> splits;
  std::vector<DroppedRow> dropped;
  std::vector<FlaggedRow> flagged;
  PrepareReport report;
};

// Every row is either in one split or in `dropped`. With options.clean false,
// what would be dropped is flagged.
absl::StatusOr<PreparedTable> PrepareTable(const RowSource& rows,
                                           const PrepareOptions& options,
                                           const RowSource* against = nullptr);

// The report as JSON, and for the screen.
nlohmann::ordered_json ReportJson(const PrepareReport& report,
                                  const std::string& name,
                                  const PrepareOptions& options,
                                  const std::vector<RefusedRow>& bad_rows);
std::string ReportText(const PrepareReport& report,
                       const std::vector<RefusedRow>& bad_rows);

// train.jsonl, validation.jsonl, test.jsonl, dropped.tsv, flagged.tsv and,
// last, report.json: each under a temporary name first.
absl::Status WritePrepared(const RowSource& rows, const PreparedTable& table,
                           const std::vector<RefusedRow>& bad_rows,
                           const std::string& report_json,
                           const std::string& folder);

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_PREPARE_H_
