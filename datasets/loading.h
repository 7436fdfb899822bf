// From records to splits, for the units of this folder: every record becomes a
// row or a refusal with its place, and no test text is trained on.
#ifndef DATASETS_LOADING_H_
#define DATASETS_LOADING_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/data/jsonl.h"
#include "harness/data/splits.h"

namespace sft::datasets {

struct LoadedRows {
  std::vector<data::KeyedRow> rows;
  std::vector<data::RefusedRow> refused;
};

// Adds the row with its id and place, or why there is none.
void AddRow(absl::StatusOr<data::KeyedRow> row, int64_t id,
            const std::string& where, LoadedRows& out);
// `out`, or an error if it has no row.
absl::StatusOr<LoadedRows> UnlessEmpty(const std::string& path, LoadedRows out);

// Makes a row with its key of a record; the error says why there is none.
// Id and place are filled in by the reader.
using RowOfJson =
    std::function<absl::StatusOr<data::KeyedRow>(const data::JsonRecord&)>;
using RowsOfJson = std::function<absl::StatusOr<std::vector<data::KeyedRow>>(
    const data::JsonRecord&)>;
using RowOfLine =
    std::function<absl::StatusOr<data::KeyedRow>(const std::string&)>;

// The records of a file: JSON lines if its name says so, else one JSON array.
absl::StatusOr<LoadedRows> LoadJsonRows(const std::string& file,
                                        const data::DataFolders& folders,
                                        const RowOfJson& row_of);
// The same for records of several rows: row k (from 0) of record r gets the id
// (k << 20) + r.
absl::StatusOr<LoadedRows> LoadNestedRows(const std::string& file,
                                          const data::DataFolders& folders,
                                          const RowsOfJson& rows_of);
// A row a line; empty lines are skipped, lines that are no UTF-8 refused. A
// file without a good line is an error.
absl::StatusOr<LoadedRows> LoadLineRows(const std::string& file,
                                        const data::DataFolders& folders,
                                        const RowOfLine& row_of);

// Duplicates are refused, the rest split by text (harness/data/splits.h).
absl::StatusOr<data::Splits> OwnSplits(LoadedRows all, int64_t validation_rows,
                                       int64_t test_rows,
                                       std::string_view name);
// The test set whole, as its makers left it; of the others, duplicates and
// texts of the test set are refused, and validation rows taken out by text.
absl::StatusOr<data::Splits> OfficialSplits(LoadedRows train, LoadedRows test,
                                            int64_t validation_rows,
                                            std::string_view name);
// The test set alone. Here and above, test rows stand in the order of their
// texts' hashes, so that the first ones are a fair sample.
data::Splits TestOnly(LoadedRows test);

// White space of both ends cut off.
std::string Stripped(std::string_view text);
// The string at `key`, as written or without white space at its ends; an error
// if it is blank.
absl::StatusOr<std::string> WrittenText(const nlohmann::json& object,
                                        const std::string& key);
absl::StatusOr<std::string> NonEmptyText(const nlohmann::json& object,
                                         const std::string& key);

}  // namespace sft::datasets

#endif  // DATASETS_LOADING_H_
